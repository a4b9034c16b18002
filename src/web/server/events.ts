import { setTimeout as sleep } from 'node:timers/promises';

export interface EventOptions {
  /** What the page shows now; null ends the stream. */
  next: () => Promise<{ at: string } | null>;
  everyMs: number;
  heartbeatMs: number;
  /** Browsers come back by themselves. */
  longestMs: number;
  /** Of the client, and of the server. */
  signal: AbortSignal;
  onEnd: () => void;
}

/** A client that takes nothing has this much before it, and gets the latest once it does. */
const MOST_UNREAD = 2;

/** Sends a page again whenever what it shows has changed. Nothing is asked once nobody listens. */
export function eventStream(options: EventOptions): ReadableStream<Uint8Array> {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, options.signal]);
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        void send(controller, options, signal).finally(() => {
          options.onEnd();
          if (!gone.signal.aborted) controller.close();
        });
      },
      cancel: () => gone.abort(),
    },
    new CountQueuingStrategy({ highWaterMark: MOST_UNREAD }),
  );
}

async function send(
  controller: ReadableStreamDefaultController<Uint8Array>,
  { next, everyMs, heartbeatMs, longestMs }: EventOptions,
  signal: AbortSignal,
): Promise<void> {
  const write = (text: string) => controller.enqueue(new TextEncoder().encode(text));
  const startedAt = Date.now();
  let [last, sentAt] = ['', startedAt];
  write(`retry: ${everyMs}\n\n`);
  while (!signal.aborted && Date.now() - startedAt < longestMs) {
    const model = await next().catch(() => null);
    if (model === null || signal.aborted) return;
    const free = (controller.desiredSize ?? 0) > 0;
    // When it was gathered is no change.
    const text = JSON.stringify({ ...model, at: '' });
    if (free && text !== last) {
      write(`data: ${JSON.stringify(model)}\n\n`);
      [last, sentAt] = [text, Date.now()];
    } else if (free && Date.now() - sentAt >= heartbeatMs) {
      // Scripts can't see comments.
      write('event: alive\ndata:\n\n');
      sentAt = Date.now();
    } else if (Date.now() - sentAt >= 4 * heartbeatMs) {
      // It has stopped reading.
      return;
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

/** How many streams there are, of one client and of all. */
export class StreamCount {
  readonly #of = new Map<string, number>();
  #all = 0;

  constructor(
    private readonly mostOfOne: number,
    private readonly mostOfAll: number,
  ) {}

  /** @returns what gives the place back; null if there is none */
  take(client: string): (() => void) | null {
    const own = this.#of.get(client) ?? 0;
    if (own >= this.mostOfOne || this.#all >= this.mostOfAll) return null;
    this.#of.set(client, own + 1);
    this.#all += 1;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#all -= 1;
      const left = (this.#of.get(client) ?? 1) - 1;
      if (left === 0) this.#of.delete(client);
      else this.#of.set(client, left);
    };
  }
}
