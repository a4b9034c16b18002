import { upsertSearchAttributes } from '@temporalio/workflow';
import { combinations, inEvery } from '../../src/contract/combinations';
import { asserted, type Journal } from './journal';
import type { Identity } from '../../src/contract/input';
import type { ShareProgress } from '../../src/contract/recovery';
import type { ShareOutcome } from '../../src/contract/share-outcome';
import { SHARES_ATTRIBUTE } from './search-attributes';
import { notice } from '../../src/contract/notice';

export interface AcceptedShare {
  holder: string;
  at: string;
  fingerprint: string;
  envelope: string;
}

/** Of a run that takes shares. */
export interface ShareTaker {
  readonly progress: { shares: ShareProgress | null };
  /** Shows people how far it is. */
  show(): void;
}

/** Ciphertext; a set is a list of positions. */
export interface HandedShares {
  open: boolean;
  accepted: AcceptedShare[];
  failedSets: number[][];
  opening: number[] | null;
}

/**
 * The submitted shares, as ciphertext, and which sets of them have been tried. Nothing tells which share of a failed
 * set is wrong, so other sets are tried as more shares arrive.
 */
export class ShareSets {
  #accepted: AcceptedShare[] = [];
  #failedSets: AcceptedShare[][] = [];
  #opening: AcceptedShare[] | null = null;
  #open = false;

  constructor(
    private readonly state: ShareTaker,
    private readonly journal: Journal,
    handed?: HandedShares,
  ) {
    if (!handed) return;
    const { open, accepted, failedSets, opening } = handed;
    const setOf = (positions: number[]) => accepted.filter((_share, position) => positions.includes(position));
    this.#open = open;
    this.#accepted = accepted;
    this.#failedSets = failedSets.map(setOf);
    this.#opening = opening && setOf(opening);
  }

  handOver(): HandedShares {
    const positionsOf = (set: AcceptedShare[]) => set.map((share) => this.#accepted.indexOf(share));
    return {
      open: this.#open,
      accepted: this.#accepted,
      failedSets: this.#failedSets.map(positionsOf),
      opening: this.#opening && positionsOf(this.#opening),
    };
  }

  /** From here on shares are accepted; holders need not wait for the nodes. */
  open(required: number): void {
    // A new plan keeps the shares that were submitted.
    if (this.#open) return this.require(required);
    this.#open = true;
    this.state.progress.shares = { required, accepted: [], refused: [], problem: null };
    this.show();
  }

  /** Sets a threshold that differs from the announced one. */
  require(threshold: number): void {
    const { shares } = this.state.progress;
    if (shares === null || !this.#open) return this.open(threshold);
    if (threshold !== shares.required) {
      // Possibly all shares are others: results of sets of another size mean nothing.
      this.#opening = null;
      this.#failedSets = [];
    }
    shares.required = threshold;
    this.show();
  }

  /** Takes no more, and keeps those that came. */
  hold(): void {
    this.#open = false;
  }

  close(): void {
    this.#open = false;
    this.#accepted = [];
    this.#failedSets = [];
    this.#opening = null;
  }

  get areTaken(): boolean {
    return this.#open;
  }

  /** Whether a set is known to unseal Vault. */
  get haveOpened(): boolean {
    return this.#opening !== null;
  }

  /** The set that unsealed a node, or the next untried one; null if more shares are needed. */
  get next(): string[] | null {
    const set = this.#opening ?? this.#untried();
    return set === null ? null : set.map((share) => share.envelope);
  }

  /** All envelopes, for an agent to re-encrypt. */
  get envelopes(): string[] {
    return this.#accepted.map((share) => share.envelope);
  }

  /** All of them, with those who submitted them. */
  get submitted(): { holder: string; share: string }[] {
    return this.#accepted.map(({ holder, envelope }) => ({ holder, share: envelope }));
  }

  /** Replaces envelopes by ones of the same shares for other recipients. */
  replaceEnvelopes(envelopes: string[]): void {
    this.#accepted.forEach((share, index) => (share.envelope = envelopes[index] ?? share.envelope));
  }

  withFingerprint(fingerprint: string): AcceptedShare | undefined {
    return this.#accepted.find((share) => share.fingerprint === fingerprint);
  }

  add(share: AcceptedShare, who?: Identity): void {
    const { shares } = this.state.progress;
    if (shares === null) return;
    this.#accepted.push(share);
    shares.accepted.push({ holder: share.holder, at: share.at });
    this.journal.record('share accepted', 'success', share.holder, {
      accepted: shares.accepted.length,
      required: shares.required,
      ...asserted(who),
    });
    this.#say(this.#untried() === null ? shares.problem : null);
  }

  opened(envelopes: readonly string[]): void {
    if (this.#opening !== null) return;
    const opening = this.#accepted.filter((share) => envelopes.includes(share.envelope));
    // If only one share of a failed set was not in the one that worked, it was the wrong one.
    const wrong = this.#failedSets.flatMap((set) => {
      const strangers = set.filter((share) => !opening.includes(share));
      return strangers.length === 1 ? strangers.map((share) => share.holder) : [];
    });
    this.#settle(opening, wrong);
  }

  /** What a sandbox has found out of each share, in the order of the envelopes: some of them have opened it. */
  judged(envelopes: readonly string[], outcomes: readonly ShareOutcome[]): void {
    const those = (outcome: ShareOutcome) =>
      this.#accepted.filter(({ envelope }) => outcomes[envelopes.indexOf(envelope)] === outcome);
    this.#settle(
      those('right'),
      those('wrong').map(({ holder }) => holder),
    );
  }

  #settle(opening: AcceptedShare[], wrong: string[]): void {
    this.#opening = opening;
    if (wrong.length > 0) {
      const names = [...new Set(wrong)].join(', ');
      this.journal.warnings.push(
        notice('share-of-another-vault', `the share of ${names} does not belong to this Vault`),
      );
      this.journal.record('wrong share found', 'failure', 'vault-dr', { holders: names });
    }
    this.#say(null);
  }

