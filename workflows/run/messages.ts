import {
  ApplicationFailure,
  defineQuery,
  defineSignal,
  defineUpdate,
  log,
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
import { approve } from './approvals';
import type { Journal } from './journal';
import type { RecoveryRun } from './recovery-run';
import type { ShareCeremony } from './share-ceremony';

/** In the audit trail and the log; Temporal takes a thousand characters. */
const LONGEST_SIGNAL_NAME = 64;

/**
 * Every message exists twice: an update, whose sender gets the answer, and a signal, whose answer goes to the details.
 * A signal that is wrong must not fail the run; an update that is wrong is rejected and leaves nothing in history.
 */
export function handleMessages(run: RecoveryRun, ceremony: ShareCeremony): void {
  setHandler(defineQuery<RecoveryProgress>(PROGRESS_QUERY), () => run.state.progress, {
    description: 'Phases, nodes, approvals, shares and what the run waits for',
  });
  take(MESSAGE.approve, approveInput, '{"approver":"your name","planHash":"…"}', 'Approve the plan', (input) =>
    approve(run.state, run.journal, input),
  );
  take(
    MESSAGE.submitShare,
    submitShareInput,
    '{"holder":"your name","share":"-----BEGIN AGE ENCRYPTED FILE-----…"}',
    'Submit an unseal share, encrypted with age to the recipients of the run',
    (input) => ceremony.submit(input.holder, input.share),
  );
  take(MESSAGE.resume, operatorInput, '{"operator":"your name"}', 'Try parked steps again', (input) =>
    run.decisions.resume(input.operator),
  );
  take(
    MESSAGE.skipNode,
    skipNodeInput,
    '{"operator":"your name","node":"vault-2"}',
    'Go on without a node that is parked, or takes too long to join',
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
  const flood = new Flood(run.journal);
  setDefaultSignalHandler((anyName, ...args) => {
    const name = anyName.slice(0, LONGEST_SIGNAL_NAME);
    const tooLarge = walkMessage(args);
    if (tooLarge !== null) {
      // What may be any name is one kind.
      if (flood.refused('an unknown signal', tooLarge) && findsShareInClear(args)) ceremony.exposed('somebody');
      return;
    }
    log.warn('unknown signal', { name });
    run.journal.record('unknown signal', 'failure', 'unknown', { name, known: Object.values(MESSAGE) });
    if (findsShareInClear(args, [run.state.progress.planHash])) ceremony.exposed('somebody');
  });

  function take<T>(
    name: string,
    schema: z.ZodType<T>,
    example: string,
    description: string,
    act: (input: T) => Answer | Promise<Answer>,
  ): void {
    setHandler(defineUpdate<Answer, [unknown]>(name), async (raw) => act(parseOrFail(schema, raw, example)), {
      description,
      // What is rejected here leaves nothing in history.
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
          if (flood.refused(name, tooLarge) && exposes(name, raw)) ceremony.exposed('somebody');
          return;
        }
        try {
          const answer = await act(parseOrFail(schema, raw, example));
          if (!answer.accepted) log.warn('signal refused', { name, reason: answer.message });
        } catch (error) {
          log.warn('signal refused', { name, reason: (error as Error).message });
          run.journal.record(`${name} refused`, 'failure', 'unknown', { reason: (error as Error).message });
          if (exposes(name, raw)) ceremony.exposed('somebody');
        }
      },
      { description },
    );
  }
}

/** Counts signals that are too large to be looked at: each kind is written down once, or whoever sends them fills history. */
class Flood {
  readonly #counts = new Map<string, number>();

  constructor(private readonly journal: Journal) {}

  /** @returns whether it is the first one of its kind. */
  refused(kind: string, reason: string): boolean {
    const before = this.#counts.get(kind) ?? 0;
    this.#counts.set(kind, before + 1);
    const { warnings } = this.journal;
    const line = (count: number) =>
      `${kind}: ${count} × a message that is too large was refused; find out who sends them`;
    const known = warnings.indexOf(line(before));
    if (known >= 0) {
      warnings[known] = line(before + 1);
      return false;
    }
    log.warn('signal refused', { name: kind, reason: `it is too large: ${reason}` });
    warnings.push(line(1));
    this.journal.record('message too large', 'failure', 'unknown', { name: kind, reason });
    return true;
  }
}

/** Other messages hold a hash, which looks like a share. */
function exposes(name: string, raw: unknown): boolean {
  return name === MESSAGE.submitShare && findsShareInClear(raw);
}
