import { recoverQuorumInput } from '../src/contract/input';
import type { RecoverQuorumPlan } from '../src/contract/plan';
import type { RecoveryReport } from '../src/contract/recovery';
import { controller } from './run/steps';
import { parseOrFail } from './run/problems';
import { agree, firstPlan, type Planned } from './run/planning';
import { Recovery } from './run/recovery';
import { rollBack } from './run/roll-back';

/**
 * Brings a cluster whose quorum is lost back from the disk of a node that survived, by Vault's `raft/peers.json`; it loses
 * nothing that this disk holds. Input: `{"cluster":"prod","requestedBy":"ana"}`. Its id must be `restore-<cluster>`.
 */
export async function recoverQuorum(raw: unknown): Promise<RecoveryReport> {
  const input = parseOrFail(recoverQuorumInput, raw, '{"cluster":"prod","requestedBy":"your name"}');
  const recovery = new Recovery(input.cluster, input.requestedBy, 'peers');
  const { run, state, journal, identities, unsealing } = recovery;

  return recovery.execute(async () => {
    const first = await firstPlan(recovery, makePlan);
    const plan = await agree(recovery, first, makePlan, claim);
    return recovery.change(() => recover(plan), rollBack);
  });

  async function recover(plan: RecoverQuorumPlan): Promise<RecoveryReport> {
    const { firstNode } = plan;
    const others = state.activeNodes.filter((name) => name !== firstNode);

    state.enter('stop');
    await recovery.stop(state.activeNodes);

    // The survivor's data are copied: they are the only ones, and about to be changed.
    state.enter('setAside');
    await Promise.all([recovery.copyDataAside(firstNode), recovery.setDataAside(others, plan)]);

    state.enter('install');
    state.node(firstNode, 'installing');
    await run.mustStep(`making ${firstNode} the only peer`, firstNode, () =>
      recovery.steps(firstNode).recoverPeers({ claim: run.claim }),
    );
    state.node(firstNode, 'sealed');

    state.enter('unseal');
    await unsealing.unseal(firstNode);
    unsealing.keepOpen(firstNode);

    state.enter('verify');
    await run.mustStep(`verifying ${firstNode}`, firstNode, () => controller.verifyFirstNode({ plan }));

    state.enter('join');
    await recovery.joinOthers(plan);

    state.enter('converge');
    await recovery.converge(plan);

    state.enter('finish');
    const backup = await recovery.tryBackUp();
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
    await Promise.all(plan.nodes.map((node) => identities.claim(node.name)));
    unsealing.begin(plan);
  }
}
