import {
  ApplicationFailure,
  defineQuery,
  defineSignal,
  defineUpdate,
  setDefaultSignalHandler,
  setHandler,
} from '@temporalio/workflow';
import type { z } from 'zod';
import { approveInput, operatorInput, skipNodeInput, submitShareInput } from '../../src/contract/input';
import { walkMessage } from '../../src/contract/message-bounds';
import { MESSAGE, PROGRESS_QUERY } from '../../src/contract/names';
import type { RecoveryProgress } from '../../src/contract/recovery';
import { findsShareInClear, TURNED_AWAY } from '../../src/contract/share';
import type { Answer } from '../../src/contract/update-answers';
import { parseOrFail } from './problems';
import { Approvals } from './approvals';
import { warn } from './journal';
import type { RecoveryRun } from './recovery-run';
import type { ShareCeremony } from './share-ceremony';

/** For the audit trail and the log; Temporal allows a thousand characters. */
const LONGEST_SIGNAL_NAME = 64;
/** Problems of one kind that are recorded; the rest is counted. */
const MOST_TOLD = 20;

/**
 * Every message exists as an update, whose sender gets an answer, and as a signal, whose answer is shown in the run's
 * details. A bad signal must not fail the run; a bad update is rejected and leaves nothing in history.
 */
export function handleMessages(run: RecoveryRun, ceremony: ShareCeremony): void {
  const { journal } = run;
  const { tally } = journal;
  setHandler(defineQuery<RecoveryProgress>(PROGRESS_QUERY), () => run.state.progress, {
    description: 'Phases, nodes, approvals, shares and what the run waits for',
  });
  const approvals = new Approvals(run.state, journal);
  take(MESSAGE.approve, approveInput, '{"approver":"your name","planHash":"…"}', 'Approve the plan', (input, by) =>
    approvals.take(input, by),
  );
  take(
    MESSAGE.submitShare,
    submitShareInput,
    '{"holder":"your name","share":"-----BEGIN AGE ENCRYPTED FILE-----…"}',
    'Submit an unseal share, encrypted with age to the recipients of the run',
    (input, by) => ceremony.submit(input.holder, input.share, by),
  );
  take(MESSAGE.resume, operatorInput, '{"operator":"your name"}', 'Try parked steps again', (input) =>
    run.decisions.resume(input.operator),
  );
  take(
    MESSAGE.skipNode,
    skipNodeInput,
    '{"operator":"your name","node":"vault-2"}',
    'Continue without a node that is parked, or takes too long to join',
    (input) => run.decisions.skipNode(input.operator, input.node),
  );
  take(
    MESSAGE.rollBack,
    operatorInput,
    '{"operator":"your name"}',
    'Put the old data back on every node, from the first stop until the run is done; not in place, not in a rebuild',
    (input) => run.decisions.rollBack(input.operator),
  );
  take(
    MESSAGE.abort,
    operatorInput,
    '{"operator":"your name"}',
    'End the run: before the first node is stopped; in a rebuild and in place at any time',
    (input) => run.decisions.abort(input.operator),
  );
  setDefaultSignalHandler((anyName, ...args) => {
    const name = anyName.slice(0, LONGEST_SIGNAL_NAME);
    const tooLarge = walkMessage(args);
    if (tooLarge !== null) {
      // Unknown names count as one kind, because senders can invent any number of them.
      if (isFirstTooLarge('an unknown signal', tooLarge) && findsShareInClear(args)) ceremony.exposed('somebody');
      return;
    }
    if (findsShareInClear(args, [run.state.progress.planHash])) ceremony.exposed('somebody');
    if (
      !tally.count(
        'unknown signals',
        MOST_TOLD,
        (count) => `${count} signals had a name that no vault-dr knows: find out who sends them`,
      )
    )
      return;
    warn('unknown signal', { name });
    journal.record('unknown signal', 'failure', 'unknown', { name, known: Object.values(MESSAGE) });
  });

  function isFirstTooLarge(kind: string, reason: string): boolean {
    const isFirst = tally.count(
      `too large: ${kind}`,
      1,
      (count) => `${kind}: ${count} × a message that is too large was refused; find out who sends them`,
    );
    if (!isFirst) return false;
    warn('signal refused', { name: kind, reason: `it is too large: ${reason}` });
    journal.record('message too large', 'failure', 'unknown', { name: kind, reason });
    return true;
  }

  function take<T>(
    name: string,
    schema: z.ZodType<T>,
    example: string,
    description: string,
    act: (input: T, by: 'update' | 'signal') => Answer | Promise<Answer>,
  ): void {
    setHandler(defineUpdate<Answer, [unknown]>(name), async (raw) => act(parseOrFail(schema, raw, example), 'update'), {
      description,
      // A rejected update leaves nothing in history.
      validator: (raw) => {
        if (exposes(name, raw)) throw ApplicationFailure.nonRetryable(TURNED_AWAY, 'InvalidInput');
        parseOrFail(schema, raw, example);
      },
    });
    setHandler(
      defineSignal<[unknown]>(name),
      async (raw) => {
        const tooLarge = walkMessage(raw);
        if (tooLarge !== null) {
          if (isFirstTooLarge(name, tooLarge) && exposes(name, raw)) ceremony.exposed('somebody');
          return;
        }
        try {
          const answer = await act(parseOrFail(schema, raw, example), 'signal');
          if (!answer.accepted && tally.isAmongFirst(`${name} turned down`, MOST_TOLD)) {
            warn('signal refused', { name, reason: answer.message });
          }
        } catch (error) {
          if (exposes(name, raw)) ceremony.exposed('somebody');
          const reason = (error as Error).message;
          if (
            !tally.count(
              `${name} refused`,
              MOST_TOLD,
              (count) =>
                `${name}: ${count} signals were refused, because what they hold is not right: find out who sends them`,
            )
          )
            return;
          warn('signal refused', { name, reason });
          journal.record(`${name} refused`, 'failure', 'unknown', { reason });
        }
      },
      { description },
    );
  }
}

/** Other messages contain a hash, which looks like a share. */
function exposes(name: string, raw: unknown): boolean {
  return name === MESSAGE.submitShare && findsShareInClear(raw);
}
