import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { decryptFrom, encryptTo, generateIdentity } from '../../../src/crypto/age';
import { PayloadDecrypter } from '../../../src/crypto/age-payload';
import { failureOf, rejectionOf } from '../../support/thrown';

/** Of age. */
const CHUNK = 65_536;
const TAG = 16;
const SEALED = CHUNK + TAG;

const DATA = randomBytes(4 * CHUNK);
/** Around every border between chunks. */
const LENGTHS = [0, 1, 2, 3].flatMap((chunks) => [-1, 0, 1].map((more) => chunks * CHUNK + more)).filter((n) => n >= 0);

/** An independent implementation, in JavaScript. */
const library = () => import('age-encryption');

const lengths = fc.oneof(fc.constantFrom(...LENGTHS), fc.nat(3 * CHUNK));
/** Where a source cuts its bytes. */
const cuts = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 5 });

function streamOf(bytes: Buffer, sizes: readonly number[] = [bytes.length]): Readable {
  const pieces = function* () {
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = sizes[turn % sizes.length] ?? bytes.length;
      yield bytes.subarray(at, at + size);
      at += size;
    }
  };
  return Readable.from(pieces(), { objectMode: false });
}

let recipient: string;
let identity: string;
beforeAll(async () => ({ recipient, identity } = await generateIdentity()));

const encrypt = async (text: Buffer, sizes?: number[]) => buffer(await encryptTo(streamOf(text, sizes), [recipient]));
const decrypt = async (bytes: Buffer, sizes?: number[]) =>
  buffer(await decryptFrom(streamOf(bytes, sizes), [identity]));
const payloadStart = (bytes: Buffer) => bytes.indexOf('\n', bytes.indexOf('\n---') + 1) + 1 + 16;

describe('an encrypted file', () => {
  it('is opened by another implementation, whatever its length and however it arrived', async () => {
    const { Decrypter } = await library();
    await fc.assert(
      fc.asyncProperty(lengths, cuts, async (length, sizes) => {
        const bytes = await encrypt(DATA.subarray(0, length), sizes);

        const decrypter = new Decrypter();
        decrypter.addIdentity(identity);
        expect(DATA.subarray(0, length).equals(await decrypter.decrypt(bytes))).toBe(true);
      }),
      { numRuns: 40, examples: LENGTHS.map((length) => [length, [CHUNK]]) },
    );
  });

  it('of another implementation is opened, whatever its length and however it arrives', async () => {
    const { Encrypter } = await library();
    await fc.assert(
      fc.asyncProperty(lengths, cuts, async (length, sizes) => {
        const encrypter = new Encrypter();
        encrypter.addRecipient(recipient);
        const bytes = Buffer.from(await encrypter.encrypt(DATA.subarray(0, length)));

        expect((await decrypt(bytes, sizes)).equals(DATA.subarray(0, length))).toBe(true);
      }),
      { numRuns: 40, examples: LENGTHS.map((length) => [length, [1_000]]) },
    );
  });

  it('never has a key or a nonce that another one has', async () => {
    const files = await Promise.all(Array.from({ length: 5 }, () => encrypt(DATA.subarray(0, CHUNK))));

    const salts = files.map((bytes) => bytes.subarray(payloadStart(bytes) - 16, payloadStart(bytes)).toString('hex'));
    const payloads = files.map((bytes) => bytes.subarray(payloadStart(bytes)).toString('hex'));
    expect([new Set(salts).size, new Set(payloads).size]).toEqual([5, 5]);
  });

  it('is not read further ahead than a few chunks', async () => {
    for (const open of [
      (source: Readable) => encryptTo(source, [recipient]),
      async (source: Readable) => decryptFrom(source, [identity]),
    ]) {
      let taken = 0;
      const whole = await encrypt(Buffer.concat(Array.from({ length: 16 }, () => DATA)));
      const source = Readable.from(
        (function* () {
          for (let at = 0; at < whole.length; at += CHUNK) {
            taken++;
            yield whole.subarray(at, at + CHUNK);
          }
        })(),
        { objectMode: false },
      );
      const result = await open(source);
      for (let turn = 0; turn < 200; turn++) await nextTurn();

      expect(taken).toBeLessThan(10);
      result.destroy();
    }
  });
});

