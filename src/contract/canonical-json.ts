/**
 * JSON with sorted fields, so that equal values have equal text.
 * @throws RangeError beyond `limit` characters, TypeError beyond 64 levels: nothing that is hashed here is that large
 * or deep.
 */
export function canonicalJson(value: unknown, limit = 1024 * 1024): string {
  const text = JSON.stringify(ordered(value, 0)) ?? 'null';
  if (text.length > limit)
    throw new RangeError(`it has ${text.length} characters of JSON; at most ${limit} are allowed`);
  return text;
}

const MOST_DEPTH = 64;

function ordered(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MOST_DEPTH) throw new TypeError(`it is nested more than ${MOST_DEPTH} deep`);
  if (Array.isArray(value)) return value.map((item) => ordered(item, depth + 1));
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  // Without a prototype `__proto__` is an ordinary field.
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of entries) copy[key] = ordered(item, depth + 1);
  return copy;
}
