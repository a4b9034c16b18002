import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { Gather } from '../../../src/vault/gather';
import { rejectionOf } from '../../support/thrown';

const DATA = randomBytes(2_000_000);

async function gathered(sizes: readonly number[], length = DATA.length): Promise<Buffer[]> {
  const pieces = function* () {
    for (let at = 0, turn = 0; at < length; turn++) {
      const end = Math.min(length, at + (sizes[turn % sizes.length] ?? length));
      yield DATA.subarray(at, end);
      at = end;
    }
  };
  const seen: Buffer[] = [];
  await pipeline(
    Readable.from(pieces(), { objectMode: false }),
    new Gather(1_000_000),
    async (source: AsyncIterable<Buffer>) => {
      for await (const piece of source) seen.push(piece);
    },
  );
  return seen;
}

it('passes all bytes on in their order, however they come', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(300_000), async (cuts, length) => {
      const pieces = await gathered(
        cuts.map((cut) => Math.max(cut, 50)),
        length,
      );

      expect(Buffer.concat(pieces).equals(DATA.subarray(0, length))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

it('makes few large pieces of many small ones', async () => {
  const pieces = await gathered([4_096, 12_288]);

  expect(pieces.length).toBeLessThan(20);
});

it('passes on soon what arrives slowly', async () => {
  const gather = new Gather(1_000_000);
  const first = new Promise((resolve) => gather.once('data', resolve));

  gather.write(Buffer.from('a byte, and the sender says no more'));

  expect(String(await first)).toBe('a byte, and the sender says no more');
  gather.destroy();
});

it('shows the error of its source, explained, and passes nothing on after it', async () => {
  const gather = new Gather(1_000_000, (error) => new Error(`vault-1: ${error.message}`));
  const seen: Buffer[] = [];
  const reading = (async () => {
    for await (const piece of gather) seen.push(piece as Buffer);
  })();
  gather.write(Buffer.from('held'));
  gather.destroy(new Error('cut off'));

  expect((await rejectionOf(reading)).message).toBe('vault-1: cut off');
  expect(seen).toEqual([]);
});
