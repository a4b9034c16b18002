import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../src/lab/processes';
import { collectBuffers, collector } from '../../src/process-memory';

const MIB = 1024 ** 2;

test('garbage outside of the heap is collected once there is much more of it than after the last time', async () => {
  const stop = new AbortController();
  let [mebibytes, collected] = [100, 0];
  const watching = collectBuffers(stop.signal, {
    outside: () => mebibytes * MIB,
    collect: () => {
      collected++;
      mebibytes = 120;
    },
    pace: { look: 1, rest: 1 },
  });

  mebibytes = 147;
  await sleep(50);
  expect(collected).toBe(0);
  mebibytes = 149;
  await waitFor('it is collected', () => Promise.resolve(collected === 1), { timeoutMs: 5_000 });
  // What is needed stays, and is no reason to collect again.
  mebibytes = 160;
  await sleep(50);
  expect(collected).toBe(1);
  stop.abort();
  await watching;
});

test('the collector is that of V8, though Node was started without the flag', async () => {
  const buffers = Array.from({ length: 20 }, () => new WeakRef(Buffer.alloc(128 * 1024)));
  // What was made in this turn is kept until its end.
  await sleep(1);

  collector()();

  expect(buffers.filter((buffer) => buffer.deref() !== undefined)).toEqual([]);
});
