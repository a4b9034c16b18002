import { rm } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { BackupResult } from '../../src/contract/backup';
import type { RecoveryReport } from '../../src/contract/recovery';
import { waitFor } from '../../src/lab/processes';
import { CLUSTER } from '../../src/lab/layout';
import { type RecoveryStart, startBackup, startRecovery } from '../../src/temporal/runs';
import { leaderOf } from '../support/lab-view';
import { type ChaosLab, unsealEverywhere } from './chaos-lab';
import { leftOf } from './left-by-runs';
import { EVERYTHING, type ScenarioShape } from './matrix';
import { persistently } from './persistence';

/**
 * One kind of run that has to survive. To add one: give it a name, its activities, and how it is started and evaluated.
 */
export interface Scenario extends ScenarioShape {
  /** Takes so long that few fit a test run. */
  slow: boolean;
  /** A Vault that dies when this has ended stays sealed until somebody unseals it; null: at any time. */
  unsealedUntil: string | null;
  /** Generations that the run makes. */
  newGenerations: number;
  /** Not part of the measured time. */
  prepare(chaos: ChaosLab): Promise<void>;
  begin(chaos: ChaosLab): Promise<WorkflowHandle>;
  /** The run in which things are killed, where that is not the one that was begun but one that it runs. */
  watched?(chaos: ChaosLab): Promise<WorkflowHandle>;
  /** What people do meanwhile; resolves with what they would have had to fix. */
  attend(chaos: ChaosLab, handle: WorkflowHandle, isOver: () => boolean): Promise<string[]>;
  /** What is wrong with the result. */
  evaluate(chaos: ChaosLab, result: unknown): string[];
}

const nobody = () => Promise.resolve([]);

export const backupRun: Omit<Scenario, 'name' | 'activities'> = {
  slow: false,
  // Its Vaults stay sealed, and what needs one that serves waits for people.
  spared: [EVERYTHING],
  unsealedUntil: null,
  newGenerations: 1,
  prepare: unsealEverywhere,
  begin: ({ client }) => persistently(Date.now() + 10_000, () => startBackup(client, CLUSTER)),
  attend: nobody,
  evaluate(_chaos, result) {
    const { missing, copies } = result as BackupResult;
    return [
      ...missing.map(({ repository, problem }) => `no copy in ${repository}: ${problem}`),
      ...copies.filter(({ check }) => check === 'listed').map(({ repository }) => `${repository} was not read whole`),
    ];
  },
};

/** What the other recoveries have in common. */
export function recoveryRun(
  recovery: Omit<RecoveryStart, 'cluster' | 'summary'>,
  wanted: RecoveryReport['status'],
): Omit<Scenario, 'name' | 'activities' | 'attend' | 'prepare'> {
  return {
    slow: true,
    unsealedUntil: wanted === 'rolled back' ? 'checkRolledBack' : 'checkConvergence',
    newGenerations: 0,
    begin: ({ client }) =>
      persistently(Date.now() + 10_000, () =>
        startRecovery(client, { ...recovery, cluster: CLUSTER, summary: 'Recovery under fire' }),
      ),
    evaluate(_chaos, result) {
      const { status, warnings } = result as RecoveryReport;
      return [
        ...(status === wanted ? [] : [`the run is ${status}`]),
        ...warnings.filter((text) => text.includes('does not serve')),
      ];
    },
  };
}

/** The node on which a restore in place takes place. */
export async function makeLeader({ lab }: ChaosLab, name: string): Promise<void> {
  await waitFor(
    `${name} leads`,
    async () => {
      const leader = await leaderOf(lab);
      if (leader !== name) await lab.vault(leader, 'PUT', 'sys/step-down');
      return leader === name;
    },
    { timeoutMs: 60_000, everyMs: 2_000 },
  );
}

/** What an operator does when the cluster is well. */
export async function removeSetAside({ lab }: ChaosLab): Promise<void> {
  for (const node of lab.nodes) {
    for (const path of await leftOf(node, ['pre-restore', 'rolled-back']))
      await rm(path, { recursive: true, force: true });
  }
}
