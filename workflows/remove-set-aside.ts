import { isCancellation } from '@temporalio/workflow';
import { removeSetAsideInput } from '../src/contract/input';
import type { LeftOver } from '../src/contract/host';
import type { NodePlan, RemovalPlan } from '../src/contract/plan';
import type { RecoveryReport } from '../src/contract/recovery';
import { controller } from './run/steps';
import { onEach } from './run/on-each';
import { ending, parseOrFail } from './run/problems';
import { received } from './run/handover';
import { adopt, agree, type Planned, refusal } from './run/planning';
import { Recovery } from './run/recovery';
import { SKIPPED } from './run/recovery-run';

/**
 * Deletes what one earlier run set aside, after the grace period and if the cluster is healthy. Input:
 * `{"cluster":"prod","run":"…","requestedBy":"ana"}`. Its id must be `restore-<cluster>`.
 */
export async function removeSetAside(raw: unknown, handover?: unknown): Promise<RecoveryReport> {
  const input = parseOrFail(removeSetAsideInput, raw, '{"cluster":"prod","run":"…","requestedBy":"your name"}');
  const recovery = new Recovery(input.cluster, input.requestedBy, 'remove', received(handover));
  const { run, state, journal, identities } = recovery;

  let found = new Map<string, LeftOver[]>();

  return recovery.execute(raw, async () => {
    const handed = recovery.handedPlan as RemovalPlan | null;
    const planned = handed ? null : await firstRemovalPlan();
    const plan = handed ?? (planned && adopt(recovery, planned));
    if (plan !== null) await agree(recovery, plan, planToSign, () => Promise.resolve());
    return recovery.change(remove);
  });

  async function firstRemovalPlan(): Promise<Planned<RemovalPlan> | null> {
    state.enter('plan');
    try {
      return await plan();
    } catch (error) {
      throw refusal(recovery, error, 'Nothing was removed.');
    }
  }

  // The plan to sign; null if no signatures are needed.
  async function plan(): Promise<Planned<RemovalPlan> | null> {
    const settings = await controller.planRestore({ cluster: input.cluster });
    if (state.progress.nodes.length === 0) recovery.show(settings, null);
    const live = await controller.lookAtCluster({ cluster: input.cluster });
    const inspected = await Promise.all(settings.nodes.map(inspect));
    const made = await controller.makeRemovalPlan({ input, settings, live, found: inspected });
    const some = inspected.map(({ node, leftOvers }) => [node, leftOvers ?? []] as const);
    found = new Map(some.filter(([, leftOvers]) => leftOvers.length > 0));
    if (!Array.isArray(made)) return { settings, ...made };
    journal.warnings.push(...made);
    return null;
  }

  async function planToSign(): Promise<Planned<RemovalPlan>> {
    const planned = await plan();
    if (planned !== null) return planned;
    throw ending({
      code: 'InvalidConfiguration',
      problem: `The configuration of '${input.cluster}' no longer names approvers.`,
      advice: 'Abort and start again.',
    });
  }

  async function remove(): Promise<RecoveryReport> {
    state.enter('remove');
    await onEach([...found.keys()], async (name) => {
      if ((await identities.claim(name)) === SKIPPED) return;
      const removed = await run.step(`removing old data on ${name}`, name, () =>
        recovery.steps(name).removeSetAsideData({ claim: run.claim, of: input.run }),
      );
      if (removed === SKIPPED) return;
      // An attempt that was killed has not reported what it removed.
      const gone = new Map([...(found.get(name) ?? []), ...removed].map((item) => [item.path, item.sizeBytes]));
      recovery.removed.push(...[...gone].map(([path, sizeBytes]) => ({ node: name, path, sizeBytes })));
      state.node(name, 'ready', `${gone.size} removed`);
    });
    return recovery.end('completed');
  }

  async function inspect({ name }: NodePlan): Promise<{ node: string; leftOvers: LeftOver[] | null }> {
    try {
      return { node: name, leftOvers: await recovery.steps(name).lookForLeftOvers({ of: input.run }) };
    } catch (error) {
      if (isCancellation(error)) throw error;
      return { node: name, leftOvers: null };
    }
  }
}
