import { CancellationScope, condition } from '@temporalio/workflow';
import type { SealReport } from '../../src/contract/host';
import type { RecoveryPlan } from '../../src/contract/plan';
import { notice } from '../../src/contract/notice';
import type { LeaseOutcome, UnsealOutcome } from '../../src/contract/recovery';
import { since } from './few-steps';
import type { Identities } from './identities';
import { type Problem, problemOf } from './problems';
import { type RecoveryRun, SKIPPED } from './recovery-run';
import type { ShareSets } from './share-sets';
import { type StepsOn, WATCH_SECONDS } from './steps';

type Given = UnsealOutcome & { shares: readonly string[] };

/** `rebuilt`: it could not be unsealed; `not joined`: it was restarted, and is blank. */
export type Opening = 'open' | 'rebuilt' | 'not joined';

const REBUILT = { state: 'not joined', problem: null, dropped: 0, shares: [] } as const;

/** Unseals nodes with the holders' shares, as often as necessary. */
export class Unsealing {
  #keeping = new CancellationScope();
  #kept: string[] = [];
  readonly #reopening = new Set<string>();
  #automatic: boolean;

  constructor(
    private readonly run: RecoveryRun,
    private readonly sets: ShareSets,
    private readonly identities: Identities,
    private readonly steps: StepsOn,
    handed?: { automatic: boolean },
  ) {
    this.#automatic = handed?.automatic ?? false;
  }

  /** Whether the node has been unsealed once: from then on the watch handles it. */
  keeps(name: string): boolean {
    return this.#kept.includes(name);
  }

