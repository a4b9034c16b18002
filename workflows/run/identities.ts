import { isCancellation } from '@temporalio/workflow';
import type { ShareVerdict } from '../../src/contract/recovery';
import { approvedPlan } from './approvals';
import { problemOf } from './problems';
import { type RecoveryRun, SKIPPED } from './recovery-run';
import type { ShareSets } from './share-sets';
import type { StepsOn } from './steps';
import { notice } from '../../src/contract/notice';

/** The agents' identities for this run: shares are encrypted to them, and only they can decrypt. */
export class Identities {
  constructor(
    private readonly run: RecoveryRun,
    private readonly sets: ShareSets,
    private readonly steps: StepsOn,
    /** The node whose agent checks envelopes first. */
    private checker = '',
  ) {}

  get checkedBy(): string {
    return this.checker;
  }

  checkBy(node: string): void {
    this.checker = node;
  }

  /** Claims a node for the run and shows its agent's recipient; SKIPPED if people left the node out. */
  async claim(name: string): Promise<void | typeof SKIPPED> {
    const claimed = await this.run.step(`claiming ${name}`, name, () =>
      this.steps(name).claimForRun({ claim: this.run.claim, approved: approvedPlan(this.run.state.progress) }),
    );
    if (claimed === SKIPPED) return SKIPPED;
    if (!claimed.inMemory) {
      this.run.journal.warnings.push(
        `${name}: runtimeDir is not on a memory file system; a copy of the disk may keep the identity`,
      );
    }
    const { progress } = this.run.state;
    progress.recipients = [
      ...progress.recipients.filter((item) => item.node !== name),
      { node: name, recipient: claimed.recipient, signature: claimed.signature },
    ];
    this.run.state.node(name, 'ready');
  }

  /** Asks the first agent that answers: each can decrypt what is encrypted to all of them. */
  async checkShare(envelope: string): Promise<ShareVerdict> {
    const claimed = new Set(this.run.state.progress.recipients.map(({ node }) => node));
    const able = this.run.state.activeNodes.filter((name) => claimed.has(name));
    const inTurn = able.toSorted((left, right) => Number(right === this.checker) - Number(left === this.checker));
    for (const name of inTurn.slice(0, -1)) {
      try {
        return await this.#checkOn(name, envelope);
      } catch (error) {
        if (problemOf(error, '').code !== 'AgentUnreachable') throw error;
      }
    }
    return this.#checkOn(inTurn.at(-1) ?? this.checker, envelope);
  }

  async #checkOn(name: string, envelope: string): Promise<ShareVerdict> {
    try {
      return await this.steps(name).checkShare({ claim: this.run.claim, share: envelope });
    } catch (error) {
      if (problemOf(error, '').code !== 'IdentityLost') throw error;
      await this.renew(name);
      return {
        accepted: false,
        reason: notice(
          'share-needed-again',
          `The host of ${name} was restarted, so your share can't be opened any more: submit it again with \`vault-dr unseal\`.`,
        ),
        fingerprint: null,
      };
    }
  }

  /** A restarted host has a new identity: an agent that still can decrypts the shares and encrypts them to it. */
  async renew(name: string): Promise<void> {
    await this.claim(name);
    if (this.sets.envelopes.length === 0) return;
    for (const other of this.run.state.activeNodes.filter((node) => node !== name)) {
      try {
        const rewrapped = await this.steps(other).rewrapShares({
          claim: this.run.claim,
          shares: this.sets.envelopes,
          recipients: this.run.state.progress.recipients,
        });
        this.sets.replaceEnvelopes(rewrapped);
        this.run.journal.record('shares re-encrypted', 'success', other, { for: name });
        return;
      } catch (error) {
        if (isCancellation(error)) throw error;
      }
    }
    this.sets.reset(`${name} was restarted, and no other agent could hand the shares on`);
  }
}
