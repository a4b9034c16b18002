import { decodeMulti } from '@msgpack/msgpack';

/**
 * No nested map or list: the library does not bound their depth, and uses about 170 bytes for each level of one byte.
 * Text stays bytes: go-msgpack writes byte strings as text, sometimes megabytes.
 */
const FLAT = { maxMapLength: 0, maxArrayLength: 0, rawStrings: true };

/**
 * The unsigned number under a key of a flat MessagePack map, such as go-msgpack makes from a Go struct.
 * @returns null if there is none, or if the bytes are not such a map.
 */
export function numberInMap(message: Buffer, key: string): number | null {
  const [head = 0] = message;
  if (head >>> 4 !== 0x8) return null;
  try {
    const value = valueOf(Buffer.from(key), decodeMulti(message.subarray(1), FLAT), head & 0x0f);
    return Number.isInteger(value) && Number(value) >= 0 ? Number(value) : null;
  } catch {
    return null;
  }
}

/**
 * @param elements a key and a value in turn
 * @throws Error if the bytes are not elements, or their number differs from the header.
 */
function valueOf(wanted: Buffer, elements: Iterator<unknown>, pairs: number): unknown {
  const next = () => {
    const { value, done } = elements.next();
    if (done) throw new RangeError('It is truncated.');
    return value as unknown;
  };
  let found: unknown = null;
  for (let left = pairs; left > 0; left--) {
    const key = next();
    const value = next();
    if (key instanceof Uint8Array && wanted.equals(key)) found ??= value;
  }
  if (!elements.next().done) throw new RangeError('It has trailing data.');
  return found;
}
