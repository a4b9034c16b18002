import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { metricsCommand } from '../../../src/cli/verbs/prove';
import { signingPair } from '../../support/generation';
import { runVerb } from '../../support/run-verb';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
// Nobody listens there.
const NO_TEMPORAL = '[profile.default]\naddress = "127.0.0.1:1"\nnamespace = "default"\n';

beforeEach(async () => {
  await mkdir(inTest('one'), { mode: 0o700 });
  await mkdir(inTest('state'), { mode: 0o700 });
  await writeFile(inTest('signing.pub'), signingPair().publicKeyPem);
  await writeFile(inTest('temporal.toml'), NO_TEMPORAL);
  const text = sampleConfig({
    repositories: { one: inTest('one'), two: inTest('two') },
    publicKeyFile: inTest('signing.pub'),
  });
  await writeFile(inTest('vault-dr.yaml'), `${text}stateDir: ${inTest('state')}\n`);
});
afterEach(() => jest.restoreAllMocks());

const metrics = (...args: string[]) =>
  runVerb(metricsCommand(), [
    '--config',
    inTest('vault-dr.yaml'),
    '--temporal-config',
    inTest('temporal.toml'),
    ...args,
  ]);

it('says what it knows without Temporal and with a repository that is away, and what it does not know', async () => {
  const { out, notes, exitCode } = await metrics();

  expect(exitCode).toBeUndefined();
  expect(out).toContain('vault_dr_repository_up{cluster="prod",repository="one"} 1\n');
  expect(out).toContain('vault_dr_repository_up{cluster="prod",repository="two"} 0\n');
  expect(out).toContain('vault_dr_computed_timestamp_seconds{cluster="prod",source="runs"} NaN\n');
  expect(out).toMatch(/vault_dr_computed_timestamp_seconds\{cluster="prod",source="repositories"\} \d{10}/);
  expect(out).not.toContain('vault_dr_recoverable');
  expect(notes).toContain('127.0.0.1:1');
  expect(notes).toContain('two: ');
}, 60_000);

it('writes a file that node_exporter can read, whole or not at all', async () => {
  const file = inTest('vault-dr.prom');
  const { out } = await metrics('--textfile', file);
  expect(out).toBe('');
  expect((await stat(file)).mode & 0o777).toBe(0o644);
  expect(await readFile(file, 'utf8')).toContain('vault_dr_build_info{version="');

  await expect(metrics('--textfile', inTest('absent', 'x.prom'))).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringContaining('ENOENT') as string,
  });
}, 60_000);

it('refuses a cluster that the configuration does not have', async () => {
  await expect(metrics('--cluster', 'other')).rejects.toMatchObject({
    message: expect.stringContaining('other') as string,
  });
});
