import { copyFile, readdir, writeFile } from 'node:fs/promises';
import { ensureAgentKey } from '../../../../src/host/run/agent-key-file';
import { ensureRunIdentity } from '../../../../src/host/run/run-identity';
import { sweepRunIdentities } from '../../../../src/host/run/run-identity-sweep';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();

test('identities of runs that are over are destroyed, others stay', async () => {
  await ensureRunIdentity(inTest(), 'run-1');
  await ensureRunIdentity(inTest(), 'run-2');

  const over = await sweepRunIdentities(inTest(), async (run) => run === 'run-1');

  expect(over).toEqual(['run-1']);
  expect(await readdir(inTest())).toEqual(['run-2.identity']);
});

test('what an agent has left that was killed while it wrote an identity goes with it', async () => {
  await ensureRunIdentity(inTest(), 'run-1');
  await copyFile(inTest('run-1.identity'), inTest('run-1.identity.0123456789abcdef-1-1.c9ece966ca92.tmp'));
  await writeFile(inTest('run-2.identity.c9ece966ca92.tmp'), 'half');

  const over = await sweepRunIdentities(inTest(), async () => true);

  expect(over.toSorted()).toEqual(['run-1', 'run-2']);
  expect(await readdir(inTest())).toEqual([]);
});

test('a directory that is not there holds no identities', async () => {
  expect(await sweepRunIdentities('/nonexistent/vault-dr', async () => true)).toEqual([]);
});

test('an agent has one key, also when it is asked for by two at once', async () => {
  const keys = await Promise.all([ensureAgentKey(inTest()), ensureAgentKey(inTest())]);

  expect(keys[0]).toContain('BEGIN PRIVATE KEY');
  expect(new Set([...keys, await ensureAgentKey(inTest())]).size).toBe(1);
});
