import { CancellationScope, isCancellation, log } from '@temporalio/workflow';
import {
  type MetError,
  type ParkChoice,
  type Parked,
  type RecoveryMethod,
  type RecoveryPhase,
  ROUTES,
} from '../../src/contract/recovery';
import type { Answer } from '../../src/contract/update-answers';
import { type Problem, problemOf } from './problems';
import { RunState } from './run-state';
import { noWayBackFrom } from './way-back';

/** The operator's decision to go back to before the first stop. */
export class Abort extends Error {
  override readonly name = 'Abort';
}

export const SKIPPED = Symbol('skipped');

/** Here a follower may be left out while its step goes on: its Vault may load data for hours, and the cluster serves without it. */
const LEAVABLE_IN: readonly RecoveryPhase[] = ['join', 'converge'];

interface Decision {
  choice: ParkChoice;
  by: string;
  /** That is left out. */
  node?: string;
}

interface StepUnderway {
  scope: CancellationScope;
  /** By people, who go on without its node. */
  calledOff: boolean;
}

/** One recovery: how its steps are taken, how it parks instead of failing, and what people may decide then. */
export class RecoveryRun extends RunState {
  #decisions = new Map<Parked, Decision>();
  #changes: CancellationScope | null = null;
  /** The steps that go on, by node. */
  #underway = new Map<string, StepUnderway>();
  #abortedBy: string | null = null;
  #wayBackClosed = false;

  /**
   * @param cluster the one whose nodes are changed
   * @param awaitAgent answers when the agent of a node does
   */
  constructor(
    cluster: string,
    requestedBy: string,
    method: RecoveryMethod,
    private readonly awaitAgent: (node: string) => Promise<unknown>,
  ) {
    super(cluster, requestedBy, method);
  }

  /**
   * Runs a step until it is done. When it has used up its retries the run parks and waits for people; it never fails.
   * @param heal what the run itself tries before it asks people: its answer stands for the step's; null if it can't help
   * @returns SKIPPED when they chose to go on without the node.
   * @throws Abort when they chose to stop, which is possible before the first node is changed.
   */
  async step<T>(
    what: string,
    node: string | null,
    act: () => Promise<T>,
    heal?: (problem: Problem) => Promise<T | null>,
  ): Promise<T | typeof SKIPPED> {
    // A step within a step ends with it.
    if (node === null || this.#underway.has(node)) return this.#persist(what, node, act, heal);
    const step: StepUnderway = { scope: new CancellationScope(), calledOff: false };
    this.#underway.set(node, step);
    try {
      const result = await step.scope.run(() => this.#persist(what, node, act, heal));
      // It may have come to its end meanwhile; people have been told otherwise.
      return step.calledOff ? this.#leaveOut(node) : result;
    } catch (error) {
      if (isCancellation(error) && step.calledOff) return this.#leaveOut(node);
      throw error;
    } finally {
      this.#underway.delete(node);
    }
  }

  #leaveOut(node: string): typeof SKIPPED {
    this.node(node, 'skipped', 'left out by the operator: rebuild it later');
    return SKIPPED;
  }

  async #persist<T>(
    what: string,
    node: string | null,
    act: () => Promise<T>,
    heal?: (problem: Problem) => Promise<T | null>,
  ): Promise<T | typeof SKIPPED> {
    for (let attempt = act; ; attempt = act) {
      try {
        return await attempt();
      } catch (error) {
        if (isCancellation(error) || error instanceof Abort) throw error;
        const healed = await this.#tryToHeal(what, node, error, heal);
        if (healed !== null) return healed;
        const decision = await this.#park(what, node, error);
        if (decision.choice === 'abort') throw new Abort();
        if (decision.node !== undefined) return this.#leaveOut(decision.node);
      }
    }
  }

