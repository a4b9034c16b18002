import { mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { generationsCommand } from '../../../src/cli/generations';
import { openRepository } from '../../../src/repository/open';
import { publishGeneration } from '../../../src/repository/generations';
import { signingPair, stageSample } from '../../support/generation';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const KEYS = signingPair();
let exitCode: typeof process.exitCode;

beforeEach(async () => {
  exitCode = process.exitCode;
  for (const name of ['one', 'two']) await mkdir(inTest(name), { mode: 0o700 });
  await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
  await writeFile(
    inTest('vault-dr.yaml'),
    `clusters:
  prod:
    nodes:
      - name: vault-1
        address: http://127.0.0.1:1
        clusterAddress: 127.0.0.1:2
        dataDir: /opt/vault/data
        service: { driver: command, start: [up], stop: [down], status: [ask] }
    auth: { method: token, token: { env: NONE } }
    repositories: [one, two]
repositories:
  one: { type: directory, path: ${inTest('one')} }
  two: { type: directory, path: ${inTest('two')} }
signing: { publicKeyFile: ${inTest('signing.pub')} }
`,
  );
});
afterEach(() => {
  process.exitCode = exitCode;
});

/** Publishes a generation to the named repositories. @returns its id. */
async function publish(capturedAt: string, ...repositories: string[]): Promise<string> {
  const { directory, manifest } = await stageSample(inTest('staging'), KEYS, Buffer.from(capturedAt), { capturedAt });
  for (const name of repositories) {
    await publishGeneration(await openRepository(name, { type: 'directory', path: inTest(name) }), directory);
  }
  return manifest.generation;
}

async function run(...args: string[]): Promise<{ out: string; notes: string; exitCode: typeof process.exitCode }> {
  process.exitCode = undefined;
  let [out, notes] = ['', ''];
  const stdout = jest.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += String(text))));
  const stderr = jest.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((notes += String(text))));
  try {
    const common = ['--cluster', 'prod', '--config', inTest('vault-dr.yaml')];
    await generationsCommand().parseAsync([...args, ...common], { from: 'user' });
    return { out, notes, exitCode: process.exitCode };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

async function damage(repository: string, generation: string): Promise<void> {
  const names = await readdir(inTest(repository), { recursive: true });
  const file = names.find((name) => name.includes(generation) && name.endsWith('.age')) ?? 'none';
  await writeFile(inTest(repository, file), 'damaged bytes of this length');
}

const OLDER = '2026-11-23T04:00:00.000Z';
const NEWER = '2026-11-23T05:00:00.000Z';

test('list shows each generation once, newest first, with where it is', async () => {
  const older = await publish(OLDER, 'one', 'two');
  const newer = await publish(NEWER, 'one');

  const table = await run('list');
  const json = await run('list', '--json');

  const rows = table.out.split('\n').filter((line) => line.includes('2026'));
  expect(rows[0]).toMatch(new RegExp(`^ ${newer} .* age +one$`));
  expect(rows[1]).toMatch(new RegExp(`^ ${older} .* age +one, two$`));
  expect(table.exitCode).toBeUndefined();
  expect(JSON.parse(json.out)).toMatchObject({ copies: { length: 3 }, unreadable: [], unanswered: [] });
});

test('show prints the manifest, of the newest or of the one that is named', async () => {
  const older = await publish(OLDER, 'one', 'two');
  const newer = await publish(NEWER, 'two');

  const latest = await run('show', 'latest');
  const named = await run('show', older, '--json');

  expect(JSON.parse(latest.out)).toMatchObject({ generation: newer, cluster: 'prod' });
  expect(latest.notes).toContain('Listed in: two');
  expect(JSON.parse(named.out)).toMatchObject({ manifest: { generation: older }, copies: ['one', 'two'] });
});

test('an unknown generation is answered with those there are', async () => {
  const newer = await publish(NEWER, 'one');

  await expect(run('show', 'nope')).rejects.toMatchObject({
    code: 'UnknownGeneration',
    message: `'prod' has no generation 'nope'. The newest are: ${newer}.`,
  });
});

test('verify reads every copy, and a damaged one shows in text, JSON and exit status', async () => {
  const generation = await publish(NEWER, 'one', 'two');
  const good = await run('verify');
  await damage('two', generation);

  const bad = await run('verify', 'all', '--json');
  const text = await run('verify', generation);

  expect(good.out).toBe(`${generation}  one  hashed\n${generation}  two  hashed\n`);
  expect(good.exitCode).toBeUndefined();
  expect(bad.exitCode).toBe(6);
  expect(JSON.stringify(JSON.parse(bad.out))).toContain('"repository":"one","check":"hashed","problem":null');
  expect(`${text.out}${text.notes}`).toMatch(new RegExp(`two.*${generation}|${generation}.*two`));
  expect(text.exitCode).toBe(6);
});

test('where there is nothing, list says so and verify does not call it good', async () => {
  const list = await run('list');

  expect(list.out).toContain("No generation of 'prod'.");
  await expect(run('verify')).rejects.toMatchObject({ code: 'UnknownGeneration' });
  await expect(run('verify', 'all')).rejects.toMatchObject({ code: 'UnknownGeneration' });
});

test('a repository that does not answer is named, and what others hold is still shown', async () => {
  const generation = await publish(NEWER, 'one');
  await rmdir(inTest('two'));

  const list = await run('list');

  expect(list.out).toContain(generation);
  expect(list.notes).toContain('two: ');
  expect(list.exitCode).toBe(1);
});
