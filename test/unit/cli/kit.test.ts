import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { kitCommand } from '../../../src/cli/verbs/prove';
import { publishGeneration } from '../../../src/repository/generations';
import { openRepository } from '../../../src/repository/open';
import { signingPair, stageSample } from '../../support/generation';
import { runVerb } from '../../support/run-verb';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const KEYS = signingPair();
let exitCode: typeof process.exitCode;

beforeEach(async () => {
  exitCode = process.exitCode;
  await mkdir(inTest('one'), { mode: 0o700 });
  await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
  await writeFile(
    inTest('vault-dr.yaml'),
    sampleConfig({ repositories: { one: inTest('one') }, publicKeyFile: inTest('signing.pub') }),
  );
});
afterEach(() => {
  process.exitCode = exitCode;
});

async function publish(capturedAt: string): Promise<string> {
  const { directory, manifest } = await stageSample(inTest('staging'), KEYS, Buffer.from(capturedAt), { capturedAt });
  await publishGeneration(await openRepository('one', { type: 'directory', path: inTest('one') }), directory);
  return manifest.generation;
}

const run = (...args: string[]) =>
  runVerb(kitCommand(), ['--cluster', 'prod', '--config', inTest('vault-dr.yaml'), ...args]);

interface Kit {
  code: string;
  sha256: string;
  backup: string | null;
  files: string[];
  text: string;
}

test('prints the text, by the newest backup', async () => {
  await publish('2026-11-23T04:00:00.000Z');
  const newest = await publish('2026-11-23T05:00:00.000Z');

  const { out, exitCode: code } = await run();

  expect(out).toContain('Break-glass kit of prod');
  expect(out).toMatch(new RegExp(`newest ID\\s+was\\s+${newest}`));
  expect(out).toContain('vault operator init -key-shares=5 -key-threshold=3');
  expect(code).toBeUndefined();
});

test('writes a PDF and a text, again and again, and nothing else', async () => {
  await publish('2026-11-23T04:00:00.000Z');
  const directory = inTest('new', 'kit');

  const first = await run('--directory', directory);
  const before = await Promise.all(
    ['kit-prod.pdf', 'kit-prod.txt'].map((name) => readFile(inTest('new', 'kit', name))),
  );
  const { out } = await run('--directory', directory, '--json');
  const after = await Promise.all(['kit-prod.pdf', 'kit-prod.txt'].map((name) => readFile(inTest('new', 'kit', name))));

  const kit = JSON.parse(out) as Kit;
  expect(first.out).toContain(`with the code ${kit.code}`);
  expect(kit.files).toEqual([inTest('new', 'kit', 'kit-prod.pdf'), inTest('new', 'kit', 'kit-prod.txt')]);
  expect(after).toEqual(before);
  expect(after[0]?.subarray(0, 5).toString()).toBe('%PDF-');
  expect(after[1]?.toString()).toBe(kit.text);
  expect(await readdir(directory)).toHaveLength(2);
  expect((await stat(kit.files[0] ?? '')).mode & 0o777).toBe(0o600);
});

test('without a backup it still says where they would lie, and a repository that is away is said', async () => {
  const none = JSON.parse((await run('--json')).out) as Kit;
  await writeFile(
    inTest('vault-dr.yaml'),
    sampleConfig({ repositories: { one: inTest('gone') }, publicKeyFile: inTest('signing.pub') }),
  );
  const away = await run();

  expect(none).toMatchObject({ backup: null, files: [] });
  expect(none.text).toContain(`directory ${inTest('one')}`);
  expect(away.out).toContain('There was no backup when this was made.');
  expect(away.notes).toContain('one: ');
  expect(away.exitCode).toBe(1);
});

test('a directory that cannot be written is named', async () => {
  await writeFile(inTest('file'), '');

  await expect(run('--directory', inTest('file', 'kit'))).rejects.toThrow(/The kit can't be written to .*file/);
});
