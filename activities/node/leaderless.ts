import type { FailedTry } from '../../src/contract/retry-notice';
import { boundedProblem } from '../../src/contract/retry-notice';
import type { VaultClient } from '../../src/vault/client';
import type { NodeHost } from './context';
import { knownFromLog } from './known-from-log';

/** An election takes nine seconds with Vault's default settings (measured). */
const WORTH_A_WORD_MS = 10_000;
/** A Vault that fails whenever it becomes active names itself as the leader for moments. */
const IS_OVER_AFTER_MS = 5_000;

/** Finds out why an unsealed Vault has no leader: only its log says so, and only its own host can read that. */
export class Leaderless {
  #since: number | null = null;
  #lastSeen = 0;
  #why: FailedTry | null = null;
  #askedAt = 0;

  constructor(private readonly host: Pick<NodeHost, 'node' | 'driver'>) {}

  /** @returns what it waits for; null if it has a leader, or nothing is known yet */
  async look(vault: Pick<VaultClient, 'leader'>, now = Date.now()): Promise<FailedTry | null> {
    const { isSelf, leaderAddress } = await vault.leader();
    if (!isSelf && (!leaderAddress || this.#isOwn(leaderAddress))) {
      this.#since ??= now;
      this.#lastSeen = now;
    }
    if (this.#since === null || now - this.#lastSeen > IS_OVER_AFTER_MS) {
      this.#since = null;
      this.#why = null;
      return null;
    }
    if (now - this.#since < WORTH_A_WORD_MS) return null;
    if (now - this.#askedAt >= WORTH_A_WORD_MS) {
      this.#askedAt = now;
      this.#why = await this.#ask(new Date(this.#since));
    }
    return this.#why;
  }

  /** A node that tries to lead, and fails, is named as the leader, too. */
  #isOwn(address: string): boolean {
    return URL.canParse(address) && new URL(address).origin === new URL(this.host.node.address).origin;
  }

  async #ask(since: Date): Promise<FailedTry | null> {
    const { name } = this.host.node;
    const known = await knownFromLog(this.host.driver, since);
    if (known === null) return null;
    const problem = `${name} is unsealed and has no leader. Vault's log says: ${known.means}`;
    return { ...boundedProblem({ code: 'NotYet', problem, advice: known.advice }), tries: 1 };
  }
}
