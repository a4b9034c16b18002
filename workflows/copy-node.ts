import { isCancellation } from '@temporalio/workflow';
import type { MadeCopy } from '../src/contract/copied';
import { copyNodeInput } from '../src/contract/input';
import type { CopyPlan } from '../src/contract/plan';
import type { RecoveryReport } from '../src/contract/recovery';
import { received } from './run/handover';
import { firstPlan, type Planned } from './run/planning';
import { ending, parseOrFail, problemOf } from './run/problems';
import { Recovery } from './run/recovery';
import { controller } from './run/steps';

/**
 * Stops one node, archives its data directory and starts it again: the part of a backup that changes a host. Input:
 * `{"cluster":"prod","requestedBy":"ana"}`. Its id must be `restore-<cluster>`. Nobody has to approve it: each host's own
 * configuration says whether it may be stopped for a backup.
 *
 * What goes wrong with the archive never keeps the node down: it is started first, and then the run fails.
 */
export async function copyNode(raw: unknown, handover?: unknown): Promise<RecoveryReport> {
  const input = parseOrFail(copyNodeInput, raw, '{"cluster":"prod","requestedBy":"your name"}');
  const recovery = new Recovery(input.cluster, input.requestedBy, 'copy', received(handover));
  const { run, state, journal, identities, unsealing } = recovery;
  const { claim } = run;

  return recovery.execute(raw, async () => {
    const plan = await firstPlan(recovery, makePlan);
    if (!recovery.isResumedInChanges) {
      await run.once(`claiming ${plan.node}`, () => identities.claim(plan.node));
      unsealing.begin(plan, plan.node);
    }
    return recovery.change(() => copy(plan));
  });

  async function copy(plan: CopyPlan): Promise<RecoveryReport> {
    const { node } = plan;
    const steps = recovery.steps(node);

    await recovery.phase('stop', () =>
      attempt('stopping it', async () => {
        if (plan.stepDown) await controller.moveLeadership({ plan });
        await steps.stopForBackup({ claim });
        state.node(node, 'stopped');
      }),
    );

    await recovery.phase('archive', async () => {
      if (failure() !== null) return;
      await attempt('archiving its data', async () => {
        // What the leader has by now is more than what it had when the node stopped.
        const live = plan.stores === 'raft' ? await controller.lookAtCluster({ cluster: input.cluster }) : null;
        const data = await steps.archiveData({ claim });
        const leading = Object.values(live?.logIndexes ?? {}).reduce((most, index) => Math.max(most, index), -1);
        const lag = leading < 0 ? null : Math.max(0, leading - data.raft.index);
        state.progress.copied = { data, lag, repository: null };
      });
    });

    await recovery.phase('unseal', async () => {
      // By an earlier execution of the run, and watched since.
      if (unsealing.keeps(node)) return;
      const seal = await run.once(`starting ${node}`, () =>
        run.mustStep(`starting ${node}`, node, () => steps.startNode({ claim })),
      );
      if (seal.sealed) await unsealing.unseal(node);
      else state.node(node, 'unsealed');
      unsealing.keepOpen(node);
    });

    await recovery.phase('converge', () => recovery.joining.converge(plan));

    recovery.enter('finish');
    const made = copied();
    if (made !== null) await attempt('storing its archive', () => publish(made));
    const failed = failure();
    if (failed === null) return recovery.end('completed');
    await recovery.end('failed');
    throw ending({ ...failed, problem: `${failed.problem} ${node} runs again.`, where: node });
  }

  async function publish(made: MadeCopy): Promise<void> {
    const { node } = made.data;
    const { repositories } = await controller.planRestore({ cluster: input.cluster });
    const { repository, problems } = await recovery.steps(node).publishArchive({ claim, repositories });
    for (const item of problems) journal.warnings.push(`${item.repository}: ${item.problem}`);
    state.progress.copied = { ...made, repository };
  }

  /** The node comes first: what fails here is remembered, and is what the run fails with when the node runs again. */
  async function attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { code, problem, advice } = problemOf(error, what);
      state.progress.copied = { failed: { code, problem, advice } };
      journal.record('copy failed', 'failure', 'vault-dr', { step: what, code, problem });
    }
  }

  function failure() {
    const { copied: outcome } = state.progress;
    return outcome !== undefined && 'failed' in outcome ? outcome.failed : null;
  }

  function copied(): MadeCopy | null {
    const { copied: outcome } = state.progress;
    return outcome !== undefined && 'data' in outcome ? outcome : null;
  }

  async function makePlan(before: CopyPlan | null): Promise<Planned<CopyPlan>> {
    const settings = await controller.planRestore({ cluster: input.cluster });
    if (before === null) recovery.show(settings, null);
    const live = await controller.lookAtCluster({ cluster: input.cluster });
    const inspections = await Promise.all(settings.nodes.map((node) => recovery.describe(node)));
    const made = await controller.makeCopyPlan({ input, settings, inspections, live });
    for (const name of live.serving.filter((item) => item !== made.plan.node)) state.node(name, 'voter');
    return { settings, ...made };
  }
}
