import { rebuildNodeInput } from '../src/contract/input';
import type { RebuildPlan } from '../src/contract/plan';
import type { RecoveryReport } from '../src/contract/recovery';
import { controller } from './run/steps';
import { parseOrFail } from './run/problems';
import { received } from './run/handover';
import { agree, firstPlan, type Planned } from './run/planning';
import { Recovery } from './run/recovery';

/**
 * Rebuilds one node from scratch while the others serve. Input:
 * `{"cluster":"prod","node":"vault-3","requestedBy":"ana"}`. Its id must be `restore-<cluster>`. No approval is needed:
 * no data is lost, and where it could be, the plan is refused.
 */
export async function rebuildNode(raw: unknown, handover?: unknown): Promise<RecoveryReport> {
  const input = parseOrFail(rebuildNodeInput, raw, '{"cluster":"prod","node":"vault-3","requestedBy":"your name"}');
  const recovery = new Recovery(input.cluster, input.requestedBy, 'rebuild', received(handover));
  const { run, state, journal, identities, unsealing } = recovery;
  const { node } = input;

  return recovery.execute(raw, async () => {
    const first = await firstPlan(recovery, makePlan);
    const plan = await agree(recovery, first, makePlan, claim);
    return recovery.change(() => rebuild(plan));
  });

  async function rebuild(plan: RebuildPlan): Promise<RecoveryReport> {
    await recovery.phase('stop', () => stop(plan));

    await recovery.phase('setAside', () => recovery.setDataAside([node], plan));

    await recovery.phase('join', async () => {
      // The node may have been the leader; then the others have elected a new one.
      const leaderAddress = await run.mustStep('waiting for a leader', null, () =>
        controller.waitForLeader({ cluster: input.cluster }),
      );
      await recovery.joining.join([node], leaderAddress, plan);
    });

    await recovery.phase('converge', () => recovery.joining.converge(plan));

    recovery.enter('finish');
    journal.notify('restored', `${node} of ${input.cluster} is rebuilt and a voter.`);
    return recovery.end('completed');
  }

  // Dead peers are removed first, because they count for the quorum that has to serve meanwhile. If there are none,
  // nothing may happen before the stop, not even one turn of the event loop: older histories must replay.
  function stop({ removePeers }: RebuildPlan): Promise<void> {
    if (removePeers === undefined) return recovery.stop([node]);
    return recovery.removePeers(removePeers).then(() => recovery.stop([node]));
  }

  async function makePlan(before: RebuildPlan | null): Promise<Planned<RebuildPlan>> {
    const settings = await controller.planRestore({ cluster: input.cluster, node });
    if (before === null) recovery.show(settings, null);
    const live = await controller.lookAtCluster({ cluster: input.cluster });
    const own = settings.nodes.find((item) => item.name === node);
    const inspection = own
      ? await recovery.describe(own)
      : { node, report: null, problem: `there is no node '${node}'` };
    const made = await controller.makeRebuildPlan({ input, settings, inspection, live });
    for (const name of live.serving.filter((item) => item !== node)) state.node(name, 'voter');
    return { settings, ...made };
  }

  async function claim(plan: RebuildPlan): Promise<void> {
    await run.once(`claiming ${node}`, () => identities.claim(node));
    unsealing.begin(plan, node);
  }
}
