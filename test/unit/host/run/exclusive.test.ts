import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, chown, link, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownIdentity } from '../../../../src/files/process-identity';
import { type ExclusiveHold, holdNode } from '../../../../src/host/run/exclusive';
import { describeAsRoot } from '../../../support/describe-if';
import { startScript } from '../../../support/script';
import { useDirectory } from '../../../support/temporary';

const holds: ExclusiveHold[] = [];

afterEach(async () => {
  for (const hold of holds.splice(0)) await hold.release();
});
const inTest = useDirectory();
const never = new AbortController().signal;
const quiet = () => undefined;
/** O_ACCMODE; O_RDONLY is 0. */
const ACCESS_MODE = 0o3;
const HELD_BY_SOMEBODY = 'Another agent is using this node; waiting for it to end.';

/** Another agent, which can be frozen and killed. */
async function otherAgent(more = '') {
  const agent = startScript(`
    await load('host/run/exclusive').holdNode(${JSON.stringify(inTest())}, console.log, new AbortController().signal);
    console.log('held');
    ${more}
    setInterval(() => undefined, 1000);
  `);
  expect(await agent.line()).toBe('held');
  return agent;
}

/** What is said to one who waits, and how to end the wait. */
function waitForNode() {
  const given = new AbortController();
  let said: (message: string) => void = () => undefined;
  const message = new Promise<string>((resolve) => (said = resolve));
  return { message, hold: holdNode(inTest(), said, given.signal), giveUp: () => given.abort() };
}

test('a second agent waits for a frozen one, says how to end it, and begins when it is dead', async () => {
  const first = await otherAgent();
  try {
    process.kill(first.pid, 'SIGSTOP');
    let second: ExclusiveHold | null = null;

    const { message, hold } = waitForNode();
    const waiting = hold.then((held) => (second = held));

    expect(await message).toContain(`It is frozen and does not end by itself: kill -9 ${first.pid}`);
    expect(second).toBeNull();
    await first.kill();
    holds.push(await waiting);
    expect(await readFile(inTest('agent.lock'), 'utf8')).toBe(`${await ownIdentity()}\n`);
  } finally {
    await first.kill();
  }
});

test('a child that outlives its agent does not hold the node', async () => {
  const agent = await otherAgent(
    "console.log(require('node:child_process').spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }).pid);",
  );
  const child = Number(await agent.line());
  try {
    await agent.kill();

    holds.push(await holdNode(inTest(), quiet, never));

    expect(() => process.kill(child, 0)).not.toThrow();
  } finally {
    process.kill(child, 'SIGKILL');
  }
});

test('a hold that was given back can be had at once', async () => {
  const hold = await holdNode(inTest(), quiet, never);
  await hold.release();

  holds.push(await holdNode(inTest(), quiet, never));

  expect(holds).toHaveLength(1);
});

test('a hold keeps no disk from being mounted read-only: what it has open is open for reading', async () => {
  holds.push(await holdNode(inTest(), quiet, never));

  const handles = await readdir('/proc/self/fd');
  const targets = await Promise.all(handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')));
  const handle = handles[targets.indexOf(inTest('agent.lock'))];
  const [, flags = ''] = /^flags:\s*(\d+)$/m.exec(await readFile(`/proc/self/fdinfo/${handle}`, 'utf8')) ?? [];
  expect(parseInt(flags, 8) & ACCESS_MODE).toBe(0);
});

test('a wait ends as soon as it is given up', async () => {
  holds.push(await holdNode(inTest(), quiet, never));
  const { message, hold, giveUp } = waitForNode();
  const refused = hold.catch((error: unknown) => error);
  expect(await message).toBe(`Another agent (pid ${process.pid}) is using this node; waiting for it to end.`);

  giveUp();
  // Not only when it would try again. On a busy machine both are late.
  expect(await Promise.race([refused, sleep(400, 'later')])).toMatchObject({ code: 'Aborted' });
});

test.each([
  ['of a process that is dead', async () => ((await ownIdentity()) ?? '').replace(/-\d+-/, '-999999999-')],
  ['of another process with that id', async () => `${await ownIdentity()}1`],
  ['of another host', async () => ((await ownIdentity()) ?? '').replace(/^./, 'x')],
  ['that is none', () => Promise.resolve(String(process.pid))],
])('a holder is not named by an identity %s', async (_what, identity) => {
  holds.push(await holdNode(inTest(), quiet, never));
  await writeFile(inTest('agent.lock'), `${await identity()}\n`);

  const { message, hold, giveUp } = waitForNode();

  expect(await message).toBe(HELD_BY_SOMEBODY);
  giveUp();
  await expect(hold).rejects.toMatchObject({ code: 'Aborted' });
});

test.each([
  ['a link', () => symlink(inTest('victim'), inTest('agent.lock'))],
  ['a hard link', () => link(inTest('victim'), inTest('agent.lock'))],
  ['a named pipe', () => execFileSync('mkfifo', ['-m', '600', inTest('agent.lock')])],
])('%s is no lock', async (_what, put) => {
  await writeFile(inTest('victim'), 'precious', { mode: 0o600 });
  await put();

  await expect(holdNode(inTest(), quiet, never)).rejects.toMatchObject({ code: 'NodeUnsafe' });

  expect(await readFile(inTest('victim'), 'utf8')).toBe('precious');
});

test('a lock that others may open is none', async () => {
  await writeFile(inTest('agent.lock'), '');
  await chmod(inTest('agent.lock'), 0o644);

  await expect(holdNode(inTest(), quiet, never)).rejects.toMatchObject({ code: 'NodeUnsafe' });
});

test('where there is no `flock` it says so', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = inTest();
  try {
    await expect(holdNode(inTest(), quiet, never)).rejects.toMatchObject({
      code: 'ServiceFailed',
      advice: expect.stringContaining('util-linux'),
    });
  } finally {
    process.env['PATH'] = path;
  }
});

describeAsRoot('another user', () => {
  const asNobody = (...command: string[]) =>
    spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', ...command]).status;

  test('can neither take the lock nor make it', async () => {
    await (await holdNode(inTest(), quiet, never)).release();
    expect(asNobody('flock', '-n', inTest('agent.lock'), 'true')).not.toBe(0);
    await chmod(inTest(), 0o755);
    expect(asNobody('flock', '-n', inTest('agent.lock'), 'true')).not.toBe(0);

    holds.push(await holdNode(inTest(), quiet, never));

    expect(holds).toHaveLength(1);
  });

  test('has no directory that the lock could lie in', async () => {
    await chown(inTest(), 65534, 65534);

    await expect(holdNode(inTest(), quiet, never)).rejects.toMatchObject({
      code: 'NodeUnsafe',
      message: expect.stringContaining('belongs to user 65534'),
    });
  });
});
