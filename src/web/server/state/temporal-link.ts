import { Client } from '@temporalio/client';
import { openProbe, target, type TemporalOptions } from '../../../temporal/connect-temporal';

/** A profile may name files that are renewed. */
const LONGEST_MS = 10 * 60_000;
/** Of what is still asked. */
const CLOSING_MS = 60_000;
/** Also what asks several times, such as for a list and for a result. */
const ANSWER_WITHIN_MS = 6_000;

/** Temporal, whether it is there or not: it comes back by itself. */
export class TemporalLink {
  #client: { client: Client; since: number } | null = null;

  constructor(private readonly options: TemporalOptions) {}

  get namespace(): string {
    return this.client().options.namespace;
  }

  /** Connects when it is first asked. @throws DrError InvalidConfiguration */
  client(): Client {
    const now = Date.now();
    if (this.#client !== null && now - this.#client.since < LONGEST_MS) return this.#client.client;
    const old = this.#client?.client;
    if (old) setTimeout(() => void old.connection.close(), CLOSING_MS).unref();
    const place = target(this.options);
    const client = new Client({ connection: openProbe(place), namespace: place.namespace });
    this.#client = { client, since: now };
    return client;
  }

  /** @throws what the work throws; DrError TemporalUnreachable after a few seconds */
  async ask<T>(work: (client: Client) => Promise<T>, milliseconds = ANSWER_WITHIN_MS): Promise<T> {
    const client = this.client();
    return client.withDeadline(Date.now() + milliseconds, () => work(client));
  }

  async close(): Promise<void> {
    await this.#client?.client.connection.close();
    this.#client = null;
  }
}
