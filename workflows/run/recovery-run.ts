import { CancellationScope, isCancellation, log } from '@temporalio/workflow';
import type { MetError, Parked, RunClaim } from '../../src/contract/recovery';
import { Abort, type Decision, type Decisions } from './decisions';
import type { Journal } from './journal';
import { type Problem, problemOf } from './problems';
import type { RunState } from './run-state';
import type { Waiting } from './waiting';

export const SKIPPED = Symbol('skipped');

/** What the run itself tries before it asks people: its answer stands for the step's; null if it can't help. */
type Heal<T> = (problem: Problem) => Promise<T | null>;

/** How the steps of a recovery are taken, and how it parks instead of failing. */
export class RecoveryRun {
  /** @param awaitAgent answers when the agent of a node does */
  constructor(
    readonly claim: RunClaim,
    readonly state: RunState,
    readonly journal: Journal,
    readonly waiting: Waiting,
    readonly decisions: Decisions,
    private readonly awaitAgent: (node: string) => Promise<unknown>,
  ) {}

  /**
   * Runs a step until it is done. When it has used up its retries the run parks and waits for people; it never fails.
   * @returns SKIPPED when they chose to go on without the node.
   * @throws Abort when they chose to stop, which is possible before the first node is changed.
   */
  async step<T>(what: string, node: string | null, act: () => Promise<T>, heal?: Heal<T>): Promise<T | typeof SKIPPED> {
    // A step within a step ends with it.
    const step = node === null ? null : this.decisions.begin(node);
    if (node === null || step === null) return this.#persist(what, node, act, heal);
    try {
      const result = await step.scope.run(() => this.#persist(what, node, act, heal));
      // It may have come to its end meanwhile; people have heard otherwise.
      return step.cancelled ? this.#leaveOut(node) : result;
    } catch (error) {
      if (isCancellation(error) && step.cancelled) return this.#leaveOut(node);
      throw error;
    } finally {
      this.decisions.end(node);
    }
  }

  /** Like `step`, for what can't be left out. */
  async mustStep<T>(what: string, node: string | null, act: () => Promise<T>): Promise<T> {
    for (;;) {
      const result = await this.step(what, node, act);
      if (result !== SKIPPED) return result;
    }
  }

  #leaveOut(node: string): typeof SKIPPED {
    this.state.node(node, 'skipped', 'left out by the operator: rebuild it later');
    return SKIPPED;
  }

  async #persist<T>(
    what: string,
    node: string | null,
    act: () => Promise<T>,
    heal?: Heal<T>,
  ): Promise<T | typeof SKIPPED> {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (isCancellation(error) || error instanceof Abort) throw error;
        const healed = heal ? await this.#tryToHeal(what, node, error, heal) : null;
        if (healed !== null) return healed;
        const decision = await this.#park(what, node, error);
        if (decision.choice === 'abort') throw new Abort();
        if (decision.node !== undefined) return this.#leaveOut(decision.node);
      }
    }
  }

  async #tryToHeal<T>(what: string, node: string | null, error: unknown, heal: Heal<T>): Promise<T | null> {
    const problem = problemOf(error, what);
    try {
      const healed = await heal(problem);
      if (healed !== null) this.#met(node, problem, 'repaired by the run itself');
      return healed;
    } catch (second) {
      if (isCancellation(second) || second instanceof Abort) throw second;
      log.warn('could not be repaired', { step: what, problem: problemOf(second, what).problem });
      return null;
    }
  }

  #met(node: string | null, { code, problem }: Problem, outcome: string): MetError {
    const { phase, errors } = this.state.progress;
    const error = { at: new Date().toISOString(), phase, node, code, problem, outcome };
    errors.push(error);
    this.journal.record('error', 'failure', 'vault-dr', { node, code, problem, outcome });
    return error;
  }

  async #park(what: string, node: string | null, error: unknown): Promise<Pick<Decision, 'choice' | 'node'>> {
    const { progress } = this.state;
    const found = problemOf(error, what);
    const { code, problem, advice } = found;
    const { choices, skippable } = this.decisions.choicesFor(node);
    const since = new Date().toISOString();
    const parked: Parked = { phase: progress.phase, node, code, problem, advice, choices, skippable, since };
    log.warn('parked', { step: what, node, code, problem });
    this.journal.record('parked', 'failure', 'vault-dr', { step: what, node, code, problem });
    const met = this.#met(node, found, 'open');
    progress.parked.push(parked);
    const agent = node !== null && code === 'AgentUnreachable' ? this.#watchAgent(node) : null;
    try {
      await this.waiting.until('operator', () => this.decisions.isDecided(parked) || agent?.isBack() === true);
    } finally {
      agent?.stop();
      progress.parked = progress.parked.filter((item) => item !== parked);
      met.outcome = this.decisions.outcomeOf(parked);
      this.waiting.show();
    }
    return this.decisions.take(parked);
  }

  /** An agent that comes back needs nobody's decision. */
  #watchAgent(node: string): { isBack: () => boolean; stop: () => void } {
    const scope = new CancellationScope();
    let back = false;
    scope
      .run(() => this.awaitAgent(node))
      .then(
        () => (back = true),
        () => undefined,
      );
    return { isBack: () => back, stop: () => scope.cancel() };
  }
}
