import type { Readable, Writable } from 'node:stream';
import { DrError } from '../contract/failures';
import { boundedLines } from './lines';
import { type HostRequest, lineOf, parseToHost, type ToController, type ToHost } from './messages';

/** The controller says every second that it is there. */
const LOST_AFTER_MS = 15_000;

type Answer = Extract<ToHost, { to: number }>;

/** The host's end of a connection: standard input and output of the step. */
export class HostChannel {
  readonly #lost = new AbortController();
  readonly #cancelled = new AbortController();
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #questions = 0;
  #heardAt = Date.now();
  #onRequest: ((request: HostRequest) => void) | null = null;

  /** @param lostAfterMs time in which nothing comes from the controller */
  constructor(
    input: Readable,
    private readonly output: Writable,
    lostAfterMs = LOST_AFTER_MS,
  ) {
    // Nobody reads any more: the end of the input says so, too.
    output.on('error', () => this.#lost.abort());
    const timer = setInterval(() => {
      if (Date.now() - this.#heardAt > lostAfterMs) this.#lost.abort();
    }, 500);
    timer.unref();
    this.#lost.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
    this.#read(input).then(
      () => this.#lost.abort(),
      () => this.#lost.abort(),
    );
  }

  /** Aborts when the controller is gone, or can't be understood. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Aborts when Temporal has cancelled the step. */
  get cancelled(): AbortSignal {
    return this.#cancelled.signal;
  }

  /** @throws DrError Aborted if the controller goes away before it has said what it wants */
  request(): Promise<HostRequest> {
    return new Promise((resolve, reject) => {
      this.#onRequest = resolve;
      const fail = () => reject(new DrError('Aborted', 'The controller requested nothing.'));
      if (this.lost.aborted) fail();
      else this.lost.addEventListener('abort', fail, { once: true });
    });
  }

  send(message: ToController): void {
    if (!this.lost.aborted) this.output.write(lineOf(message));
  }

  async confirmAttempt(): Promise<{ startedAt: string }> {
    const answer = await this.#ask((id) => ({ type: 'ask-attempt', id }));
    if (answer.type !== 'attempt') throw refused(answer);
    return { startedAt: answer.startedAt };
  }

  async isOver(run: string): Promise<boolean> {
    const answer = await this.#ask((id) => ({ type: 'ask-run', id, run }));
    if (answer.type !== 'run') throw refused(answer);
    return answer.isOver;
  }

  #ask(questionOf: (id: number) => ToController): Promise<Answer> {
    const id = ++this.#questions;
    return new Promise((resolve, reject) => {
      const fail = () => reject(new DrError('TemporalUnreachable', 'The controller went away before it answered.'));
      this.lost.addEventListener('abort', fail, { once: true });
      this.#waiting.set(id, (answer) => {
        this.lost.removeEventListener('abort', fail);
        resolve(answer);
      });
      if (this.lost.aborted) fail();
      else this.send(questionOf(id));
    });
  }

  async #read(input: Readable): Promise<void> {
    for await (const line of boundedLines(input)) {
      this.#heardAt = Date.now();
      const message = parseToHost(line);
      if (message === null) return;
      if ('to' in message) {
        this.#waiting.get(message.to)?.(message);
        this.#waiting.delete(message.to);
      } else if (message.type === 'cancel') this.#cancelled.abort();
      else if (message.type !== 'alive') {
        this.#onRequest?.(message);
        this.#onRequest = null;
      }
    }
  }
}

/** The controller's own failure, or an answer to something else. */
function refused(answer: Answer): DrError {
  if (answer.type !== 'unanswered') return new DrError('Internal', 'The controller answered another question.');
  const { code, message, retryable, advice, where } = answer.failure;
  return new DrError(code, message, {
    retryable,
    ...(advice === null ? {} : { advice }),
    ...(where === null ? {} : { where }),
  });
}