  handOver(): { automatic: boolean; kept: string[] } {
    return { automatic: this.#automatic, kept: this.#kept };
  }

  /** From here on shares are accepted, unless the nodes unseal by themselves. */
  begin({ seal, firstNode }: RecoveryPlan, checker = firstNode): void {
    this.identities.checkBy(checker);
    this.#automatic = seal.type !== 'shamir';
    if (!this.#automatic) this.sets.open(seal.secretThreshold);
  }

  /** The old cluster, after a roll-back, may have another threshold than the snapshot. */
  adapt(seals: SealReport[]): void {
    const [seal] = seals;
    if (!seal) return;
    this.#automatic = seal.type !== 'shamir';
    if (!this.#automatic) this.sets.require(seal.t);
  }

  /**
   * Waits until the node is unsealed: with the shares, or by somebody by hand.
   * @param blank rebuilds a node that can't be unsealed, and returns whether it did
   * @param grace minutes that its leases get before it is unsealed
   * @returns anything but `open`: it has to join (again) first.
   */
  async unseal(name: string, blank?: (problem: Problem) => Promise<boolean>, grace?: number): Promise<Opening> {
    let graceMinutes = grace;
    this.run.state.node(name, 'unsealing');
    const heal = async (problem: Problem) => ((await blank?.(problem)) ? REBUILT : null);
    if (this.#automatic) return this.#awaitUnsealed(name, heal);
    for (;;) {
      if ((await this.#sharesOrByHand(name)) === 'by hand') {
        if (graceMinutes !== undefined) this.#missedGrace(name);
        this.run.state.node(name, 'unsealed', 'by hand');
        return 'open';
      }
      if (graceMinutes !== undefined) {
        if (await this.#extendLeases(name, graceMinutes)) graceMinutes = undefined;
        continue;
      }
      const outcome = await this.run.step<Given | null>(`unsealing ${name}`, name, () => this.#giveShares(name), heal);
      if (outcome === SKIPPED) return 'open';
      if (outcome === null) continue;
      if (outcome.dropped > 0) {
        this.run.journal.warnings.push(
          `${name}: ${outcome.dropped} share(s) entered by hand were discarded, to start from the beginning`,
        );
        this.run.journal.record('half-done unseal dropped', 'info', 'vault-dr', {
          node: name,
          shares: outcome.dropped,
        });
      }
      if (outcome === REBUILT) return 'rebuilt';
      if (outcome.state === 'not joined') return 'not joined';
      if (outcome.state === 'unsealed') {
        this.sets.opened(outcome.shares);
        this.run.state.node(name, 'unsealed');
        return 'open';
      }
      this.sets.didNotOpen(outcome.shares, outcome.problem ?? 'no reason given');
    }
  }

  /** Before the node serves for the first time. @returns whether that is settled, one way or the other */
  async #extendLeases(name: string, minutes: number): Promise<boolean> {
    const outcome = await this.run.mustStep('giving leases a later end', name, () =>
      this.#giveLeasesTime(name, minutes),
    );
    if (outcome === null) return false;
    const { state, problem, shares, byMount, left, skipped } = outcome;
    if (state === 'wrong shares') {
      this.sets.didNotOpen(shares, problem ?? 'no reason given');
      return false;
    }
    if (state === 'unsealed') {
      this.#missedGrace(name);
      return true;
    }
    this.run.state.progress.leases = { byMount, left, skipped };
    const extended = Object.values(byMount).reduce((sum, count) => sum + count, 0);
    this.run.journal.record('leases extended', 'success', 'vault-dr', { node: name, minutes, extended, left, skipped });
    return true;
  }

  #missedGrace(name: string): void {
    this.run.journal.warnings.push(
      notice(
        'leases-not-extended',
        `${name} was unsealed before its leases got a later end: what had ended is revoked`,
      ),
    );
  }

  async #giveLeasesTime(name: string, minutes: number): Promise<(LeaseOutcome & { shares: string[] }) | null> {
    const shares = this.sets.next;
    if (shares === null) return null;
    try {
      return { ...(await this.steps(name).extendLeases({ claim: this.run.claim, shares, minutes })), shares };
    } catch (error) {
      if (problemOf(error, '').code !== 'IdentityLost') throw error;
      await this.identities.renew(name);
      return null;
    }
  }

  async #awaitUnsealed(name: string, heal: (problem: Problem) => Promise<Given | null>): Promise<Opening> {
    const outcome = await this.run.step<Given>(
      `unsealing ${name}`,
      name,
      async () => {
        await this.steps(name).awaitUnsealed({ claim: this.run.claim });
        return { state: 'unsealed', problem: null, dropped: 0, shares: [] };
      },
      heal,
    );
    if (outcome === REBUILT) return 'rebuilt';
    if (outcome !== SKIPPED) this.run.state.node(name, 'unsealed', 'by its seal');
    return 'open';
  }

  /** From here on, if this node's Vault dies and comes back sealed, it is unsealed with the same shares. */
  keepOpen(name: string): void {
    // Older runs watched only Vaults that need shares.
    if (this.#automatic && !since('watch-automatic')) return;
    this.#kept.push(name);
    const keeping = this.#keeping.run(async () => {
      while (this.run.state.activeNodes.includes(name)) {
        if (!(await this.steps(name).watchForSeal({ claim: this.run.claim, seconds: WATCH_SECONDS }))) continue;
        await this.#reopen(name);
      }
    });
    // Ends by cancellation; a failed watch must not end the run.
    keeping.catch(() => undefined);
  }

  async #reopen(name: string): Promise<void> {
    const before = this.run.state.progress.nodes.find((node) => node.name === name);
    const { state, detail } = { ...before };
    this.#reopening.add(name);
    try {
      this.run.journal.record('sealed again', 'info', 'vault-dr', { node: name });
      await this.unseal(name);
      // It had already got further than unsealed.
      if (state === 'voter' && this.run.state.activeNodes.includes(name)) this.run.state.node(name, state, detail);
    } finally {
      this.#reopening.delete(name);
    }
  }

  /** Whether nodes that are sealed again get unsealed. */
  get isWatching(): boolean {
    return this.#kept.length > 0;
  }

  /** Waits until every node that was found sealed again is unsealed. */
  async allOpen(): Promise<void> {
    await condition(() => this.#reopening.size === 0);
  }

  /** From here on a sealed Vault is up to the cluster's operators. */
  stopWatching(): void {
    this.#keeping.cancel();
    this.#keeping = new CancellationScope();
    this.#kept = [];
  }

  async #giveShares(name: string): Promise<Given | null> {
    const shares = this.sets.next;
    if (shares === null) return null;
    try {
      return { ...(await this.steps(name).unsealNode({ claim: this.run.claim, shares })), shares };
    } catch (error) {
      if (problemOf(error, '').code !== 'IdentityLost') throw error;
      await this.identities.renew(name);
      return null;
    }
  }

  async #sharesOrByHand(name: string): Promise<'shares' | 'by hand'> {
    if (this.sets.next !== null) return 'shares';
    let byHand = false;
    const watching = new CancellationScope();
    const watch = watching.run(async () => {
      while (!byHand) byHand = await this.steps(name).watchForUnseal({ claim: this.run.claim, seconds: WATCH_SECONDS });
    });
    watch.catch(() => undefined);
    await this.run.waiting.until('shares', () => this.sets.next !== null || byHand);
    watching.cancel();
    return byHand ? 'by hand' : 'shares';
  }
}
