import {
  ApplicationFailure,
  defineSignal,
  defineUpdate,
  setDefaultSignalHandler,
  setHandler,
} from '@temporalio/workflow';
import type { z } from 'zod';
import { submitShareInput } from '../../src/contract/input';
import { walkMessage } from '../../src/contract/message-bounds';
import { MESSAGE } from '../../src/contract/names';
import { findsShareInClear, TURNED_AWAY } from '../../src/contract/share';
import type { Answer } from '../../src/contract/update-answers';
import { type Journal, warn } from './journal';
import { parseOrFail } from './problems';
import type { ShareCeremony } from './share-ceremony';

/** For the audit trail and the log; Temporal allows a thousand characters. */
const LONGEST_SIGNAL_NAME = 64;
/** Problems of one kind that are recorded; the rest is counted. */
const MOST_TOLD = 20;

/**
 * What people send to a run. Every message exists as an update, whose sender gets an answer, and as a signal, whose answer is
 * shown in the run's details. A bad signal must not fail the run; a bad update is rejected and leaves nothing in history.
 */
export class Incoming {
  constructor(
    private readonly journal: Journal,
    private readonly ceremony: ShareCeremony,
  ) {}

  takeShares(): void {
    this.take(
      MESSAGE.submitShare,
      submitShareInput,
      '{"holder":"your name","share":"-----BEGIN AGE ENCRYPTED FILE-----…"}',
      'Submit an unseal share, encrypted with age to the recipients of the run',
      (input, by) => this.ceremony.submit(input.holder, input.share, by, input.identity),
    );
  }

  take<T>(
    name: string,
    schema: z.ZodType<T>,
    example: string,
    description: string,
    act: (input: T, by: 'update' | 'signal') => Answer | Promise<Answer>,
  ): void {
    const { journal, ceremony } = this;
    const { tally } = journal;
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
          if (this.#isFirstTooLarge(name, tooLarge) && exposes(name, raw)) ceremony.exposed('somebody');
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

  /** @param known messages, and values that look like a share and are none */
  refuseOthers(known: readonly string[], harmless: () => readonly (string | null)[]): void {
    const { journal, ceremony } = this;
    const { tally } = journal;
    setDefaultSignalHandler((anyName, ...args) => {
      const name = anyName.slice(0, LONGEST_SIGNAL_NAME);
      const tooLarge = walkMessage(args);
      if (tooLarge !== null) {
        // Unknown names count as one kind, because senders can invent any number of them.
        if (this.#isFirstTooLarge('an unknown signal', tooLarge) && findsShareInClear(args))
          ceremony.exposed('somebody');
        return;
      }
      if (findsShareInClear(args, harmless())) ceremony.exposed('somebody');
      if (
        !tally.count(
          'unknown signals',
          MOST_TOLD,
          (count) => `${count} signals had a name that no vault-dr knows: find out who sends them`,
        )
      )
        return;
      warn('unknown signal', { name });
      journal.record('unknown signal', 'failure', 'unknown', { name, known });
    });
  }

  #isFirstTooLarge(kind: string, reason: string): boolean {
    const isFirst = this.journal.tally.count(
      `too large: ${kind}`,
      1,
      (count) => `${kind}: ${count} × a message that is too large was refused; find out who sends them`,
    );
    if (!isFirst) return false;
    warn('signal refused', { name: kind, reason: `it is too large: ${reason}` });
    this.journal.record('message too large', 'failure', 'unknown', { name: kind, reason });
    return true;
  }
}

/** Other messages contain a hash, which looks like a share. */
function exposes(name: string, raw: unknown): boolean {
  return name === MESSAGE.submitShare && findsShareInClear(raw);
}
