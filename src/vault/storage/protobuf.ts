/** One field of a message as the wire has it; a message inside is bytes. */
export interface WireField {
  number: number;
  value: bigint | Buffer;
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/**
 * The fields of a protobuf message, in their order.
 * @throws RangeError if it is cut off or not a message.
 */
export function wireFields(message: Buffer): WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('A number is not terminated.');
  };
  const bytes = (length: number): Buffer => {
    if (at + length > message.length) throw new RangeError('A field is truncated.');
    return message.subarray(at, (at += length));
  };
  while (at < message.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    if (wire === VARINT) fields.push({ number: tag >>> 3, value: varint() });
    else if (wire === BYTES) fields.push({ number: tag >>> 3, value: bytes(Number(varint())) });
    else if (wire === FIXED64) bytes(8);
    else if (wire === FIXED32) bytes(4);
    else throw new RangeError(`A field has the unknown type ${wire}.`);
  }
  return fields;
}

/** Zero if absent, as in proto3. */
export function integerOf(fields: readonly WireField[], number: number): number {
  const value = fields.findLast((field) => field.number === number)?.value;
  return typeof value === 'bigint' ? Number(value) : 0;
}

/** Empty if absent, as in proto3. */
export function textOf(fields: readonly WireField[], number: number): string {
  const value = fields.findLast((field) => field.number === number)?.value;
  return Buffer.isBuffer(value) ? value.toString('utf8') : '';
}
