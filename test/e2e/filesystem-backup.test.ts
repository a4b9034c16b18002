import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupResult } from '../../src/contract/backup';
import type { Manifest } from '../../src/contract/generation';
import type { Lab } from '../../src/lab/lab';
import { waitFor } from '../../src/lab/processes';
import { useLab } from '../support/lab';
import { leaderOf, sealStatus, votersOf } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

const BACKUP_MS = 120_000;

/** Backups for which a node is stopped, on real clusters: whatever happens meanwhile, the node runs again. */
describe('backups by a copy of a node of an auto-unseal cluster', () => {
  const lab = useLab({ shape: 'raft-copied', seal: 'transit' });
  const driver = () => restoreDriver(lab());
  const names = () => lab().nodes.map(({ name }) => name);
  let secrets: { path: string; value: string }[];

  beforeAll(async () => {
    secrets = await lab().writeSecrets(20);
  }, 60_000);

  it(
    'copies a follower, while the others serve, and says what is in it',
    async () => {
      const leader = await leaderOf(lab());
      const writing = writer(lab());
      const result = await backUp();
      const { errors, writes } = await writing.end();

      const manifest = await manifestOf(lab(), result.generation);
      expect(manifest.content).toMatchObject({ method: 'filesystem', storage: 'raft' });
      expect(manifest.content).not.toMatchObject({ node: leader });
      expect(manifest.stored.file).toBe('data.tar.gz.age');
      expect(result.copies.map(({ check }) => check)).toEqual(['hashed', 'hashed']);
      expect(result.raftIndex).toBeGreaterThan(0);
      expect(manifest.keys.count).toBeGreaterThan(20);
      // The leader was never stopped.
      expect(errors).toEqual([]);
      expect(writes).toBeGreaterThan(10);
      await everythingServes();
    },
    BACKUP_MS,
  );

  async function backUp(): Promise<BackupResult> {
    return driver().json<BackupResult>(['backup', '--cluster', 'lab']);
  }

  async function everythingServes(): Promise<void> {
    const open = async (name: string) => (await sealStatus(lab(), name)).sealed === false;
    await waitFor('all are unsealed', async () => (await Promise.all(names().map(open))).every(Boolean), {
      timeoutMs: 60_000,
    });
    expect(await votersOf(lab(), 'vault-1')).toHaveLength(3);
    const [secret] = secrets;
    for (const name of names()) expect(await lab().readSecret(secret!.path, name)).toBe(secret!.value);
  }
});

/** Writes through the leader all the time. */
function writer(lab: Lab) {
  const errors: string[] = [];
  let writes = 0;
  let goesOn = true;
  const running = (async () => {
    while (goesOn) {
      await lab.writeSecrets(1).then(
        () => writes++,
        (error: Error) => errors.push(error.message),
      );
    }
  })();
  return {
    async end() {
      goesOn = false;
      await running;
      return { errors, writes };
    },
  };
}

async function manifestOf(lab: Lab, generation: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(lab.localRepository, 'lab', generation, 'manifest.json'), 'utf8')) as Manifest;
}
