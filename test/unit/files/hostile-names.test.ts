import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { AttemptGate } from '../../../src/host/run/attempt';
import type { RecoveryReport } from '../../../src/contract/recovery';
import {
  deleteDataDirectory,
  listLeftOvers,
  putBackDataDirectory,
  removeLeftOvers,
} from '../../../src/host/data/set-aside';
import { blankDataDirectory, removeDiscarded, setAsideDataDirectory } from '../../../src/host/data/data-directory';
import { destroyRunIdentity, ensureRunIdentity, openShare, runSecret } from '../../../src/host/run/run-identity';
import { writeReport } from '../../../src/report/write-report';
import { DirectoryRepository } from '../../../src/repository/directory';
import { digestOf } from '../../../src/repository/digest';
import { stagingDirectory } from '../../../src/repository/staging';
import { fromBytes } from '../../../src/repository/types';
import { agentHost } from '../../support/agent-host';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const attempt = new AttemptGate('vault-1').begin(new AbortController().signal);
const BYTES = Buffer.from('bytes');
const repository = () => new DirectoryRepository('local', inTest('repository'));
const listed = async (prefix: string) => {
  for await (const { key } of repository().list(prefix)) throw new Error(`it lists ${key}`);
};
const report = (cluster: string, run: string) => writeReport(inTest('state'), { cluster, run } as RecoveryReport);

/** Every place that makes a path of a name which comes with the input of a step. */
const PLACES: Record<string, (name: string) => Promise<unknown>> = {
  'the directory of a run': (name) => agentHost(inTest).runDirectory(name),
  'the staging of a backup': (name) => stagingDirectory(inTest('state'), 'prod', name),
  'the staging of a cluster': (name) => stagingDirectory(inTest('state'), name, 'run-1'),
  'the report of a run': (name) => report('prod', name),
  'the reports of a cluster': (name) => report(name, 'run-1'),
  'the identity of a run': (name) => ensureRunIdentity(inTest('runtime'), name),
  'the identity that opens a share': (name) => openShare(inTest('runtime'), name, ''),
  'the secret of a run': (name) => runSecret(inTest('runtime'), name),
  'an identity that is destroyed': (name) => destroyRunIdentity(inTest('runtime'), name),
  'what is set aside': (name) => setAsideDataDirectory(inTest('data'), name, attempt),
  'what is deleted instead': (name) => deleteDataDirectory(inTest('data'), name, attempt),
  'what is put back': (name) => putBackDataDirectory(inTest('data'), name, attempt),
  'what is made blank': (name) => blankDataDirectory(inTest('gone'), name, attempt),
  'what is cleared away': (name) => removeDiscarded(inTest('data'), name),
  'what is left over': (name) => listLeftOvers(inTest('data'), name),
  'left-overs that are removed': (name) => removeLeftOvers(inTest('data'), name, attempt),
  'a listing of a repository': (name) => listed(`${name}/`),
  'what is half written in a repository': (name) => repository().removePartials(name, new Date()),
  'a file of a repository': (name) => repository().get(`${name}/x`),
  'a file that goes into a repository': (name) => repository().put(`${name}/x`, fromBytes(BYTES), digestOf(BYTES)),
  'a file that leaves a repository': (name) => repository().remove(`${name}/x`),
};
const HOSTILE = ['..', '../..', '../../outside', '/etc', '.', '', 'a/../../outside', 'x\0', '/../outside'];
const refusal = { code: 'InvalidInput', retryable: false };

beforeEach(async () => {
  for (const name of ['data', 'state', 'runtime', 'repository', 'outside']) await mkdir(inTest(name));
  await writeFile(inTest('outside', 'file'), 'of somebody');
  await writeFile(inTest('data', 'vault.db'), 'data');
});

describe.each(Object.entries(PLACES))('%s', (_place, use) => {
  it.each(HOSTILE)('is not made of %j', async (name) => {
    const before = await everything();

    await expect(use(name)).rejects.toMatchObject(refusal);

    expect(await everything()).toEqual(before);
  });
});

describe('a link that leads out', () => {
  it.each([
    ['the directory of a run', ['state', 'runs'], 'run-1'],
    ['the staging of a cluster', ['state', 'staging'], 'prod'],
    ['the staging of a backup', ['state', 'staging', 'prod'], 'run-1'],
    ['the reports of a cluster', ['state', 'reports'], 'prod'],
    ['a listing of a repository', ['repository'], 'prod'],
    ['what is half written in a repository', ['repository'], 'prod'],
    ['a file of a repository', ['repository'], 'prod'],
    ['a file that goes into a repository', ['repository'], 'prod'],
    ['a file that leaves a repository', ['repository'], 'prod'],
  ])('is not followed to %s', async (place, parent, name) => {
    await mkdir(inTest(...parent), { recursive: true });
    await symlink(inTest('outside'), inTest(...parent, name));

    await expect(PLACES[place]?.(name)).rejects.toMatchObject(refusal);

    expect(await readdir(inTest('outside'))).toEqual(['file']);
    expect(await readFile(inTest('outside', 'file'), 'utf8')).toBe('of somebody');
  });

  it('is not read as the identity of a run, and destroyed as the link that it is', async () => {
    await symlink(inTest('outside', 'file'), inTest('runtime', 'run-1.identity'));

    await expect(ensureRunIdentity(inTest('runtime'), 'run-1')).rejects.toMatchObject(refusal);
    await expect(runSecret(inTest('runtime'), 'run-1')).rejects.toMatchObject(refusal);
    await destroyRunIdentity(inTest('runtime'), 'run-1');

    expect(await readdir(inTest('runtime'))).toEqual([]);
    expect(await readFile(inTest('outside', 'file'), 'utf8')).toBe('of somebody');
  });
});

async function everything(): Promise<string[]> {
  return (await readdir(inTest(), { recursive: true })).toSorted();
}
