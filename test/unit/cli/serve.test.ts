import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const HOOK = join(__dirname, '../../support/typescript-hook.js');
const SERVE = join(__dirname, '../../../src/cli/serve.ts');

/** A process that does this work, and in which something hangs for ever, as in a library. */
function serving(work: string) {
  const script = `
    setInterval(() => {}, 1e6);
    const { serve } = require(${JSON.stringify(SERVE)});
    serve(${work}).catch(() => { process.exitCode = 4; });
    process.stdout.write('begun');`;
  const child = spawn(process.execPath, ['-r', HOOK, '-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  return { child, ended, begun: once(child.stdout, 'data') };
}

const UNTIL_STOPPED = `(log, stop) => new Promise((resolve, reject) => stop.addEventListener('abort', () =>`;

it('ends with the code of a failure, whatever hangs', async () => {
  const { ended } = serving(`() => Promise.reject(new Error('no right to poll'))`);

  expect(await ended).toEqual([4, null]);
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  'a stop by %s is a good end, also where it cuts something off',
  async (signal) => {
    const [well, cut] = [
      serving(`${UNTIL_STOPPED} resolve()))`),
      serving(`${UNTIL_STOPPED} reject(new Error('cut off'))))`),
    ];
    await Promise.all([well.begun, cut.begun]);
    well.child.kill(signal);
    cut.child.kill(signal);

    expect(await well.ended).toEqual([0, null]);
    expect(await cut.ended).toEqual([0, null]);
  },
);

it('a second signal ends what does not stop; the same one sent twice at once is one', async () => {
  const { child, ended, begun } = serving('() => new Promise(() => {})');
  let isOver = false;
  void ended.then(() => (isOver = true));
  await begun;
  child.kill('SIGTERM');
  child.kill('SIGTERM');
  // As long as two count as one.
  await sleep(1_200);
  const stillThere = !isOver;
  // On a busy machine it may have noticed the first one only just now.
  while (!isOver) {
    child.kill('SIGTERM');
    await sleep(1_200);
  }

  expect(stillThere).toBe(true);
  expect(await ended).toEqual([0, null]);
});
