import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureAgentKey } from '../../../src/host/agent-key';
import { ensureRunIdentity } from '../../../src/host/run-identity';
import { sweepRunIdentities } from '../../../src/host/run-identity-sweep';

test('identities of runs that are over are destroyed, others stay', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vault-dr-test-'));
  await ensureRunIdentity(directory, 'run-1');
  await ensureRunIdentity(directory, 'run-2');

  const over = await sweepRunIdentities(directory, async (run) => run === 'run-1');

  expect(over).toEqual(['run-1']);
  expect(await readdir(directory)).toEqual(['run-2.identity']);
});

test('a directory that is not there holds no identities', async () => {
  expect(await sweepRunIdentities('/nonexistent/vault-dr', async () => true)).toEqual([]);
});

test('an agent has one key, also when it is asked for by two at once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vault-dr-test-'));

  const keys = await Promise.all([ensureAgentKey(directory), ensureAgentKey(directory)]);

  expect(keys[0]).toContain('BEGIN PRIVATE KEY');
  expect(new Set([...keys, await ensureAgentKey(directory)]).size).toBe(1);
});
