import { isCancellation } from '@temporalio/workflow';
import { removeSetAsideInput } from '../src/contract/input';
import type { LeftOver } from '../src/contract/host';
import type { NodePlan } from '../src/contract/plan';
import type { RecoveryReport } from '../src/contract/recovery';
import { controller } from './run/steps';
import { parseOrFail } from './run/problems';
import { refusal } from './run/planning';
import { Recovery } from './run/recovery';
import { SKIPPED } from './run/recovery-run';

/**
 * Deletes what one earlier run set aside, once its grace period is over and the cluster is whole. Input:
 * `{"cluster":"prod","run":"…","requestedBy":"ana"}`. Its id must be `restore-<cluster>`.
 */
export async function removeSetAside(raw: unknown): Promise<RecoveryReport> {
  const input = parseOrFail(removeSetAsideInput, raw, '{"cluster":"prod","run":"…","requestedBy":"your name"}');
  const recovery = new Recovery(input.cluster, input.requestedBy, 'remove');
  const { run, state, journal, identities } = recovery;

  return recovery.execute(async () => {
    const found = await plan();
    return recovery.change(() => remove(found));
  });

  async function plan(): Promise<Map<string, LeftOver[]>> {
    state.enter('plan');
    try {
      const settings = await controller.planRestore({ cluster: input.cluster });
      recovery.show(settings, null);
      const live = await controller.lookAtCluster({ cluster: input.cluster });
      const found = await Promise.all(settings.nodes.map(inspect));
      journal.warnings.push(...(await controller.makeRemovalPlan({ input, settings, live, found })));
      const some = found.map(({ node, leftOvers }) => [node, leftOvers ?? []] as const);
      return new Map(some.filter(([, leftOvers]) => leftOvers.length > 0));
    } catch (error) {
      throw refusal(recovery, error, 'Nothing was removed.');
    }
  }

  async function remove(found: Map<string, LeftOver[]>): Promise<RecoveryReport> {
    state.enter('remove');
    await recovery.onEach([...found.keys()], async (name) => {
      if ((await identities.claim(name)) === SKIPPED) return;
      const removed = await run.step(`removing what was set aside on ${name}`, name, () =>
        recovery.steps(name).removeSetAsideData({ claim: run.claim, of: input.run }),
      );
      if (removed === SKIPPED) return;
      // An attempt that was killed has told nobody what it removed.
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
