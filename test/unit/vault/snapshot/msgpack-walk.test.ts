import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { type Found, MsgpackWalk, type Wish } from '../../../../src/vault/snapshot/msgpack-walk';

function read(bytes: Uint8Array, wish?: Wish, chunkBytes = 1): { found: Found; taken: number } {
  const walk = new MsgpackWalk();
  const reading = walk.value(wish);
  let step = reading.next();
  for (let at = 0; !step.done; at += chunkBytes) {
    if (at >= bytes.length) throw new Error('wants more than there is');
    walk.feed(Buffer.from(bytes.subarray(at, at + chunkBytes)));
    step = reading.next();
  }
  return { found: step.value, taken: walk.position };
}

/** Whatever MessagePack can hold, as another implementation writes it. */
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.string({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value')),
    fc.dictionary(fc.string({ maxLength: 40 }), tie('value'), { noNullPrototype: true }),
  ),
})).value;

it('walks over whatever another implementation writes, to its very end', () => {
  fc.assert(
    fc.property(anything, fc.integer({ min: 1, max: 64 }), (value, chunkBytes) => {
      const bytes = encode(value);
      const whole = Math.ceil(bytes.length / chunkBytes) * chunkBytes;
      const { taken } = read(Buffer.concat([bytes, Buffer.alloc(whole - bytes.length)]), undefined, chunkBytes);
      expect(taken).toBe(bytes.length);
    }),
  );
});

it('finds what is asked for, however deep, and nothing else', () => {
  fc.assert(
    fc.property(anything, fc.string(), fc.nat(), fc.boolean(), (noise, text, number, flag) => {
      const value = {
        a: noise,
        Service: { b: noise, Name: text },
        Index: number,
        Active: flag,
        Nothing: null,
        Value: text,
      };
      const wish: Wish = {
        Service: { Name: 'scalar' },
        Index: 'scalar',
        Active: 'scalar',
        Nothing: 'scalar',
        Value: 'length',
        Missing: 'scalar',
      };
      expect(read(encode(value), wish).found).toEqual({
        Service: { Name: text },
        Index: number,
        Active: flag,
        Nothing: null,
        Value: { bytes: Buffer.byteLength(text), value: null },
      });
    }),
  );
});

it('measures what is too long to be kept', () => {
  const long = Buffer.alloc(70_000, 1);

  expect(read(encode({ Value: long }), { Value: 'both' }, 4_096).found).toEqual({
    Value: { bytes: 70_000, value: null },
  });
  expect(read(encode({ Value: long }), { Value: 'scalar' }, 4_096).found).toEqual({ Value: undefined });
});

it.each([
  ['a byte with which nothing begins', Buffer.of(0xc1), 'begins no value'],
  ['lists in lists in lists', Buffer.alloc(1_000, 0x91), 'nested too deeply'],
  [
    'maps in maps in maps',
    Buffer.concat(Array.from({ length: 1_000 }, () => Buffer.of(0x81, 0xa0))),
    'nested too deeply',
  ],
  ['a map as the key of a map', Buffer.alloc(1_000, 0x81), 'nested too deeply'],
])('refuses %s', (_what, bytes, message) => {
  expect(() => read(bytes)).toThrow(message);
});

it('takes no prototype for an entry that was asked for', () => {
  expect(read(encode({ ['__proto__']: 1, toString: 2, Key: 'x' }), { Key: 'scalar' }).found).toEqual({ Key: 'x' });
});
