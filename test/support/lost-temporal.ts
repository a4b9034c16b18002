import { access, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecoveryProgress } from '../../src/contract/recovery';
import type { Lab } from '../../src/lab/lab';
import { patient } from '../../src/lab/processes';
import { sealStatus } from './lab-view';
import { restoreDriver } from './restore-driver';

/** Where in a restore its Temporal goes, as seen on the hosts. */
export type LostIn =
  'approve' | 'stage' | 'stop' | 'set aside' | 'install' | 'unseal' | 'verify' | 'join' | 'converge' | 'finish';

const LONGEST_MS = 90_000;

/** A restore whose Temporal loses its database, for tests. */
export function lostTemporal(lab: () => Lab) {
  const driver = () => restoreDriver(lab());

  /** Begins a restore, and takes Temporal and all that it knows away in that phase; an empty one is there in the end. */
  async function loseIn(phase: LostIn): Promise<RecoveryProgress> {
    await driver().start('--accept', 'lose-newer-data');
    const waiting = await driver().waitUntil('it waits for approval', (now) => now.waitingFor === 'approval');
    const { run } = waiting;
    if (phase !== 'approve') {
      const reached = until(phase, run);
      await driver().approve();
      await reached;
    }
    if (phase === 'install') await lab().agents['vault-1']!.kill();
    await loseEverything();
    return waiting;
  }

  /** Temporal with all that it knows; an empty one is there afterwards. */
  async function loseEverything(): Promise<void> {
    await lab().temporal.server.kill();
    await startEmptyTemporal();
    for (const agent of Object.values(lab().agents)) await agent.start();
  }

  async function until(phase: LostIn, run: string): Promise<void> {
    const { nodes } = lab();
    const [first] = nodes;
    const aside = nodes.map(({ dataDir }) => `${dataDir}.pre-restore-${run}`);
    switch (phase) {
      case 'approve':
        return;
      case 'stage':
        return untilTrue(async () => (await claimOf('vault-1')).includes(run));
      case 'stop': {
        const pids = await Promise.all(nodes.map(({ name }) => lab().vaultPid(name)));
        return untilTrue(async () => {
          const gone = await Promise.all(pids.map((pid) => isThere(`/proc/${pid}/exe`).then((there) => !there)));
          return gone.some(Boolean);
        });
      }
      case 'set aside':
        return untilTrue(async () => (await Promise.all(aside.map(isThere))).some(Boolean));
      case 'install':
        return untilTrue(() => isThere(join(first!.dataDir, '.vault-dr-install')));
      case 'unseal':
        await driver().waitUntil('the run waits for shares', (now) => now.waitingFor === 'shares', LONGEST_MS);
        return;
      case 'verify':
        await driver().waitUntil('the run waits for shares', (now) => now.waitingFor === 'shares', LONGEST_MS);
        await driver().unsealAll(lab().unsealShares);
        // Too short to be asked for: it begins when the first node is open, and ends before another one is.
        return untilTrue(() => isOpen(first!.name));
      case 'join':
        await driver().waitUntil('the run waits for shares', (now) => now.waitingFor === 'shares', LONGEST_MS);
        // Without its agent the third node does not join; the second one has by then.
        await lab().agents['vault-3']!.kill();
        await driver().unsealAll(lab().unsealShares);
        await driver().waitUntil('vault-2 is in', (now) => now.nodes[1]?.state === 'unsealed', LONGEST_MS);
        return;
      case 'converge':
      case 'finish':
        await driver().waitUntil('the run waits for shares', (now) => now.waitingFor === 'shares', LONGEST_MS);
        await driver().unsealAll(lab().unsealShares);
        // It does not stay there for long.
        await driver().waitUntil(`it is in ${phase}`, (now) => now.phase === phase, LONGEST_MS, 50);
    }
  }

  function isOpen(node: string): Promise<boolean> {
    return sealStatus(lab(), node).then(
      ({ sealed }) => sealed === false,
      () => false,
    );
  }

  async function startEmptyTemporal(): Promise<void> {
    const { server } = lab().temporal;
    const directory = join(lab().directory, 'temporal');
    for (const name of await readdir(directory)) await rm(join(directory, name));
    await server.start();
  }

  function claimOf(node: string): Promise<string> {
    return readFile(join(lab().directory, node, 'state', 'claim.json'), 'utf8').catch(() => '');
  }

  /** What lies beside a data directory because of these runs, without the name of the data directory itself. */
  async function besideData(dataDir: string, ...runs: string[]): Promise<string[]> {
    const names = await readdir(dirname(dataDir));
    return names
      .filter((name) => name.startsWith(`${basename(dataDir)}.`) && runs.some((run) => name.endsWith(run)))
      .map((name) => name.slice(basename(dataDir).length + 1))
      .toSorted();
  }

  /** As if the clock of the lost Temporal had been an hour ahead of that of the new one. */
  async function dateClaimAhead(node: string): Promise<void> {
    const claim = JSON.parse(await claimOf(node)) as { startedAt: string };
    const startedAt = new Date(Date.now() + 3_600_000).toISOString();
    const file = join(lab().directory, node, 'state', 'claim.json');
    await writeFile(file, JSON.stringify({ ...claim, startedAt }), { mode: 0o600 });
  }

  return { loseIn, loseEverything, besideData, dateClaimAhead };
}

async function untilTrue(test: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + patient(LONGEST_MS);
  while (!(await test())) {
    if (Date.now() > deadline) throw new Error('The phase was not reached in time.');
    await sleep(5);
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
