/** Bytes of the length that is written before a text or bytes. */
const LENGTH_BYTES = new Map([
  [0xc4, 1],
  [0xc5, 2],
  [0xc6, 4],
  [0xd9, 1],
  [0xda, 2],
  [0xdb, 4],
]);
const UNSIGNED_BYTES = new Map([
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
]);
/** Nil, false, true, and the three sizes of a timestamp. */
const OTHER_BYTES = new Map([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xd6, 5],
  [0xd7, 9],
  [0xc7, 14],
]);

interface Element {
  value: number | Buffer | null;
  end: number;
}

/**
 * The unsigned number that a flat MessagePack map, such as one of go-msgpack from a Go struct, has under a key.
 * @returns null when there is none, or when the bytes are no such map.
 */
export function numberInMap(message: Buffer, key: string): number | null {
  try {
    return search(message, key);
  } catch {
    return null;
  }
}

/** @throws RangeError when it is cut or none. */
function search(message: Buffer, wanted: string): number | null {
  const head = message.readUInt8(0);
  if (head >>> 4 !== 0x8) throw new RangeError('It is no map of few keys.');
  let at = 1;
  for (let left = head & 0x0f; left > 0; left--) {
    const key = elementAt(message, at);
    const { value, end } = elementAt(message, key.end);
    if (key.value?.toString() === wanted) return typeof value === 'number' ? value : null;
    at = end;
  }
  return null;
}

function elementAt(message: Buffer, at: number): Element {
  const tag = message.readUInt8(at);
  const start = at + 1;
  if (tag < 0x80) return { value: tag, end: start };
  if (tag >>> 5 === 0b101) return bytesAt(message, start, tag & 0x1f);
  const lengthBytes = LENGTH_BYTES.get(tag);
  if (lengthBytes !== undefined) {
    return bytesAt(message, start + lengthBytes, message.readUIntBE(start, lengthBytes));
  }
  const unsignedBytes = UNSIGNED_BYTES.get(tag);
  if (unsignedBytes !== undefined) {
    const value =
      unsignedBytes === 8 ? Number(message.readBigUInt64BE(start)) : message.readUIntBE(start, unsignedBytes);
    return { value, end: start + unsignedBytes };
  }
  const otherBytes = OTHER_BYTES.get(tag);
  if (otherBytes === undefined) throw new RangeError(`It has an element of the unexpected type ${tag}.`);
  return { value: null, end: start + otherBytes };
}

function bytesAt(message: Buffer, start: number, length: number): Element {
  const end = start + length;
  if (end > message.length) throw new RangeError('An element is cut.');
  return { value: message.subarray(start, end), end };
}
