import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { NodeActivities } from '../../activities/node';
import type { SealReport } from '../../src/contract/host';
import type { RecoveryPlan } from '../../src/contract/plan';
import type { ShareVerdict, UnsealOutcome } from '../../src/contract/recovery';
import { type Problem, problemOf } from './problems';
import { type RecoveryRun, SKIPPED } from './recovery-run';
import { ShareCeremony } from './share-ceremony';

type Given = UnsealOutcome & { shares: readonly string[] };

/** What came of a node: `made anew`, because it could not be opened; `not joined`, because it was restarted and is blank. */
export type Opening = 'open' | 'made anew' | 'not joined';

const REBUILT = { state: 'not joined', problem: null, dropped: 0, shares: [] } as const;

/** How sealed nodes come open: claims them, keeps the recipients right, and gives each of them the holders' shares. */
export class Unsealing {
  readonly ceremony: ShareCeremony;
  readonly #run: RecoveryRun;
  readonly #steps: (node: string) => NodeActivities;
  #keeping = new CancellationScope();
  /** The node whose agent looks into envelopes. */
  #checker = '';
  #automatic = false;

  constructor(run: RecoveryRun, steps: (node: string) => NodeActivities) {
    this.#run = run;
    this.#steps = steps;
    this.ceremony = new ShareCeremony(run, (envelope) => this.#checkShare(envelope));
  }

  /** From now on shares are taken, unless the nodes unseal by themselves. */
  begin({ seal, firstNode }: RecoveryPlan, checker = firstNode): void {
    this.#checker = checker;
    this.#automatic = seal.type !== 'shamir';
    if (!this.#automatic) this.ceremony.open(seal.secretThreshold);
  }

  /** The old cluster, which comes back, may have another threshold than the snapshot. */
  adapt(seals: SealReport[]): void {
    const [seal] = seals;
    if (!seal) return;
    this.#automatic = seal.type !== 'shamir';
    if (!this.#automatic) this.ceremony.require(seal.t);
  }

  /** Binds a node to the run and shows the recipient that its agent made; SKIPPED when it was left out instead. */
  async claim(name: string): Promise<void | typeof SKIPPED> {
    const claimed = await this.#run.step(`claiming ${name}`, name, () =>
      this.#steps(name).claimForRun({ claim: this.#run.claim }),
    );
    if (claimed === SKIPPED) return SKIPPED;
    if (!claimed.inMemory) {
      this.#run.warnings.push(`${name}: runtimeDir is not in memory; a copy of the disk may keep the identity`);
    }
    this.#run.progress.recipients = [
      ...this.#run.progress.recipients.filter((item) => item.node !== name),
      { node: name, recipient: claimed.recipient, signature: claimed.signature },
    ];
    this.#run.node(name, 'ready');
  }

  /** By the first agent that answers: any of them can open what is encrypted to all. */
  async #checkShare(envelope: string): Promise<ShareVerdict> {
    const claimed = new Set(this.#run.progress.recipients.map(({ node }) => node));
    const able = this.#run.activeNodes.filter((name) => claimed.has(name));
    const inTurn = able.toSorted((left, right) => Number(right === this.#checker) - Number(left === this.#checker));
    for (const name of inTurn.slice(0, -1)) {
      try {
        return await this.#checkOn(name, envelope);
      } catch (error) {
        if (problemOf(error, '').code !== 'AgentUnreachable') throw error;
      }
    }
    return this.#checkOn(inTurn.at(-1) ?? this.#checker, envelope);
  }

  async #checkOn(name: string, envelope: string): Promise<ShareVerdict> {
    try {
      return await this.#steps(name).checkShare({ claim: this.#run.claim, share: envelope });
    } catch (error) {
      if (problemOf(error, '').code !== 'IdentityLost') throw error;
      await this.#renewIdentity(name);
      return {
        accepted: false,
        reason: 'The host was restarted; take the recipients that the run shows now.',
        fingerprint: null,
      };
    }
  }

  /** A host that was restarted has a new identity; whoever still can opens the shares encrypts them for it. */
  async #renewIdentity(name: string): Promise<void> {
    await this.claim(name);
    if (this.ceremony.envelopes.length === 0) return;
    for (const other of this.#run.activeNodes.filter((node) => node !== name)) {
      try {
        const rewrapped = await this.#steps(other).rewrapShares({
          claim: this.#run.claim,
          shares: this.ceremony.envelopes,
          recipients: this.#run.progress.recipients,
        });
        this.ceremony.replaceEnvelopes(rewrapped);
        this.#run.record('shares encrypted anew', 'success', other, { for: name });
        return;
      } catch (error) {
        if (isCancellation(error)) throw error;
      }
    }
    this.ceremony.reset(`${name} was restarted, and no other agent could hand the shares on`);
  }

  /**
   * Until the node is unsealed: by the shares, or by somebody at the node itself.
   * @param blank makes the node anew when it can't be opened, and says whether it did
   * @returns what else than `open` has to join (again) first.
   */
  async unseal(name: string, blank?: (problem: Problem) => Promise<boolean>): Promise<Opening> {
    this.#run.node(name, 'unsealing');
    const heal = async (problem: Problem) => ((await blank?.(problem)) ? REBUILT : null);
    if (this.#automatic) return this.#awaitUnsealed(name, heal);
    for (;;) {
      if ((await this.#sharesOrByHand(name)) === 'by hand') {
        this.#run.node(name, 'unsealed', 'by hand');
        return 'open';
      }
      const outcome = await this.#run.step<Given | null>(`unsealing ${name}`, name, () => this.#giveShares(name), heal);
      if (outcome === SKIPPED) return 'open';
      if (outcome === null) continue;
      if (outcome.dropped > 0) {
        this.#run.warnings.push(
          `${name}: ${outcome.dropped} share(s) that somebody had given by hand were dropped, to begin afresh`,
        );
        this.#run.record('half-done unseal dropped', 'info', 'vault-dr', { node: name, shares: outcome.dropped });
      }
      if (outcome === REBUILT) return 'made anew';
      if (outcome.state === 'not joined') return 'not joined';
      if (outcome.state === 'unsealed') {
        this.ceremony.opened(outcome.shares);
        this.#run.node(name, 'unsealed');
        return 'open';
      }
      this.ceremony.didNotOpen(outcome.shares, outcome.problem ?? 'no reason given');
    }
  }

  async #awaitUnsealed(name: string, heal: (problem: Problem) => Promise<Given | null>): Promise<Opening> {
    const outcome = await this.#run.step<Given>(
      `unsealing ${name}`,
      name,
      async () => {
        await this.#steps(name).awaitUnsealed({ claim: this.#run.claim });
        return { state: 'unsealed', problem: null, dropped: 0, shares: [] };
      },
      heal,
    );
    if (outcome === REBUILT) return 'made anew';
    if (outcome !== SKIPPED) this.#run.node(name, 'unsealed', 'by its seal');
    return 'open';
  }

  /** From now on a Vault of this node that dies, and is sealed when it is there again, is opened with the shares that are here. */
  keepOpen(name: string): void {
    if (this.#automatic) return;
    const keeping = this.#keeping.run(async () => {
      while (this.#run.activeNodes.includes(name)) {
        if (!(await this.#steps(name).watchForSeal({ claim: this.#run.claim, seconds: 300 }))) continue;
        this.#run.record('sealed again', 'info', 'vault-dr', { node: name });
        await this.unseal(name);
      }
    });
    // It ends by cancellation; a watch that fails must not end the run.
    keeping.catch(() => undefined);
  }

  /** From now on a Vault that is sealed is the business of those who run the cluster. */
  stopWatching(): void {
    this.#keeping.cancel();
    this.#keeping = new CancellationScope();
  }

  async #giveShares(name: string): Promise<Given | null> {
    const shares = this.ceremony.nextSet;
    if (shares === null) return null;
    try {
      return { ...(await this.#steps(name).unsealNode({ claim: this.#run.claim, shares })), shares };
    } catch (error) {
      if (problemOf(error, '').code !== 'IdentityLost') throw error;
      await this.#renewIdentity(name);
      return null;
    }
  }

  async #sharesOrByHand(name: string): Promise<'shares' | 'by hand'> {
    if (this.ceremony.nextSet !== null) return 'shares';
    let byHand = false;
    const watching = new CancellationScope();
    const watch = watching.run(async () => {
      while (!byHand) byHand = await this.#steps(name).watchForUnseal({ claim: this.#run.claim, seconds: 300 });
    });
    watch.catch(() => undefined);
    await this.#run.waitFor('shares', () => this.ceremony.nextSet !== null || byHand);
    watching.cancel();
    return byHand ? 'by hand' : 'shares';
  }
}
