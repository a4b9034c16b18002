import { rollBackRunInput } from '../src/contract/input';
import type { RollBackPlan } from '../src/contract/plan';
import type { RecoveryReport } from '../src/contract/recovery';
import { received } from './run/handover';
import { agree, firstPlan, type Planned } from './run/planning';
import { parseOrFail } from './run/problems';
import { Recovery } from './run/recovery';
import { rollBack } from './run/roll-back';
import { controller } from './run/steps';

/**
 * Puts back the original data that a run had set aside before Temporal lost that run. Input:
 * `{"cluster":"prod","run":"…","requestedBy":"ana"}`. Its id must be `restore-<cluster>`.
 */
export async function rollBackRun(raw: unknown, handover?: unknown): Promise<RecoveryReport> {
  const input = parseOrFail(rollBackRunInput, raw, '{"cluster":"prod","run":"…","requestedBy":"your name"}');
  const recovery = new Recovery(input.cluster, input.requestedBy, 'rollBack', received(handover));
  const { run, unsealing, identities } = recovery;

  return recovery.execute(raw, async () => {
    const first = await firstPlan(recovery, makePlan);
    const plan = await agree(recovery, first, makePlan, claim);
    return recovery.change(() => rollBack(recovery, 'completed', plan));
  });

  async function makePlan(before: RollBackPlan | null): Promise<Planned<RollBackPlan>> {
    const settings = await controller.planRestore({ cluster: input.cluster });
    if (before === null) recovery.show(settings, null);
    const live = await controller.lookAtCluster({ cluster: input.cluster });
    const inspections = await Promise.all(settings.nodes.map((node) => recovery.describe(node)));
    const made = await controller.makeRollBackPlan({ input, settings, inspections, live, again: before !== null });
    return { settings, ...made };
  }

  async function claim(plan: RollBackPlan): Promise<void> {
    await Promise.all(plan.nodes.map(({ name }) => run.once(`claiming ${name}`, () => identities.claim(name))));
    // The nodes report their threshold once they have started.
    if (plan.seal.secretThreshold > 0) unsealing.begin(plan);
    else identities.checkBy(plan.firstNode);
  }
}
