import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signingPair } from '../../support/generation';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

const SUPPORT = join(__dirname, '../../support');
const SOURCES = join(__dirname, '../../../src');
const inTest = useDirectory();

/** Each takes a tenth of a second or more, or belongs to another process. */
const LARGE = [
  /node_modules\/(@aws-sdk\/[^/]+|@temporalio\/client|@temporalio\/worker|pino-pretty|yaml|zod|webpack|@swc\/core)\//,
  /src\/(lab|host|temporal)\/(?!lean-modules)/,
  /\/(activities|workflows)\//,
];

/** Registered as empty by the program itself: see src/temporal/lean-modules.ts. */
const STANDS_IN = /zod\/v4\/locales\/index\.cjs$/;

interface Loaded {
  exitCode: number | null;
  modules: number;
  files: string[];
  large: string[];
}

/** The whole program, in a process of its own. */
function loadedBy(...args: string[]): Promise<Loaded> {
  return loadedWith('cli/main.ts', args);
}

async function loadedWith(main: string, args: string[]): Promise<Loaded> {
  const report = inTest('loaded.json');
  const hook = ['-r', join(SUPPORT, 'typescript-hook.js'), join(SUPPORT, 'loaded-modules.js')];
  const exitCode = await new Promise<number | null>((resolve) => {
    const env = { ...process.env, LOADED_MODULES: report };
    const child = execFile(process.execPath, [...hook, join(SOURCES, main), ...args], { env }, () =>
      resolve(child.exitCode),
    );
  });
  const all = JSON.parse(await readFile(report, 'utf8')) as string[];
  const files = all.filter((file) => !STANDS_IN.test(file));
  const large = files.flatMap((file) => LARGE.flatMap((pattern) => pattern.exec(file)?.slice(1) ?? []));
  return { exitCode, modules: files.length, files, large: [...new Set(large)].toSorted() };
}

beforeEach(async () => {
  await mkdir(inTest('repository'), { mode: 0o700 });
  await writeFile(inTest('signing.pub'), signingPair().publicKeyPem);
  await writeFile(
    inTest('vault-dr.yaml'),
    sampleConfig({ repositories: { local: inTest('repository') }, publicKeyFile: inTest('signing.pub') }),
  );
});

test.each([
  ['--help'],
  ['--version'],
  ['help restore'],
  ['help backups verify'],
  ['unseal --help'],
  ['completion bash'],
  ['explain lose-newer-data'],
])('%s loads little more than what parses the command line', async (words) => {
  const { exitCode, modules, large } = await loadedBy(...words.split(' '));

  expect({ exitCode, large }).toEqual({ exitCode: 0, large: [] });
  expect(modules).toBeLessThan(70);
});

const TO_TEMPORAL = ['--cluster', 'prod', '--temporal-config', '/does/not/exist.toml'];
const TO_CONFIG = () => ['--config', inTest('vault-dr.yaml')];

test.each([
  ['status', 0, ['@temporalio/client', 'temporal', 'zod'], () => TO_TEMPORAL],
  ['restore --plan', 0, ['@temporalio/client', 'temporal', 'zod'], () => TO_TEMPORAL],
  ['unseal', 100, ['@temporalio/client', 'temporal', 'yaml', 'zod'], () => [...TO_TEMPORAL, ...TO_CONFIG()]],
])(
  '%s loads the client of Temporal, and nothing of workers, repositories and labs',
  async (words, more, large, rest) => {
    const loaded = await loadedBy(...words.split(' '), ...rest());

    // As far as reading the profile, which is not there.
    expect(loaded).toMatchObject({ exitCode: 3, large });
    expect(loaded.modules).toBeLessThan(380 + more);
  },
);

test('backups list loads nothing of Temporal, and no S3 client for a directory', async () => {
  const { exitCode, modules, large } = await loadedBy('backups', 'list', '--cluster', 'prod', ...TO_CONFIG());

  expect({ exitCode, large }).toEqual({ exitCode: 0, large: ['yaml', 'zod'] });
  expect(modules).toBeLessThan(240);
});

test('a command that fails loads no client of Temporal to say so', async () => {
  const { exitCode, large } = await loadedBy('backups', 'list', '--cluster', 'nowhere', ...TO_CONFIG());

  expect({ exitCode, large }).toEqual({ exitCode: 3, large: ['yaml', 'zod'] });
});

test("an agent loads nothing of the controller's, and what compiles workflows only where workflows run", async () => {
  const { exitCode, files, large } = await loadedWith('temporal/agent.ts', []);

  expect(exitCode).toBe(0);
  expect(large).not.toContain('lab');
  expect(large.filter((name) => name.startsWith('@aws-sdk'))).toEqual([]);
  const others = /activities\/controller|src\/(audit|report)\/|bundle-workflows|takeover\/check|node_modules\/@swc\//;
  expect(files.filter((file) => others.test(file))).toEqual([]);
});
