/** What a CRD says of one field. `of` and `fields` point into the table's list of rules. */
export interface FieldRule {
  readonly kind: 'object' | 'map' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'intOrString' | 'any';
  readonly fields?: Readonly<Record<string, number>>;
  readonly required?: readonly string[];
  /** Fields that are not listed are allowed (`x-kubernetes-preserve-unknown-fields`). */
  readonly open?: boolean;
  readonly of?: number;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  /** `format: int32`: the API server refuses what does not fit. */
  readonly int32?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  /** Items of an array, or entries of a map. */
  readonly maxItems?: number;
  /** No two items are equal (`x-kubernetes-list-type: set`). */
  readonly unique?: boolean;
  /** Together these fields name an item: no two items agree in all of them (`x-kubernetes-list-map-keys`). */
  readonly keys?: readonly string[];
  /** What a key is when it is not written: `protocol: TCP` of a port. */
  readonly keyDefaults?: Readonly<Record<string, string>>;
}

/** `roots` by `GENERATION/VERSION`, e.g. `1.5/v1beta1`: the rule of the whole document. */
export interface FieldTable {
  readonly roots: Readonly<Record<string, number>>;
  readonly rules: readonly FieldRule[];
}
