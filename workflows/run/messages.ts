import { defineQuery, setHandler } from '@temporalio/workflow';
import { approveInput, operatorInput, skipNodeInput } from '../../src/contract/input';
import { MESSAGE, PROGRESS_QUERY } from '../../src/contract/names';
import type { RecoveryProgress } from '../../src/contract/recovery';
import { Approvals } from './approvals';
import { Incoming } from './incoming';
import type { RecoveryRun } from './recovery-run';
import type { ShareCeremony } from './share-ceremony';

/** What people can ask a recovery, and tell it. */
export function handleMessages(run: RecoveryRun, ceremony: ShareCeremony): void {
  const { journal } = run;
  setHandler(defineQuery<RecoveryProgress>(PROGRESS_QUERY), () => run.state.progress, {
    description: 'Phases, nodes, approvals, shares and what the run waits for',
  });
  const approvals = new Approvals(run.state, journal);
  const incoming = new Incoming(journal, ceremony);
  incoming.take(
    MESSAGE.approve,
    approveInput,
    '{"approver":"your name","planHash":"…"}',
    'Approve the plan',
    (input, by) => approvals.take(input, by),
  );
  incoming.takeShares();
  incoming.take(MESSAGE.resume, operatorInput, '{"operator":"your name"}', 'Try parked steps again', (input) =>
    run.decisions.resume(input.operator, input.identity),
  );
  incoming.take(
    MESSAGE.skipNode,
    skipNodeInput,
    '{"operator":"your name","node":"vault-2"}',
    'Continue without a node that is parked, or takes too long to join',
    (input) => run.decisions.skipNode(input.operator, input.node, input.identity),
  );
  incoming.take(
    MESSAGE.rollBack,
    operatorInput,
    '{"operator":"your name"}',
    'Put the old data back on every node, from the first stop until the run is done; not in place, not in a rebuild',
    (input) => run.decisions.rollBack(input.operator, input.identity),
  );
  incoming.take(
    MESSAGE.abort,
    operatorInput,
    '{"operator":"your name"}',
    'End the run: before the first node is stopped; in a rebuild and in place at any time',
    (input) => run.decisions.abort(input.operator, input.identity),
  );
  incoming.take(
    MESSAGE.goLive,
    operatorInput,
    '{"operator":"your name"}',
    'End the quiet of a quiet restore: take the fence around the first node away',
    (input) => run.decisions.goLive(input.operator, input.identity),
  );
  incoming.refuseOthers(Object.values(MESSAGE), () => [run.state.progress.planHash]);
}
