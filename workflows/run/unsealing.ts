import { CancellationScope, condition, patched } from '@temporalio/workflow';
import type { SealReport } from '../../src/contract/host';
import type { RecoveryPlan } from '../../src/contract/plan';
import type { UnsealOutcome } from '../../src/contract/recovery';
import type { Identities } from './identities';
import { type Problem, problemOf } from './problems';
import { type RecoveryRun, SKIPPED } from './recovery-run';
import type { ShareSets } from './share-sets';
import { type StepsOn, WATCH_SECONDS } from './steps';

type Given = UnsealOutcome & { shares: readonly string[] };

/** What came of a node: `rebuilt`, because it could not be opened; `not joined`, because it was restarted and is blank. */
export type Opening = 'open' | 'rebuilt' | 'not joined';

const REBUILT = { state: 'not joined', problem: null, dropped: 0, shares: [] } as const;

/** How sealed nodes come open: each gets the holders' shares, as often as it takes. */
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

  /** Whether the node was open once, so that whatever seals it again is seen to elsewhere. */
  keeps(name: string): boolean {
    return this.#kept.includes(name);
  }

  handOver(): { automatic: boolean; kept: string[] } {
    return { automatic: this.#automatic, kept: this.#kept };
  }

  /** From now on shares are taken, unless the nodes unseal by themselves. */
  begin({ seal, firstNode }: RecoveryPlan, checker = firstNode): void {
    this.identities.checkBy(checker);
    this.#automatic = seal.type !== 'shamir';
    if (!this.#automatic) this.sets.open(seal.secretThreshold);
  }

  /** The old cluster, which comes back, may have another threshold than the snapshot. */
  adapt(seals: SealReport[]): void {
    const [seal] = seals;
    if (!seal) return;
    this.#automatic = seal.type !== 'shamir';
    if (!this.#automatic) this.sets.require(seal.t);
  }

  /**
   * Until the node is unsealed: by the shares, or by somebody at the node itself.
   * @param blank rebuilds the node when it can't be opened, and says whether it did
   * @returns what else than `open` has to join (again) first.
   */
  async unseal(name: string, blank?: (problem: Problem) => Promise<boolean>): Promise<Opening> {
    this.run.state.node(name, 'unsealing');
    const heal = async (problem: Problem) => ((await blank?.(problem)) ? REBUILT : null);
    if (this.#automatic) return this.#awaitUnsealed(name, heal);
    for (;;) {
      if ((await this.#sharesOrByHand(name)) === 'by hand') {
        this.run.state.node(name, 'unsealed', 'by hand');
        return 'open';
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

  /** From now on a Vault of this node that dies, and is sealed when it is there again, is opened with the shares that are here. */
  keepOpen(name: string): void {
    // Runs of before watched only what takes shares.
    if (this.#automatic && !patched('watch-automatic')) return;
    this.#kept.push(name);
    const keeping = this.#keeping.run(async () => {
      while (this.run.state.activeNodes.includes(name)) {
        if (!(await this.steps(name).watchForSeal({ claim: this.run.claim, seconds: WATCH_SECONDS }))) continue;
        await this.#reopen(name);
      }
    });
    // It ends by cancellation; a watch that fails must not end the run.
    keeping.catch(() => undefined);
  }

  async #reopen(name: string): Promise<void> {
    const before = this.run.state.progress.nodes.find((node) => node.name === name);
    const { state, detail } = { ...before };
    this.#reopening.add(name);
    try {
      this.run.journal.record('sealed again', 'info', 'vault-dr', { node: name });
      await this.unseal(name);
      // It had come further than to be open.
      if (state === 'voter' && this.run.state.activeNodes.includes(name)) this.run.state.node(name, state, detail);
    } finally {
      this.#reopening.delete(name);
    }
  }

  /** Whether nodes that are sealed again are opened. */
  get isWatching(): boolean {
    return this.#kept.length > 0;
  }

  /** Until no node is left that was sealed again, as far as it was noticed. */
  async allOpen(): Promise<void> {
    await condition(() => this.#reopening.size === 0);
  }

  /** From now on a Vault that is sealed is the business of those who run the cluster. */
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
