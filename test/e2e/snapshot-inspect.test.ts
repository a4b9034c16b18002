import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { inspectSnapshot } from '../../src/vault/snapshot/inspect-snapshot';
import { SnapshotVerifier } from '../../src/vault/snapshot/snapshot-archive';
import { bootstrap, startVaultNode, VAULT_BINARY } from '../support/vault-node';

const run = promisify(execFile);

interface Inspection {
  Meta: { Index: number; Term: number };
  StatsKV: { Name: string; Count: number; Size: number }[];
  TotalCountKV: number;
}

/** Bytes of an entry that are neither key nor value: two tags and two lengths. */
const FRAMING = { least: 2, most: 12 };

it('counts the same keys as `vault operator raft snapshot inspect`', async () => {
  const node = await startVaultNode('vault-1');
  try {
    const { rootToken } = await bootstrap(node.client(), { secretShares: 1, secretThreshold: 1 });
    const root = node.client({ token: rootToken });
    await root.write('sys/mounts/secret', { type: 'kv', options: { version: '2' } });
    await root.write('sys/mounts/plain', { type: 'kv' });
    for (let index = 0; index < 50; index++)
      await root.write(`plain/folder/${index}`, { value: 'x'.repeat(index * 100) });
    await root.write('sys/auth/userpass', { type: 'userpass' });
    for (let index = 0; index < 3; index++) {
      await root.write(`auth/userpass/users/user-${index}`, { password: 'correct horse battery' });
      await root.write(`auth/userpass/login/user-${index}`, { password: 'correct horse battery' });
    }
    await root.write('auth/token/create', { ttl: '1h' });
    const file = join(node.directory, 'snapshot.snap');
    const verifier = new SnapshotVerifier();

    const { body } = await root.snapshot();
    await pipeline(body, verifier, createWriteStream(file));
    const { stdout } = await run(VAULT_BINARY, ['operator', 'raft', 'snapshot', 'inspect', '-format=json', file]);

    const inspection = JSON.parse(stdout) as Inspection;
    const { raft, keys, requiredKeys } = verifier.summary;
    expect(raft).toMatchObject({ index: inspection.Meta.Index, term: inspection.Meta.Term });
    expect(raft.peers).toEqual([{ id: 'vault-1', address: node.clusterAddress, suffrage: 'voter' }]);
    expect(keys.count).toBe(inspection.TotalCountKV);
    const counts = Object.fromEntries(Object.entries(keys.byPrefix).map(([name, { count }]) => [name, count]));
    expect(counts).toEqual(Object.fromEntries(inspection.StatsKV.map(({ Name, Count }) => [Name, Count])));
    for (const { Name, Count, Size } of inspection.StatsKV) {
      const framing = (Size - (keys.byPrefix[Name]?.bytes ?? 0)) / Count;
      expect(framing).toBeGreaterThanOrEqual(FRAMING.least);
      expect(framing).toBeLessThanOrEqual(FRAMING.most);
    }

    expect(verifier.summary.leases).toEqual({ total: 4, byMount: { 'auth/userpass': 3, 'auth/token': 1 } });

    // What Vault's own CLI saves is taken as well.
    const saved = join(node.directory, 'saved.snap');
    const env = { ...process.env, VAULT_ADDR: node.address, VAULT_TOKEN: rootToken };
    await run(VAULT_BINARY, ['operator', 'raft', 'snapshot', 'save', saved], { env });
    const inspected = await inspectSnapshot(createReadStream(saved), { identities: [] }, saved);
    expect(inspected.seal).toEqual({ type: 'shamir', secretShares: 1, secretThreshold: 1 });
    expect(inspected.keys.count).toBeGreaterThanOrEqual(keys.count);
    expect(requiredKeys).toEqual([
      'core/keyring',
      'core/seal-config',
      'core/hsm/barrier-unseal-keys',
      'core/shamir-kek',
    ]);
  } finally {
    await node.stop();
  }
}, 90_000);
