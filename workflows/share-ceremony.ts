import { isCancellation } from '@temporalio/workflow';
import { judgeEnvelope } from '../src/contract/share';
import type { ShareVerdict } from '../src/contract/restore';
import type { Answer } from '../src/contract/update-answers';
import { problemOf } from './failures';
import { no, type RestoreRun, yes } from './restore-run';

interface AcceptedShare {
  holder: string;
  at: string;
  fingerprint: string;
  envelope: string;
}

/** Collects the key holders' shares, as ciphertext. Each holder submits once; the same shares serve every node. */
export class ShareCeremony {
  #accepted: AcceptedShare[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #open = false;

  constructor(
    private readonly run: RestoreRun,
    /** Has an agent look into the envelope. */
    private readonly check: (envelope: string) => Promise<ShareVerdict>,
  ) {}

  /** From now on shares are taken; holders need not wait for the nodes. */
  open(required: number): void {
    this.#open = true;
    this.run.progress.shares = { required, accepted: [], refused: [] };
    this.run.show();
  }

  close(): void {
    this.#open = false;
    this.#accepted = [];
  }

  get complete(): boolean {
    return this.#accepted.length >= (this.run.progress.shares?.required ?? Infinity);
  }

  get envelopes(): string[] {
    return this.#accepted.map((share) => share.envelope);
  }

  /** Starts over with no share; the holders are asked again. */
  reset(reason: string): void {
    const shares = this.run.progress.shares;
    if (!shares) return;
    const at = new Date().toISOString();
    shares.refused.push(...this.#accepted.map(({ holder }) => ({ holder, at, reason })));
    this.run.record('shares reset', 'failure', 'vault-dr', {
      reason,
      holders: this.#accepted.map((item) => item.holder),
    });
    this.#accepted = [];
    shares.accepted = [];
    this.run.show();
  }

  /** One at a time: the same share sent twice at once counts once. */
  submit(holder: string, envelope: string): Promise<Answer> {
    const answer = this.#turn.then(() => this.#judge(holder, envelope));
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async #judge(holder: string, envelope: string): Promise<Answer> {
    const { shares } = this.run.progress;
    if (!this.#open || shares === null) {
      const { phase } = this.run.progress;
      return no(`No shares are taken in the phase '${phase}'. It was not used; wait until the run asks for it.`);
    }
    const verdict = judgeEnvelope(envelope);
    if (!verdict.ok) return this.#refuse(holder, verdict.reason, verdict.exposed);
    if (this.complete)
      return yes(`Enough shares are here (${shares.required} of ${shares.required}); yours was not needed.`);

    let seen: ShareVerdict;
    try {
      seen = await this.check(envelope);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { problem } = problemOf(error, 'checking a share');
      return no(`The share could not be checked, and was not used: ${problem} Send it again when the agent is back.`);
    }
    if (!seen.accepted || seen.fingerprint === null)
      return this.#refuse(holder, seen.reason ?? 'It was refused.', false);
    const twin = this.#accepted.find((share) => share.fingerprint === seen.fingerprint);
    if (twin) return this.#refuse(holder, `${twin.holder} has submitted this very share already.`, false);

    const at = new Date().toISOString();
    this.#accepted.push({ holder, at, fingerprint: seen.fingerprint, envelope });
    shares.accepted.push({ holder, at });
    this.run.record('share accepted', 'success', holder, {
      accepted: shares.accepted.length,
      required: shares.required,
    });
    this.run.show();
    return yes(`Accepted ${shares.accepted.length} of ${shares.required}.`);
  }

  #refuse(holder: string, reason: string, exposed: boolean): Answer {
    this.run.progress.shares?.refused.push({ holder, at: new Date().toISOString(), reason });
    if (exposed) this.run.warnings.push(`${holder} sent an unseal share in clear: treat it as exposed, and rekey.`);
    this.run.record(exposed ? 'share exposed' : 'share refused', 'failure', holder, { reason });
    this.run.show();
    return no(reason);
  }
}
