import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { waitFor } from '../../../src/lab/processes';
import { describeIf } from '../../support/describe-if';
import { isKnownDead, ownIdentity, startTimeOf } from '../../../src/files/process-identity';

test('a process is known as dead when it is gone, and when another one has its number', async () => {
  const child = spawn('sleep', ['60']);
  const [place] = ((await ownIdentity()) ?? '').split('-');
  const identity = `${place}-${child.pid}-${await startTimeOf(child.pid ?? 0)}`;
  const predecessor = `${place}-${child.pid}-1`;

  expect(await isKnownDead((await ownIdentity()) ?? '')).toBe(false);
  expect(await isKnownDead(identity)).toBe(false);
  expect(await isKnownDead(predecessor)).toBe(true);

  child.kill('SIGKILL');
  await once(child, 'exit');

  expect(await isKnownDead(identity)).toBe(true);
});

test.each(['', 'unknown', '0815', '0123456789abcdef-1-1', 'x-../..-1'])(
  'nothing is known of what %j names: another host, or nobody',
  async (identity) => {
    expect(await isKnownDead(identity)).toBe(false);
  },
);

/** Its first thread ends, by the system call of that machine, and another one lives on: so it looks while a kill is under way. */
const EXIT_ONE_THREAD: Partial<Record<NodeJS.Architecture, number>> = { x64: 60, arm64: 93 };
const exit = EXIT_ONE_THREAD[process.arch];
const hasThreads = spawnSync('perl', ['-Mthreads', '-e', '1']).status === 0;

describeIf(hasThreads && exit !== undefined, 'it takes Perl with threads')('a process of several threads', () => {
  it('is dead only when the last of them is', async () => {
    const child = spawn('perl', ['-Mthreads', '-e', `threads->create(sub { sleep 60 }); syscall(${exit}, 0)`]);
    const pid = child.pid ?? 0;
    try {
      const state = async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.[0];
      await waitFor('its first thread is a corpse', async () => (await state()) === 'Z', { timeoutMs: 5_000 });

      expect(await startTimeOf(pid)).not.toBeNull();
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(await startTimeOf(pid)).toBeNull();
  });
});
