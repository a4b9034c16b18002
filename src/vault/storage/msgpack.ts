import { decodeMulti } from '@msgpack/msgpack';

/**
 * No map or list may be inside: the library does not bound their depth, and takes some 170 bytes for each level of one byte.
 * Texts stay bytes, since go-msgpack writes bytes as texts, of megabytes sometimes.
 */
const FLAT = { maxMapLength: 0, maxArrayLength: 0, rawStrings: true };

/**
 * The unsigned number that a flat MessagePack map, such as one of go-msgpack from a Go struct, has under a key.
 * @returns null when there is none, or when the bytes are no such map.
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
 * @throws Error when they are no elements, or fewer or more than said.
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
