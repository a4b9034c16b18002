import { DrError } from '../../src/contract/failures';
import { configuredId } from '../../src/contract/peer-ids';
import { problemsOfApproval, signaturesDecide } from '../../src/crypto/approved-plan';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { planHashOf } from '../../src/plan/hash';
import { isDead } from '../../src/plan/members';
import { membersOf } from '../../src/vault/members';
import { withHeartbeats } from '../heartbeat';
import { confirmLogin, settingsOf } from './confirm';
import type { Controller } from './context';

type Removal = ControllerInput<'removePeer'>;

/**
 * Removes a dead peer from a serving cluster. Checks again right before: a peer that is back stays, and so does every
 * configured node. Repeatable.
 */
export async function removePeer(controller: Controller, input: Removal): Promise<void> {
  const { plan, peer } = input;
  assertApproved(controller, input);
  const { nodes } = settingsOf(controller, { cluster: plan.cluster });
  await withHeartbeats('remove a peer', () =>
    controller.withLeader(plan.cluster, ({ leader }) =>
      controller.withLogin(
        plan.cluster,
        leader.node,
        async (vault) => {
          const members = membersOf(await vault.raftConfiguration(), await vault.autopilotState());
          const member = members.find(({ nodeId }) => nodeId === peer);
          if (!member) return;
          const id = configuredId({ id: peer, address: member.address }, nodes);
          const named = nodes.find(({ nodeId }) => nodeId === id);
          if (named || !isDead(member)) {
            const why = named ? `is ${named.name} in the configuration` : 'is no longer reported as dead by autopilot';
            throw new DrError('NodeUnsafe', `${peer} ${why}, so it was not removed from the cluster.`, {
              where: leader.node,
              advice:
                'Nothing was changed. To remove it, stop it, then resume. To keep it, abort and plan again without it.',
            });
          }
          await vault.removePeer(peer);
        },
        confirmLogin(controller, plan),
      ),
    ),
  );
}

/** Anybody who can write to the namespace can ask for it; the plan decides and, with approvers, their signatures. */
function assertApproved(controller: Controller, { plan, peer, run, approved }: Removal): void {
  const { cluster } = plan;
  const config = controller.cluster(cluster);
  const serves = plan.method === 'inPlace' || plan.method === 'rebuild';
  const problems = !serves || !plan.removePeers?.includes(peer) ? ['it is not in the plan'] : [];
  if (problems.length === 0 && signaturesDecide(config)) {
    if (!approved) problems.push('no approved plan was shown');
    else if (planHashOf(approved.plan) !== planHashOf(plan)) problems.push('another plan was approved');
    else problems.push(...problemsOfApproval(cluster, config, run, approved, planHashOf(plan)));
  }
  if (problems.length === 0) return;
  throw new DrError('NotApproved', `${peer} was not removed from '${cluster}': ${problems.join('; ')}.`, {
    advice: 'Nothing was changed. Check who can write to the Temporal namespace.',
  });
}
