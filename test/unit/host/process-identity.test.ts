import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isKnownDead, ownIdentity, startTimeOf } from '../../../src/host/process-identity';

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