describe('what happened to a file is found:', () => {
  const text = () => DATA.subarray(0, 2 * CHUNK + 100);
  const problemOf = async (bytes: Buffer) => (await failureOf(decrypt(bytes))).code;

  it('a flipped bit anywhere', async () => {
    const whole = await encrypt(text());
    // Before it stand the version and the type of the recipient: then it is for nobody.
    const places = fc.integer({ min: 34, max: whole.length - 1 });
    await fc.assert(
      fc.asyncProperty(places, fc.nat(7), async (at, bit) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);

        expect(await problemOf(bytes)).toMatch(/^(CopyDamaged|DecryptionFailed)$/);
      }),
      { numRuns: 200 },
    );
  });

  it('every flipped bit of a small one, an empty one too', async () => {
    for (const small of [Buffer.alloc(0), Buffer.from('a')]) {
      const whole = await encrypt(small);
      for (let at = 34; at < whole.length; at++) {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
        expect(await problemOf(bytes)).toMatch(/^(CopyDamaged|DecryptionFailed)$/);
      }
    }
  });

  it('cut anywhere, at every border too', async () => {
    const whole = await encrypt(text());
    const start = payloadStart(whole);
    const borders = [start - 16, start, start + SEALED, start + 2 * SEALED, whole.length - TAG, whole.length]
      .flatMap((at) => [at - 1, at, at + 1])
      .filter((at) => at < whole.length);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (end) => {
        expect(await problemOf(whole.subarray(0, end))).toBe('CopyDamaged');
      }),
      { examples: borders.map((end) => [end]) },
    );
  });

  it('continued, by a byte, by a chunk of its own, or by another file', async () => {
    const whole = await encrypt(text());
    const start = payloadStart(whole);
    for (const more of [Buffer.of(0), whole.subarray(start, start + SEALED), whole.subarray(start), whole]) {
      expect(await problemOf(Buffer.concat([whole, more]))).toBe('CopyDamaged');
    }
  });

  it('its chunks in another order, one twice, one missing', async () => {
    const whole = await encrypt(DATA);
    const start = payloadStart(whole);
    const chunk = (index: number) => whole.subarray(start + index * SEALED, start + (index + 1) * SEALED);
    for (const order of [[1, 0, 2, 3], [0, 0, 1, 2, 3], [0, 2, 3], [0, 1, 2], [0, 1, 3], [1, 2, 3], [3]]) {
      expect(await problemOf(Buffer.concat([whole.subarray(0, start), ...order.map(chunk)]))).toBe('CopyDamaged');
    }
  });

  it('only what was authenticated is passed on before that', async () => {
    const whole = await encrypt(text());
    whole[payloadStart(whole) + 2 * SEALED + 5]! ^= 1;
    const seen: Buffer[] = [];
    const read = async () => {
      for await (const chunk of await decryptFrom(streamOf(whole), [identity])) seen.push(chunk as Buffer);
    };

    await rejectionOf(read());
    expect(Buffer.concat(seen).equals(DATA.subarray(0, 2 * CHUNK))).toBe(true);
  });

  it('a header without an end, which is not read for ever', async () => {
    let sent = 0;
    const endless = new Readable({
      read() {
        this.push(sent === 0 ? 'age-encryption.org/v1\n' : Buffer.alloc(CHUNK, 'x'));
        sent++;
      },
    });

    expect((await failureOf(decryptFrom(endless, [identity]))).code).toBe('CopyDamaged');
    expect([sent < 50, endless.destroyed]).toEqual([true, true]);
  });

  it('a source that was closed without an error', async () => {
    const whole = await encrypt(text());
    const source = new PassThrough();
    source.write(whole.subarray(0, payloadStart(whole) + SEALED));
    const plain = await decryptFrom(source, [identity]);
    source.destroy();

    expect((await failureOf(buffer(plain))).code).toBe('CopyDamaged');
  });
});

describe('a payload made with its key', () => {
  const fileKey = randomBytes(16);
  const salt = randomBytes(16);
  const key = Buffer.from(hkdfSync('sha256', fileKey, salt, 'payload', 32));

  function sealed(piece: Buffer, count: number, last: boolean): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(count, 7);
    nonce[11] = last ? 1 : 0;
    const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG });
    return Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()]);
  }

  const open = (...chunks: Buffer[]) =>
    buffer(
      streamOf(Buffer.concat([salt, ...chunks])).compose(
        new PayloadDecrypter(fileKey, (problem) => new Error(problem)),
      ),
    );
  const full = DATA.subarray(0, CHUNK);
  const empty = Buffer.alloc(0);

  it('may end in a full chunk, or be empty', async () => {
    expect((await open(sealed(full, 0, false), sealed(full, 1, true))).length).toBe(2 * CHUNK);
    expect((await open(sealed(empty, 0, true))).length).toBe(0);
  });

  it('may not end in an empty chunk after others: there would be two files of one content', async () => {
    const error = await rejectionOf(open(sealed(full, 0, false), sealed(empty, 1, true)));

    expect(error.message).toBe('final chunk is empty');
  });

  it.each([
    ['a last chunk before others', () => [sealed(full, 0, true), sealed(full, 1, true)]],
    ['no last chunk', () => [sealed(full, 0, false), sealed(full, 1, false)]],
    ['a short chunk before others', () => [sealed(full.subarray(1), 0, false), sealed(full, 1, true)]],
    ['chunks that begin to count at one', () => [sealed(full, 1, false), sealed(full, 2, true)]],
  ])('may not have %s', async (_what, chunks) => {
    const error = await rejectionOf(open(...chunks()));

    expect(error.message).toBe('invalid tag');
  });
});
