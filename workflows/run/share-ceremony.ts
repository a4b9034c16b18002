import { isCancellation, upsertSearchAttributes } from '@temporalio/workflow';
import { combinations, inEvery } from '../../src/contract/combinations';
import { checkEnvelope } from '../../src/contract/share';
import type { ShareVerdict } from '../../src/contract/recovery';
import type { Answer } from '../../src/contract/update-answers';
import { problemOf } from './problems';
import { no, type RecoveryRun, yes } from './recovery-run';
import { SHARES_ATTRIBUTE } from './search-attributes';

interface AcceptedShare {
  holder: string;
  at: string;
  fingerprint: string;
  envelope: string;
}

/**
 * Collects the key holders' shares, as ciphertext. Each holder submits once; the same shares serve every node, however often
 * one has to be unsealed. Which share of a set is wrong can't be seen, so other sets are tried as more shares come.
 */
export class ShareCeremony {
  #accepted: AcceptedShare[] = [];
  #failedSets: AcceptedShare[][] = [];
  #opening: AcceptedShare[] | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #open = false;

  constructor(
    private readonly run: RecoveryRun,
    /** Has an agent look into the envelope. */
    private readonly check: (envelope: string) => Promise<ShareVerdict>,
  ) {}

  /** From now on shares are taken; holders need not wait for the nodes. */
  open(required: number): void {
    // A plan that is made anew costs nobody a second submission.
    if (this.#open) return this.require(required);
    this.#open = true;
    this.run.progress.shares = { required, accepted: [], refused: [], problem: null };
    this.#show();
  }

  /** Another threshold than the one that was announced. */
  require(threshold: number): void {
    const { shares } = this.run.progress;
    if (shares === null || !this.#open) return this.open(threshold);
    if (threshold !== shares.required) {
      // Other shares, perhaps all of them: what is known of sets of another size says nothing.
      this.#opening = null;
      this.#failedSets = [];
    }
    shares.required = threshold;
    this.#show();
  }

  close(): void {
    this.#open = false;
    this.#accepted = [];
    this.#failedSets = [];
    this.#opening = null;
  }

  /** The set that has opened a node, or the next one that has not been tried; null when more shares are needed. */
  get nextSet(): string[] | null {
    const set = this.#opening ?? this.#untried();
    return set === null ? null : set.map((share) => share.envelope);
  }

  /** Every envelope there is, for an agent to encrypt anew. */
  get envelopes(): string[] {
    return this.#accepted.map((share) => share.envelope);
  }

  /** Puts envelopes of the same shares, encrypted to other recipients, in the place of those there were. */
  replaceEnvelopes(envelopes: string[]): void {
    this.#accepted.forEach((share, index) => (share.envelope = envelopes[index] ?? share.envelope));
  }

  opened(envelopes: readonly string[]): void {
    if (this.#opening !== null) return;
    this.#opening = this.#accepted.filter((share) => envelopes.includes(share.envelope));
    const opening = this.#opening;
    // A failed set with a single stranger in it shows who was wrong.
    const wrong = this.#failedSets.flatMap((set) => {
      const strangers = set.filter((share) => !opening.includes(share));
      return strangers.length === 1 ? strangers.map((share) => share.holder) : [];
    });
    if (wrong.length > 0) {
      const names = [...new Set(wrong)].join(', ');
      this.run.warnings.push(`the share of ${names} does not belong to this vault`);
      this.run.record('wrong share found', 'failure', 'vault-dr', { holders: names });
    }
    this.#say(null);
  }

  didNotOpen(envelopes: readonly string[], reason: string): void {
    const set = this.#accepted.filter((share) => envelopes.includes(share.envelope));
    this.#opening = null;
    this.#failedSets.push(set);
    const holders = set.map((share) => share.holder);
    const suspects = inEvery(this.#failedSets.map((failed) => failed.map((share) => share.holder)));
    this.run.record('shares do not open', 'failure', 'vault-dr', { holders, suspects, reason });
    if (this.#untried() !== null)
      return this.#say(`The shares of ${holders.join(', ')} do not open the vault; trying others.`);
    const suspicion = suspects.length === 0 ? '' : ` In every set that failed: ${suspects.join(', ')}.`;
    this.#say(
      `The shares of ${holders.join(', ')} together do not open the vault, so at least one is wrong ` +
        `(of another cluster, or from before a rekey).${suspicion} One more share is needed, from somebody else or corrected.`,
    );
  }

  /** Starts over with no share; the holders are asked again. */
  reset(reason: string): void {
    this.run.record('shares reset', 'failure', 'vault-dr', {
      reason,
      holders: this.#accepted.map((item) => item.holder),
    });
    this.#accepted = [];
    this.#failedSets = [];
    this.#opening = null;
    if (this.run.progress.shares) this.run.progress.shares.accepted = [];
    this.#say(`Everybody's share is needed once more: ${reason}.`);
  }

  /** One at a time: the same share sent twice at once counts once. */
  submit(holder: string, envelope: string): Promise<Answer> {
    const answer = this.#turn.then(() => this.#evaluate(holder, envelope));
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async #evaluate(holder: string, envelope: string): Promise<Answer> {
    const { shares, phase } = this.run.progress;
    const verdict = checkEnvelope(envelope);
    if (!verdict.ok) return this.#refuse(holder, verdict.reason, verdict.exposed);
    if (!this.#open || shares === null) {
      const when = shares === null ? 'not yet: wait until the run asks for them' : 'any more: this came too late';
      return this.#refuse(holder, `No shares are taken in the phase '${phase}', or ${when}. It was not used.`, false);
    }
    if (this.#opening !== null) return yes('The vault is open; your share was not needed.');

    let seen: ShareVerdict;
    try {
      seen = await this.check(envelope);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { problem } = problemOf(error, 'checking a share');
      return no(`The share could not be checked, and was not used: ${problem} Send it again when the agent is back.`);
    }
    if (!seen.accepted || seen.fingerprint === null) {
      return this.#refuse(holder, seen.reason ?? 'It was refused.', false);
    }
    const twin = this.#accepted.find((share) => share.fingerprint === seen.fingerprint);
    if (twin) return this.#refuse(holder, `${twin.holder} has submitted this very share already.`, false);

    const at = new Date().toISOString();
    this.#accepted.push({ holder, at, fingerprint: seen.fingerprint, envelope });
    shares.accepted.push({ holder, at });
    this.run.record('share accepted', 'success', holder, {
      accepted: shares.accepted.length,
      required: shares.required,
    });
    this.#say(this.#untried() === null ? shares.problem : null);
    return yes(`Accepted ${shares.accepted.length} of ${shares.required}.`);
  }

  #refuse(holder: string, reason: string, exposed: boolean): Answer {
    this.run.progress.shares?.refused.push({ holder, at: new Date().toISOString(), reason });
    if (exposed) this.exposed(holder);
    else this.run.record('share refused', 'failure', holder, { reason });
    this.#show();
    return no(reason);
  }

  /** What was sent in clear is in the run's history for good. */
  exposed(holder: string): void {
    const warning = `${holder} sent an unseal share in clear: treat it as exposed, and rekey.`;
    this.run.warnings.push(warning);
    this.run.notify('share exposed', warning);
    this.run.record('share exposed', 'failure', holder, {});
  }

  #untried(): AcceptedShare[] | null {
    const required = this.run.progress.shares?.required ?? Infinity;
    if (this.#accepted.length < required) return null;
    for (const set of combinations(this.#accepted, required)) {
      if (!this.#failedSets.some((failed) => set.every((share) => failed.includes(share)))) return set;
    }
    return null;
  }

  #say(problem: string | null): void {
    if (this.run.progress.shares) this.run.progress.shares.problem = problem;
    this.#show();
  }

  #show(): void {
    const { shares } = this.run.progress;
    if (shares) {
      const value = `${shares.accepted.length} of ${shares.required}`;
      upsertSearchAttributes([{ key: SHARES_ATTRIBUTE, value }]);
    }
    this.run.show();
  }
}
