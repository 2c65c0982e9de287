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
  readonly min?: number;
  readonly max?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  /** Together these fields name an item: no two items agree in all of them (`x-kubernetes-list-map-keys`). */
  readonly keys?: readonly string[];
}

/** `roots` by `GENERATION/APIVERSION`, e.g. `1.5/v1beta1`: the rule of `spec`. */
export interface FieldTable {
  readonly roots: Readonly<Record<string, number>>;
  readonly rules: readonly FieldRule[];
}
