import type { Json } from '../model/node.ts';

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

function sortKeys(json: Json): Json {
  if (json === null || typeof json !== 'object') return json;
  if (isList(json)) return json.map(sortKeys);
  return Object.fromEntries(
    Object.entries(json)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, sortKeys(value)]),
  );
}

/** A map as Go's encoding/json writes it: keys sorted, `<`, `>` and `&` escaped. */
export function writeGoJson(json: Json): string {
  return JSON.stringify(sortKeys(json)).replace(
    /[<>&]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