  didNotOpen(envelopes: readonly string[], reason: string): void {
    const set = this.#accepted.filter((share) => envelopes.includes(share.envelope));
    this.#opening = null;
    this.#failedSets.push(set);
    const holders = set.map((share) => share.holder);
    const suspects = inEvery(this.#failedSets.map((failed) => failed.map((share) => share.holder)));
    this.journal.record('shares do not open', 'failure', 'vault-dr', { holders, suspects, reason });
    if (this.#untried() !== null)
      return this.#say(`The shares of ${holders.join(', ')} do not unseal Vault; trying others.`);
    const suspicion = suspects.length === 0 ? '' : ` In every set that failed: ${suspects.join(', ')}.`;
    this.#say(
      notice(
        'shares-do-not-open',
        `The shares of ${holders.join(', ')} together do not unseal Vault, so at least one is wrong ` +
          `(of another cluster, or from before a rekey).${suspicion} One more share is needed: from somebody else, or the corrected one.`,
      ),
    );
  }

  /** Discards all shares; the holders are asked again. */
  reset(reason: string): void {
    this.journal.record('shares reset', 'failure', 'vault-dr', {
      reason,
      holders: this.#accepted.map((item) => item.holder),
    });
    this.#accepted = [];
    this.#failedSets = [];
    this.#opening = null;
    if (this.state.progress.shares) this.state.progress.shares.accepted = [];
    this.#say(`Every key holder must submit the share again: ${reason}.`);
  }

  #untried(): AcceptedShare[] | null {
    const required = this.state.progress.shares?.required ?? Infinity;
    if (this.#accepted.length < required) return null;
    for (const set of combinations(this.#accepted, required)) {
      if (!this.#failedSets.some((failed) => set.every((share) => failed.includes(share)))) return set;
    }
    return null;
  }

  #say(problem: string | null): void {
    if (this.state.progress.shares) this.state.progress.shares.problem = problem;
    this.show();
  }

  show(): void {
    const { shares } = this.state.progress;
    if (shares) {
      const value = `${shares.accepted.length} of ${shares.required}`;
      upsertSearchAttributes([{ key: SHARES_ATTRIBUTE, value }]);
    }
    this.state.show();
  }
}
