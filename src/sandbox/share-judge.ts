import { DrError } from '../contract/failures';
import { decodeShare } from '../contract/share';
import type { ShareOutcome } from '../contract/share-outcome';
import { nextSet, outcomesOf, type TriedSet } from '../plan/share-sets';
import type { VaultClient } from '../vault/client';
import { RootTokens } from '../vault/root-token';

/** Of the sets of 5 of 12 shares all; a seal with more, where nearly all are wrong, is not searched to the end. */
const MOST_TRIES = 1_000;

/** Finds out which of some shares are right, by sets of them that a scratch Vault takes or refuses. */
export class ShareJudge {
  #tried: TriedSet[] = [];

  /** @param shares secret. @throws DrError ShareRefused if one is there twice, and would be proved for two holders */
  constructor(
    readonly shares: readonly string[],
    readonly threshold: number,
  ) {
    if (new Set(shares.map((share) => decodeShare(share) ?? share)).size === shares.length) return;
    throw new DrError('ShareRefused', 'The same share was given twice, and Vault counts it once.', {
      advice: 'Each holder submits a share of their own.',
    });
  }

  /** How many sets were tried. */
  get tries(): number {
    return this.#tried.length;
  }

  get outcomes(): ShareOutcome[] {
    return outcomesOf(this.shares.length, this.#tried);
  }

  /** A set that is right, if one is known. */
  get opening(): string[] | null {
    const found = this.#tried.find(({ opens }) => opens);
    return found === undefined ? null : this.#sharesOf(found.set);
  }

  forget(): void {
    this.#tried = [];
  }

  /** Tries sets until one opens. @returns null if none does */
  async findOpening(opens: (set: string[]) => Promise<boolean>): Promise<string[] | null> {
    while (this.opening === null && (await this.#tryNext(opens)));
    return this.opening;
  }

  /** By a Vault that is unsealed. @throws DrError VaultRefused if it makes no root tokens */
  async judgeRest(client: VaultClient): Promise<void> {
    const tokens = new RootTokens(client);
    while (await this.#tryNext((set) => tokens.areMadeBy(set)));
    await tokens.end();
  }

  async #tryNext(opens: (set: string[]) => Promise<boolean>): Promise<boolean> {
    if (this.tries === MOST_TRIES) return false;
    const set = nextSet(this.shares.length, this.threshold, this.#tried);
    if (set === null) return false;
    this.#tried.push({ set, opens: await opens(this.#sharesOf(set)) });
    return true;
  }

  #sharesOf(set: readonly number[]): string[] {
    return set.map((share) => this.shares[share]!);
  }
}
