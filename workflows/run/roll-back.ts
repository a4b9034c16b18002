import { isCancellation } from '@temporalio/workflow';
import type { SealReport } from '../../src/contract/host';
import type { RecoveryReport } from '../../src/contract/recovery';
import { controller } from './steps';
import { lostIn, lostOn } from './lost-run';
import { onEach } from './on-each';
import { problemOf } from './problems';
import type { Recovery } from './recovery';
import { SKIPPED } from './recovery-run';

/**
 * Puts the old data back on every node: stop, rename, start, unseal with the same shares, verify. The data written by
 * the restore is kept next to it. No node starts before all are stopped, so old and new data never meet.
 */
export async function rollBack(
  recovery: Recovery,
  as: 'rolled back' | 'completed' = 'rolled back',
  plan = recovery.state.progress.plan,
): Promise<RecoveryReport> {
  const { run, state, unsealing } = recovery;
  const { claim } = run;
  recovery.enter('rollBack');
  unsealing.stopWatching();
  const touched = new Set(recovery.setAside.map(({ node }) => node));
  const names = state.progress.nodes
    .filter(({ name, state }) => state !== 'skipped' || touched.has(name))
    .map(({ name }) => name);

  await recovery.stop(names);
  const consul = plan?.storage === 'consul' ? (recovery.setAside[0] ?? lostIn(plan)) : undefined;
  if (consul) {
    await run.once('putting back what was in Consul', () =>
      run.mustStep('putting back what was in Consul', consul.node, () =>
        recovery.steps(consul.node).putBackConsul({ claim, ...lostOn(plan, consul.node) }),
      ),
    );
  }
  await onEach(plan?.storage === 'consul' ? [] : still(), (name) =>
    run.once(`putting the data of ${name} back`, async () => {
      const result = await run.step(`putting the data of ${name} back`, name, () =>
        recovery.steps(name).putBackData({ claim, ...lostOn(plan, name) }),
      );
      if (result === SKIPPED) return;
      state.node(name, 'put back', result === 'put back' ? null : result);
      // Data that was put back is no longer set aside.
      recovery.setAside = recovery.setAside.filter(({ node }) => node !== name);
    }),
  );
  recovery.setAside = [];

  const seals = new Map<string, SealReport>();
  await onEach(still(), async (name) => {
    const seal = await run.once(`starting ${name}`, () =>
      run.step(`starting ${name}`, name, () => recovery.steps(name).startNode({ claim })),
    );
    if (seal !== SKIPPED) seals.set(name, seal);
  });
  const members = still().filter((name) => seals.get(name)?.initialized === true);
  unsealing.adapt(members.flatMap((name) => seals.get(name) ?? []));
  await onEach(
    members.filter((name) => seals.get(name)?.sealed === true),
    async (name) => {
      if (!isOpen(name)) await unsealing.unseal(name);
      unsealing.keepOpen(name);
    },
  );
  await verify(
    recovery,
    still().filter((name) => members.includes(name)),
  );
  unsealing.stopWatching();
  if (recovery.marked) await recovery.undo?.();
  return recovery.end(as);

  /** By an earlier execution of the run. */
  function isOpen(name: string): boolean {
    return state.progress.nodes.some((node) => node.name === name && node.state === 'unsealed');
  }

  function still(): string[] {
    const left = new Set(state.activeNodes);
    return names.filter((name) => left.has(name));
  }
}

/** If the old cluster can't serve, that is reported and does not hold the run: it may not have been able to before. */
async function verify({ state, journal, cluster }: Recovery, nodes: string[]): Promise<void> {
  if (nodes.length === 0) return;
  try {
    const leader = await controller.checkRolledBack({ cluster, nodes });
    for (const name of nodes) state.node(name, 'unsealed', name === leader ? 'leads' : null);
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { problem } = problemOf(error, 'verifying the old cluster');
    journal.warnings.push(`the old data is back, but the cluster does not serve: ${problem}`);
    journal.record('rolled back cluster does not serve', 'failure', 'vault-dr', { problem });
  }
}
