import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { MetError, Parked, RunClaim } from '../../src/contract/recovery';
import { Abort, type Decision, type Decisions } from './decisions';
import { type Journal, warn } from './journal';
import { type Problem, problemOf } from './problems';
import type { RunState } from './run-state';
import type { Waiting } from './waiting';

export const SKIPPED = Symbol('skipped');

/** Outcome of an error that nobody has decided on yet. */
const OPEN = 'open';
/** Keeps the first and the last ones: somebody may resume in a loop. */
const MOST_ERRORS = 100;

/** An automatic repair before people are asked. Its result replaces that of the step; null if it can't help. */
type Heal<T> = (problem: Problem) => Promise<T | null>;

/** Runs the steps of a recovery, and parks instead of failing. */
export class RecoveryRun {
  /** Results of steps completed in the current phase, by name. */
  readonly #done: Record<string, unknown>;
  readonly #handedParked: Parked[];

  /**
   * @param awaitAgent resolves when the agent of a node answers
   * @param done from `handOver` of an earlier execution
   */
  constructor(
    readonly claim: RunClaim,
    readonly state: RunState,
    readonly journal: Journal,
    readonly waiting: Waiting,
    readonly decisions: Decisions,
    private readonly awaitAgent: (node: string) => Promise<unknown>,
    done: Record<string, unknown> = {},
  ) {
    this.#done = done;
    // They park again when the run reaches them.
    this.#handedParked = state.progress.parked.splice(0);
  }

  /**
   * Runs a step until it succeeds. Out of retries, the run parks and waits for people; it never fails.
   * @returns SKIPPED if they continue without the node.
   * @throws Abort if they end the run, which is possible until the first node is changed.
   */
  async step<T>(what: string, node: string | null, act: () => Promise<T>, heal?: Heal<T>): Promise<T | typeof SKIPPED> {
    // Steps within a step belong to the outer one.
    const step = node === null ? null : this.decisions.begin(node);
    if (node === null || step === null) return this.#persist(what, node, act, heal);
    try {
      const result = await step.scope.run(() => this.#persist(what, node, act, heal));
      // It may have succeeded meanwhile, but people have been notified that the node is left out.
      return step.cancelled ? this.#leaveOut(node) : result;
    } catch (error) {
      if (isCancellation(error) && step.cancelled) return this.#leaveOut(node);
      throw error;
    } finally {
      this.decisions.end(node);
    }
  }

  /** Like `step`, for steps that can't be skipped. */
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

  /**
   * Runs work once per phase. After a continuation in a new execution its result is reused.
   * @param what name, unique within the phase
   * @param work its result must be plain JSON
   */
  async once<T>(what: string, work: () => Promise<T>): Promise<T> {
    const key = this.#keyOf(what);
    if (Object.hasOwn(this.#done, key)) return this.#done[key] as T;
    const result = await work();
    if (result !== SKIPPED) this.#done[key] = result ?? null;
    return result;
  }

  /** Results of the current phase, for the next execution. */
  handOver(): Record<string, unknown> {
    return Object.fromEntries(Object.entries(this.#done).filter(([key]) => key.startsWith(this.#keyOf(''))));
  }

  #keyOf(what: string): string {
    return `${this.state.progress.phase}: ${what}`;
  }

  async #persist<T>(
    what: string,
    node: string | null,
    act: () => Promise<T>,
    heal?: Heal<T>,
  ): Promise<T | typeof SKIPPED> {
    let parked = this.#handedOver(what, node);
    for (;;) {
      if (parked === null) {
        try {
          return await act();
        } catch (error) {
          if (isCancellation(error) || error instanceof Abort) throw error;
          const healed = heal ? await this.#tryToHeal(what, node, error, heal) : null;
          if (healed !== null) return healed;
          parked = this.#park(what, node, problemOf(error, what));
        }
      }
      const decision = await this.#decided(parked);
      parked = null;
      if (decision.choice === 'abort') throw new Abort();
      if (decision.node !== undefined) return this.#leaveOut(decision.node);
    }
  }

  /** A step that parked in an earlier execution and is still waiting for people. */
  #handedOver(what: string, node: string | null): Parked | null {
    const { phase } = this.state.progress;
    const at = this.#handedParked.findIndex((item) => item.phase === phase && item.step === what && item.node === node);
    return at < 0 ? null : (this.#handedParked.splice(at, 1)[0] ?? null);
  }

  async #tryToHeal<T>(what: string, node: string | null, error: unknown, heal: Heal<T>): Promise<T | null> {
    const problem = problemOf(error, what);
    try {
      const healed = await heal(problem);
      if (healed !== null) this.#met(node, problem, 'repaired by the run itself');
      return healed;
    } catch (second) {
      if (isCancellation(second) || second instanceof Abort) throw second;
      warn('could not be repaired', { step: what, problem: problemOf(second, what).problem });
      return null;
    }
  }

  #met(node: string | null, { code, problem }: Problem, outcome: string): MetError {
    const { phase, errors } = this.state.progress;
    const error = { at: new Date().toISOString(), phase, node, code, problem, outcome };
    errors.push(error);
    if (errors.length > MOST_ERRORS) errors.splice(MOST_ERRORS / 2, 1);
    this.journal.record('error', 'failure', 'vault-dr', { node, code, problem, outcome });
    return error;
  }

  #park(what: string, node: string | null, found: Problem): Parked {
    const { phase } = this.state.progress;
    const { code, problem, advice } = found;
    const since = new Date().toISOString();
    const choices = this.decisions.choicesFor(node);
    warn('parked', { step: what, node, code, problem });
    this.journal.record('parked', 'failure', 'vault-dr', { step: what, node, code, problem });
    this.#met(node, found, OPEN);
    return { phase, step: what, node, code, problem, advice, ...choices, since };
  }

  async #decided(parked: Parked): Promise<Pick<Decision, 'choice' | 'node'>> {
    const { progress } = this.state;
    const { node, code } = parked;
    const met = progress.errors.findLast(
      (error) => error.outcome === OPEN && error.problem === parked.problem && error.node === node,
    );
    progress.parked.push(parked);
    const agent = node !== null && code === 'AgentUnreachable' ? this.#watchAgent(node) : null;
    try {
      await this.waiting.until('operator', () => this.decisions.isDecided(parked) || agent?.isBack() === true);
    } finally {
      agent?.stop();
      progress.parked = progress.parked.filter((item) => item !== parked);
      if (met) met.outcome = this.decisions.outcomeOf(parked);
      this.waiting.show();
    }
    return this.decisions.take(parked);
  }

  /** If the agent comes back, no decision is needed. */
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