  async #tryToHeal<T>(
    what: string,
    node: string | null,
    error: unknown,
    heal?: (problem: Problem) => Promise<T | null>,
  ): Promise<T | null> {
    if (!heal) return null;
    const problem = problemOf(error, what);
    try {
      const healed = await heal(problem);
      if (healed !== null) this.#met(node, problem, 'mended by the run itself');
      return healed;
    } catch (second) {
      if (isCancellation(second) || second instanceof Abort) throw second;
      log.warn('could not be mended', { step: what, problem: problemOf(second, what).problem });
      return null;
    }
  }

  #met(node: string | null, { code, problem }: Problem, outcome: string): MetError {
    const error = { at: new Date().toISOString(), phase: this.progress.phase, node, code, problem, outcome };
    this.progress.errors.push(error);
    this.record('error', 'failure', 'vault-dr', { node, code, problem, outcome });
    return error;
  }

  /** Like `step`, for what can't be left out. */
  async mustStep<T>(what: string, node: string | null, act: () => Promise<T>): Promise<T> {
    for (;;) {
      const result = await this.step(what, node, act);
      if (result !== SKIPPED) return result;
    }
  }

  async #park(what: string, node: string | null, error: unknown): Promise<Pick<Decision, 'choice' | 'node'>> {
    const found = problemOf(error, what);
    const { code, problem, advice } = found;
    const skippable = this.#skippable(node);
    const parked: Parked = {
      phase: this.progress.phase,
      node,
      code,
      problem,
      advice,
      choices: this.#choicesFor(skippable),
      skippable,
      since: new Date().toISOString(),
    };
    log.warn('parked', { step: what, node, code, problem });
    this.record('parked', 'failure', 'vault-dr', { step: what, node, code, problem });
    const met = this.#met(node, found, 'open');
    this.progress.parked.push(parked);
    const agent = node !== null && code === 'AgentUnreachable' ? this.#watchAgent(node) : null;
    try {
      await this.waitFor(
        'operator',
        () => this.#decisions.has(parked) || this.#abortedBy !== null || agent?.isBack() === true,
      );
    } finally {
      agent?.stop();
      this.progress.parked = this.progress.parked.filter((item) => item !== parked);
      met.outcome = this.#outcome(this.#decisions.get(parked));
      this.showWaits();
    }
    if (this.#abortedBy !== null) return { choice: 'abort' };
    const decision = this.#decisions.get(parked);
    this.#decisions.delete(parked);
    return decision ?? { choice: 'resume' };
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

  #outcome(decision: Decision | undefined): string {
    if (this.#abortedBy !== null) return `aborted by ${this.#abortedBy}`;
    if (decision) return `${decision.choice} by ${decision.by}`;
    return this.progress.rollBack === null ? 'tried again by itself' : `rolled back by ${this.progress.rollBack.by}`;
  }

  /** Only what was begun can go on without a node: before that the plan has all of them. */
  #skippable(node: string | null): string[] {
    const { phase, nodes, plan } = this.progress;
    if (this.#changes === null) return [];
    const first = phase === 'rollBack' ? undefined : nodes.find((item) => item.role === 'first')?.name;
    const target = plan?.method === 'rebuild' ? plan.node : undefined;
    const concerned = node !== null ? [node] : phase === 'converge' ? this.activeNodes : [];
    return concerned.filter((name) => name !== first && name !== target);
  }

  #choicesFor(skippable: string[]): ParkChoice[] {
    const choices: ParkChoice[] = ['resume'];
    if (skippable.length > 0) choices.push('skipNode');
    if (this.noWayBack === null) choices.push('rollBack');
    if (this.canAbort) choices.push('abort');
    return choices;
  }

  /** Runs what changes the cluster: from here on, until it is done, the run can be rolled back; or be aborted where it can't. */
  async changing<T>(work: () => Promise<T>): Promise<T> {
    this.#changes = new CancellationScope();
    return this.#changes.run(work);
  }

  /** From now on there is no way back any more. */
  closeWayBack(): void {
    this.#wayBackClosed = true;
    this.show();
  }

  get canAbort(): boolean {
    return this.#abortedBy === null && (this.#changes === null || (!this.#wayBackClosed && this.#servesMeanwhile));
  }

  /** Whatever has been done by then, the cluster goes on without it. */
  get #servesMeanwhile(): boolean {
    return this.progress.method === 'rebuild' || this.progress.method === 'inPlace';
  }

  /** Why the old data can't be put back; null when they can. */
  get noWayBack(): string | null {
    if (this.#changes === null) return 'Nothing has been changed yet: abort the run instead.';
    if (this.#wayBackClosed) return 'The restore is done; there is no way back any more.';
    return noWayBackFrom(this.progress);
  }

  get abortRequested(): boolean {
    return this.#abortedBy !== null;
  }

  resume(operator: string): Answer {
    if (this.progress.parked.length === 0) return no('Nothing is parked; the run goes on by itself.');
    for (const parked of this.progress.parked) this.#decisions.set(parked, { choice: 'resume', by: operator });
    this.record('resume', 'info', operator, {});
    return yes('Trying again.');
  }

  skipNode(operator: string, node: string): Answer {
    const { parked, method, phase } = this.progress;
    const own = parked.find((item) => item.skippable.includes(node)) ?? parked.find((item) => item.node === node);
    const step = LEAVABLE_IN.includes(phase) ? this.#underway.get(node) : undefined;
    if (!own && !step) return no(`${node} is neither parked nor joining just now, so there is nothing to skip.`);
    if (!(own?.skippable ?? this.#skippable(node)).includes(node)) return no(this.#whyNeeded(node));
    this.record('skipNode', 'info', operator, { node });
    if (own) {
      this.#decisions.set(own, { choice: 'skipNode', by: operator, node });
    } else if (step) {
      step.calledOff = true;
      step.scope.cancel();
    }
    const route: readonly RecoveryPhase[] = ROUTES[method];
    if (route.indexOf(phase) > route.indexOf('stop')) return yes(`Going on without ${node}; rebuild it afterwards.`);
    const warning = `${node} was left out before its Vault was proved to be stopped: power that host off, and rebuild it afterwards.`;
    this.warnings.push(warning);
    return yes(`Going on without it. ${warning}`);
  }

  #whyNeeded(node: string): string {
    if (this.#changes === null) {
      return `Nothing has been changed yet, and the plan has ${node} in it: bring its agent back, or abort the run, take ${node} out of the configuration and start again.`;
    }
    return this.progress.method === 'rebuild'
      ? `${node} is the node that is made anew: without it there is nothing to do.`
      : `${node} is the first node: without it there is no restore.`;
  }

  abort(operator: string): Answer {
    if (!this.canAbort) {
      const back = this.noWayBack;
      return no(
        back === null
          ? 'Nodes have been stopped already: go on (resume, or skip a node), or have the old data put back with rollBack.'
          : `Nodes have been changed already, so the way on is forward: resume, or skip a node. ${back}`,
      );
    }
    this.#abortedBy = operator;
    this.record('abort', 'info', operator, {});
    this.#changes?.cancel();
    return yes(
      this.#changes === null
        ? 'Ending the run; nothing was stopped.'
        : 'Ending the run; its report says what was left as it is.',
    );
  }

  rollBack(operator: string): Answer {
    const reason = this.noWayBack;
    if (reason !== null) return no(reason);
    const from = this.progress.phase;
    this.progress.rollBack = { by: operator, at: new Date().toISOString(), from };
    this.record('rollBack', 'info', operator, { from });
    this.#changes?.cancel();
    return yes(`Going back from the phase '${from}': the old data are put back on every node.`);
  }

  approve(approver: string, planHash: string): Answer {
    const { progress } = this;
    if (progress.phase !== 'approve' || progress.plan === null || progress.planHash === null) {
      return no(`There is nothing to approve in the phase '${progress.phase}'.`);
    }
    if (!progress.planHash.startsWith(planHash)) {
      return no(
        `The plan's hash is ${progress.planHash.slice(0, 12)}, not ${planHash}. Read the plan again before you approve it.`,
      );
    }
    if (sameText(approver, progress.requestedBy)) {
      return no(`${approver} asked for this restore; somebody else has to approve it.`);
    }
    if (progress.approvals.some((item) => sameText(item.approver, approver))) {
      return no(`${approver} has approved already; ${progress.plan.approvals} different people are needed.`);
    }
    if (progress.planValidUntil !== null && Date.now() >= Date.parse(progress.planValidUntil)) {
      return no('The plan is too old to be approved; it is being made anew.');
    }
    progress.approvals.push({ approver, at: new Date().toISOString() });
    this.record('approve', 'success', approver, { planHash: progress.planHash });
    this.show();
    return yes(`Approved: ${progress.approvals.length} of ${progress.plan.approvals}.`);
  }
}

export function yes(message: string): Answer {
  return { accepted: true, message };
}

export function no(message: string): Answer {
  return { accepted: false, message };
}

function sameText(left: string, right: string): boolean {
  return left.trim().toLowerCase() === right.trim().toLowerCase();
}
