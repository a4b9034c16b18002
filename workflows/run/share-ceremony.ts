import { isCancellation } from '@temporalio/workflow';
import type { Identity } from '../../src/contract/input';
import type { ShareVerdict } from '../../src/contract/recovery';
import { checkEnvelope } from '../../src/contract/share';
import { type Answer, no, yes } from '../../src/contract/update-answers';
import { asserted, type Journal } from './journal';
import { problemOf } from './problems';
import type { ShareSets, ShareTaker } from './share-sets';
import { Turn } from './turn';
import { notice } from '../../src/contract/notice';

/** More than a cluster has key holders; the rest is counted. */
const MOST_TOLD = 30;

/**
 * Takes the key holders' shares, as ciphertext. Each holder submits once; the same shares serve every node, however
 * often it has to be unsealed.
 */
export class ShareCeremony {
  readonly #turn = new Turn();

  constructor(
    private readonly state: ShareTaker & { readonly phaseName: string },
    private readonly journal: Journal,
    private readonly sets: ShareSets,
    private readonly identities: { checkShare(envelope: string): Promise<ShareVerdict> },
  ) {}

  /** One at a time, so that a share that is sent twice at once counts once. */
  submit(holder: string, envelope: string, by: 'update' | 'signal', who?: Identity): Promise<Answer> {
    if (this.#turn.hasRoomFor(by)) return this.#turn.take(() => this.#take(holder, envelope, who));
    const { tally } = this.journal;
    tally.count(
      'shares not looked at',
      1,
      (count) =>
        `${count} shares came by signal while too many others did, and were not looked at: whoever sent one by signal sends it again, with vault-dr unseal`,
    );
    return Promise.resolve(no('Too many shares come by signal just now; it was not looked at. Send it again.'));
  }

  async #take(holder: string, envelope: string, who: Identity | undefined): Promise<Answer> {
    const { shares } = this.state.progress;
    const verdict = checkEnvelope(envelope);
    if (!verdict.ok) return this.#refuse(holder, verdict.reason, verdict.exposed, who);
    if (!this.sets.areTaken || shares === null) {
      const when = shares === null ? 'not yet: wait until the run asks for them' : 'any more: this came too late';
      return this.#refuse(
        holder,
        notice(
          'share-not-taken',
          `No shares are taken in the phase '${this.state.phaseName}', or ${when}. It was not used.`,
        ),
        false,
        who,
      );
    }
    if (this.sets.haveOpened) return yes('The vault is open; your share was not needed.');

    let seen: ShareVerdict;
    try {
      seen = await this.identities.checkShare(envelope);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { problem } = problemOf(error, 'checking a share');
      return no(
        notice(
          'share-not-checked',
          `The share could not be checked, and was not used: ${problem} Send it again when the agent is back.`,
        ),
      );
    }
    if (!seen.accepted || seen.fingerprint === null) {
      return this.#refuse(holder, seen.reason ?? 'It was refused.', false, who);
    }
    const twin = this.sets.withFingerprint(seen.fingerprint);
    if (twin) {
      const reason = notice('share-submitted-before', `${twin.holder} has already submitted this share.`);
      return this.#refuse(holder, reason, false, who);
    }

    this.sets.add({ holder, at: new Date().toISOString(), fingerprint: seen.fingerprint, envelope }, who);
    return yes(`Accepted ${shares.accepted.length} of ${shares.required}.`);
  }

  #refuse(holder: string, reason: string, exposed: boolean, who: Identity | undefined): Answer {
    if (exposed) this.exposed(holder);
    const told = this.journal.tally.count(
      'shares refused',
      MOST_TOLD,
      (count) => `${count} shares were refused: find out who sends them`,
    );
    if (!told) return no(reason);
    this.state.progress.shares?.refused.push({ holder, at: new Date().toISOString(), reason });
    if (!exposed) this.journal.record('share refused', 'failure', holder, { reason, ...asserted(who) });
    this.sets.show();
    return no(reason);
  }

  /** A share sent in clear stays in the run's history. */
  exposed(holder: string): void {
    const isTold = this.journal.tally.count('shares exposed', MOST_TOLD, (count) =>
      notice('share-exposed', `${count} unseal shares were sent in clear text: treat all shares as exposed, and rekey`),
    );
    if (!isTold) return;
    const warning = notice(
      'share-exposed',
      `${holder} sent an unseal share in clear text: treat it as exposed, and rekey.`,
    );
    this.journal.warnings.push(warning);
    this.journal.notify('share exposed', warning);
    this.journal.record('share exposed', 'failure', holder, {});
  }
}
