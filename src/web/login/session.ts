import { randomBytes } from 'node:crypto';
import type { Principal } from './principal';
import type { Seal } from './seal';

/** What the browser of somebody who is logged in keeps, sealed. */
export interface Session {
  /** Of its own for each login. */
  id: string;
  principal: Principal;
}

const PURPOSE = 'session';
const ID_BYTES = 16;
/** More have never logged out within the life of a session. */
const MOST_ENDED = 100_000;

/**
 * Sessions that only the browsers keep. The server remembers those that were logged out until they would have ended, so that a
 * copied cookie is of no use after it; a second server, or one that was restarted, does not know of it.
 */
export class Sessions {
  readonly #ended = new Map<string, number>();

  constructor(
    private readonly seal: Seal,
    private readonly minutes: number,
  ) {}

  get seconds(): number {
    return this.minutes * 60;
  }

  /** Never with an id that a browser has sent: what was set in it before the login is worth nothing afterwards. */
  begin(principal: Principal, now = Date.now()): string {
    const session: Session = { id: randomBytes(ID_BYTES).toString('base64url'), principal };
    return this.seal.seal(PURPOSE, session, now + this.seconds * 1_000);
  }

  of(cookie: string | undefined, now = Date.now()): Session | null {
    const session = this.seal.open<Session>(PURPOSE, cookie, now);
    return session === null || this.#ended.has(session.id) ? null : session;
  }

  end({ id }: Session, now = Date.now()): void {
    for (const [other, until] of this.#ended) if (until <= now) this.#ended.delete(other);
    if (this.#ended.size >= MOST_ENDED) this.#ended.clear();
    this.#ended.set(id, now + this.seconds * 1_000);
  }
}
