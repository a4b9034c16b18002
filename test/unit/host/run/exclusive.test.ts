import { readFile } from 'node:fs/promises';
import { type ExclusiveHold, holdNode } from '../../../../src/host/run/exclusive';
import { startScript } from '../../../support/script';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const never = new AbortController().signal;
const holds: ExclusiveHold[] = [];

afterEach(async () => {
  for (const hold of holds.splice(0)) await hold.release();
});

/** Name and file of a node, different in each test. */
const node = () => [inTest('node'), inTest('agent.pid')] as const;

test('a second agent waits for a frozen one, says how to end it, and begins when it is dead', async () => {
  const [name, file] = node();
  const first = startScript(`
    await load('host/run/exclusive').holdNode(${JSON.stringify(name)}, ${JSON.stringify(file)}, console.log, new AbortController().signal);
    console.log('held');
    setInterval(() => undefined, 1000);
  `);
  try {
    expect(await first.line()).toBe('held');
    process.kill(first.pid, 'SIGSTOP');
    let said: (message: string) => void = () => undefined;
    const message = new Promise<string>((resolve) => (said = resolve));
    let second: ExclusiveHold | null = null;

    const waiting = holdNode(name, file, said, never).then((hold) => (second = hold));

    expect(await message).toContain(`It is frozen and will not end by itself: kill -9 ${first.pid}`);
    expect(second).toBeNull();
    await first.kill();
    holds.push(await waiting);
    expect(await readFile(file, 'utf8')).toBe(`${process.pid}\n`);
  } finally {
    await first.kill();
  }
});

test('a hold that was given back can be had at once', async () => {
  const hold = await holdNode(...node(), () => undefined, never);
  await hold.release();

  holds.push(await holdNode(...node(), () => undefined, never));

  expect(holds).toHaveLength(1);
});

test('a wait can be given up', async () => {
  holds.push(await holdNode(...node(), () => undefined, never));
  const messages: string[] = [];

  const waiting = holdNode(...node(), (message) => messages.push(message), AbortSignal.abort());

  await expect(waiting).rejects.toMatchObject({ code: 'Aborted' });
  expect(messages).toEqual([`Another agent (pid ${process.pid}) holds this node; waiting for it to end.`]);
});

test('nodes whose long names differ at their ends do not meet', async () => {
  const [name, file] = node();
  const long = `${name}/${'x'.repeat(200)}`;

  holds.push(await holdNode(`${long}1`, file, () => undefined, never));
  holds.push(await holdNode(`${long}2`, file, () => undefined, AbortSignal.abort()));

  expect(holds).toHaveLength(2);
});
