import { recoverQuorumInput } from '../src/contract/input';
import type { RecoverQuorumPlan } from '../src/contract/plan';
import type { RecoveryReport } from '../src/contract/recovery';
import { controller } from './run/steps';
import { parseOrFail } from './run/problems';
import { received } from './run/handover';
import { agree, firstPlan, type Planned } from './run/planning';
import { Recovery } from './run/recovery';
import { rollBack } from './run/roll-back';

/**
 * Recovers a cluster without a quorum from the disk of a surviving node, with Vault's `raft/peers.json`; nothing on
 * that disk is lost. Input: `{"cluster":"prod","requestedBy":"ana"}`. Its id must be `restore-<cluster>`.
 */
export async function recoverQuorum(raw: unknown, handover?: unknown): Promise<RecoveryReport> {
  const input = parseOrFail(recoverQuorumInput, raw, '{"cluster":"prod","requestedBy":"your name"}');
  const recovery = new Recovery(input.cluster, input.requestedBy, 'peers', received(handover));
  const { run, state, journal, identities, unsealing } = recovery;

  return recovery.execute(raw, async () => {
    const first = await firstPlan(recovery, makePlan);
    const plan = await agree(recovery, first, makePlan, claim);
    return recovery.change(() => recover(plan), rollBack);
  });

  async function recover(plan: RecoverQuorumPlan): Promise<RecoveryReport> {
    const { firstNode } = plan;
    const others = state.activeNodes.filter((name) => name !== firstNode);

    await recovery.phase('stop', () => recovery.stop(state.activeNodes));

    // The survivor's data is copied: it is the only copy, and is about to be changed.
    await recovery.phase('setAside', () =>
      Promise.all([recovery.copyDataAside(firstNode), recovery.setDataAside(others, plan)]),
    );

    await recovery.phase('install', async () => {
      state.node(firstNode, 'installing');
      await run.mustStep(`making ${firstNode} the only peer`, firstNode, () =>
        recovery.steps(firstNode).recoverPeers({ claim: run.claim }),
      );
      state.node(firstNode, 'sealed');
    });

    await recovery.phase('unseal', async () => {
      await unsealing.unseal(firstNode);
      unsealing.keepOpen(firstNode);
    });

    await recovery.phase('verify', () =>
      run.mustStep(`verifying ${firstNode}`, firstNode, () => controller.verifyFirstNode({ plan })),
    );

    await recovery.phase('join', () => recovery.joining.joinOthers(plan));

    await recovery.phase('converge', () => recovery.joining.converge(plan));

    recovery.enter('finish');
    const backup = await recovery.tryBackUp(plan);
    journal.notify('restored', `${plan.cluster} is back, from the disk of ${firstNode}. Nothing that it held is lost.`);
    return recovery.end('completed', backup);
  }

  async function makePlan(before: RecoverQuorumPlan | null): Promise<Planned<RecoverQuorumPlan>> {
    const settings = await controller.planRestore({ cluster: input.cluster });
    if (before === null) recovery.show(settings, null);
    const live = await controller.lookAtCluster({ cluster: input.cluster });
    const inspections = await Promise.all(settings.nodes.map((node) => recovery.describe(node)));
    const made = await controller.makeQuorumPlan({ input, settings, inspections, live });
    return { settings, ...made };
  }

  async function claim(plan: RecoverQuorumPlan): Promise<void> {
    await Promise.all(plan.nodes.map(({ name }) => run.once(`claiming ${name}`, () => identities.claim(name))));
    unsealing.begin(plan);
  }
}
