/** As much of ASN.1's DER encoding as a certificate needs. */

const TAG = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, utf8: 0x0c } as const;

export function der(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body.length)]), body]);
}

export const sequence = (...items: Buffer[]) => der(0x30, ...items);
export const set = (...items: Buffer[]) => der(0x31, ...items);
export const octetString = (bytes: Buffer) => der(TAG.octetString, bytes);
export const utf8String = (text: string) => der(TAG.utf8, Buffer.from(text));
export const truth = () => der(TAG.boolean, Buffer.from([0xff]));
/** @param bytes unsigned and big-endian, its highest bit clear */
export const integer = (bytes: Buffer) => der(TAG.integer, bytes);
export const bitString = (bytes: Buffer, unusedBits = 0) => der(TAG.bitString, Buffer.from([unusedBits]), bytes);
/** A value behind a tag of the structure's own. */
export const tagged = (number: number, content: Buffer) => der(0xa0 + number, content);

/** Four-digit years, which DER wants from 2050 on, are never needed here. */
export function utcTime(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(TAG.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}
