import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupResult } from '../../src/contract/backup';
import type { Manifest } from '../../src/contract/generation';
import type { Lab } from '../../src/lab/lab';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { addBallast } from '../support/ballast';
import { useLab } from '../support/lab';
import { leaderOf, reconfigure, sealStatus, untilReadable, valuesOf, votersOf } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

const BACKUP_MS = 120_000;

/** Backups for which a node is stopped, on real clusters: whatever happens meanwhile, the node runs again. */
describe('backups by a copy of a node of an auto-unseal cluster', () => {
  const lab = useLab({ shape: 'raft-copied', seal: 'transit' });
  const driver = () => restoreDriver(lab());
  const names = () => lab().nodes.map(({ name }) => name);
  let secrets: SampleSecret[];
  /** That of the configuration, from the middle on. */
  let named: string;
  /** Of what was backed up last. */
  let newest: string;

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

  it(
    'continues with an agent that was killed while the node was down',
    async () => {
      await addBallast(lab(), 40);
      const backup = backUp();
      const node = await stopped(lab());
      await lab().agents[node]!.kill();
      await lab().agents[node]!.start();

      expect((await manifestOf(lab(), (await backup).generation)).content).toMatchObject({ node });
      await everythingServes();
    },
    BACKUP_MS,
  );

  it(
    'continues when Temporal was killed meanwhile',
    async () => {
      const backup = lab().cli(['backup', '--cluster', 'lab', '--json']);
      await stopped(lab());
      await lab().temporal.server.kill();
      await lab().temporal.server.start();
      await backup;

      await waitFor('the note is over', async () => (await pending(lab())) === null, { timeoutMs: 90_000 });
      expect(await pending(lab())).toBeNull();
      await everythingServes();
    },
    BACKUP_MS,
  );

  it(
    'is started by its agent when somebody terminates the run',
    async () => {
      const backup = lab().cli(['backup', '--cluster', 'lab', '--json']);
      const node = await stopped(lab());
      await lab().temporalCli(['workflow', 'terminate', '--workflow-id', 'restore-lab', '--reason', 'test']);

      await waitFor('its agent has started it', async () => (await pending(lab())) === null, { timeoutMs: 30_000 });
      expect((await backup).code).not.toBe(0);
      expect(names()).toContain(node);
      await everythingServes();
    },
    BACKUP_MS,
  );

  it(
    'is started by an agent that was killed, when nothing is known of the run any more',
    async () => {
      const backup = lab().cli(['backup', '--cluster', 'lab', '--json']);
      const node = await stopped(lab());
      await lab().agents[node]!.kill();
      await lab().temporalCli(['workflow', 'terminate', '--workflow-id', 'restore-lab', '--reason', 'test']);
      expect(await pending(lab())).toBe(node);
      await lab().agents[node]!.start();

      await waitFor('its agent has started it', async () => (await pending(lab())) === null, { timeoutMs: 30_000 });
      await backup;
      await everythingServes();
      // Nothing of it is in the way of the next one.
      expect(await backUp()).toMatchObject({ cluster: 'lab', missing: [] });
    },
    BACKUP_MS,
  );

  it(
    'copies the node that is named, though it leads: another one leads first',
    async () => {
      named = await leaderOf(lab());
      await reconfigure(lab(), ({ clusters: { lab: cluster } }) => {
        cluster!.filesystem = { ...cluster!.filesystem, node: named };
      });

      const { generation, missing } = await backUp();

      expect((await manifestOf(lab(), generation)).content).toMatchObject({ node: named });
      expect(missing).toEqual([]);
      expect(await leaderOf(lab())).not.toBe(named);
      await everythingServes();
    },
    2 * BACKUP_MS,
  );

  it(
    'do not stop a node that was removed from the cluster',
    async () => {
      const leader = await leaderOf(lab());
      const body = { server_id: named };
      await lab().vault(leader, 'POST', 'sys/storage/raft/remove-peer', { body });
      const isGone = async () => !(await votersOf(lab(), leader)).includes(named);
      await waitFor('it is removed', isGone, { timeoutMs: 60_000 });
      const hasNoticed = async () => {
        const { body } = await lab().vault(named, 'GET', 'sys/health');
        const { removed_from_cluster: removed, sealed } = body as { removed_from_cluster?: boolean; sealed: boolean };
        return removed === true || sealed;
      };
      await waitFor('it has noticed', hasNoticed, { timeoutMs: 60_000 });
      const pid = await lab().vaultPid(named);

      const { code, stderr } = await lab().cli(['backup', '--cluster', 'lab']);

      expect(code).not.toBe(0);
      expect(stderr).toContain(`${named} does not serve, so its data may be old: bring it back first`);
      expect(await lab().vaultPid(named)).toBe(pid);
    },
    BACKUP_MS,
  );

  it(
    'bring the cluster back whole without a share: of a copy of one node',
    async () => {
      const { cluster_id: clusterId } = await sealStatus(lab(), await leaderOf(lab()));
      await lab().destroyDataDirectories();

      await driver().start('--generation', newest);
      await driver().approve();
      const report = await driver().result();

      expect(report).toMatchObject({ status: 'completed', shares: null, plan: { archive: 'filesystem' } });
      expect(report.backup).toHaveProperty('generation');
      for (const name of names()) {
        expect(await sealStatus(lab(), name)).toMatchObject({ type: 'transit', sealed: false, cluster_id: clusterId });
        await untilReadable(lab(), secrets[0]!, name);
      }
      expect(await valuesOf(lab(), secrets)).toEqual(secrets.map(({ value }) => value));
      expect(await votersOf(lab(), 'vault-1')).toEqual(names());
    },
    2 * BACKUP_MS,
  );

  async function backUp(): Promise<BackupResult> {
    const result = await driver().json<BackupResult>(['backup', '--cluster', 'lab']);
    newest = result.generation;
    return result;
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

/** A single Vault is stopped itself, and its key holders open it again. */
describe('a backup of a Vault that stores in files', () => {
  const lab = useLab({ shape: 'file-storage' });

  it(
    'asks its key holders once, and serves again',
    async () => {
      const [secret] = await lab().writeSecrets(5);
      const driver = restoreDriver(lab());
      const backup = driver.json<BackupResult>(['backup', '--cluster', 'lab']);
      await driver.unsealAll(lab().unsealShares);

      const manifest = await manifestOf(lab(), (await backup).generation);

      expect(manifest.content).toMatchObject({ method: 'filesystem', storage: 'file', node: 'vault-1', lag: null });
      expect(manifest.raft).toMatchObject({ index: 0, peers: [] });
      expect(await lab().readSecret(secret!.path, 'vault-1')).toBe(secret!.value);
    },
    BACKUP_MS,
  );
});

/** Name of the node that stands still for a backup, by the note of its agent; null when none does. */
async function pending(lab: Lab): Promise<string | null> {
  for (const { name, stateDir } of lab.nodes) {
    const text = await readFile(join(stateDir, 'backup-stop.json'), 'utf8').catch(() => '{"over":true}');
    if (!(JSON.parse(text) as { over: boolean }).over) return name;
  }
  return null;
}

async function stopped(lab: Lab): Promise<string> {
  const isStill = async () => {
    const name = await pending(lab);
    return name !== null && (await lab.vaultPid(name)) === undefined ? name : null;
  };
  return (await waitFor('a node stands still', isStill, { timeoutMs: 60_000, everyMs: 20 })) as string;
}

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
