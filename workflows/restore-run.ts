import {
  CancellationScope,
  condition,
  isCancellation,
  log,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type MetError,
  type NodeState,
  type ParkChoice,
  type Parked,
  type RecoveryMethod,
  type RestorePhase,
  type RestoreProgress,
  ROUTES,
  type WaitingFor,
} from '../src/contract/restore';
import type { Answer } from '../src/contract/update-answers';
import { type Problem, problemOf } from './failures';
import { nextStep, restoreDetails } from './restore-details';
import { RunRecord } from './run-record';
import { PHASE_ATTRIBUTE } from './search-attributes';
import { noWayBackFrom } from './way-back';

/** The operator's decision to go back to before the first stop. */
export class Abort extends Error {
  override readonly name = 'Abort';
}

const WANTED = {
  approval: 'approval wanted',
  shares: 'shares wanted',
  operator: 'decision wanted',
} as const;

export const SKIPPED = Symbol('skipped');

/** State of one recovery: what it shows, how it waits, and how it parks instead of failing. */
export class RestoreRun extends RunRecord {
  readonly progress: RestoreProgress;
  /** Of the plan as it stands. */
  planWarnings: string[] = [];
  #waits = 0;
  #waitingSince: number | null = null;
  #decisions = new Map<Parked, { choice: ParkChoice; by: string }>();
  #changes: CancellationScope | null = null;
  #abortedBy: string | null = null;
  #wayBackClosed = false;

  /** @param cluster the one whose nodes are changed */
  constructor(cluster: string, requestedBy: string, method: RecoveryMethod) {
    const { runId, startTime } = workflowInfo();
    const startedAt = startTime.toISOString();
    super({ run: runId, cluster, startedAt });
    this.progress = {
      cluster,
      run: runId,
      method,
      requestedBy,
      status: 'running',
      phase: 'plan',
      waitingFor: null,
      escalatesAt: null,
      startedAt,
      nodes: [],
      phases: [],
      plan: null,
      planHash: null,
      planValidUntil: null,
      approvals: [],
      recipients: [],
      shares: null,
      parked: [],
      errors: [],
      rollBack: null,
    };
  }

  /** Begins a phase; what was waited for in the one before ends with it. */
  enter(phase: RestorePhase): void {
    const now = new Date().toISOString();
    this.closePhase();
    this.progress.phase = phase;
    this.progress.phases.push({ phase, startedAt: now, finishedAt: null, humanSeconds: 0 });
    upsertSearchAttributes([{ key: PHASE_ATTRIBUTE, value: phase }]);
    this.record('phase', 'info', 'vault-dr', { phase });
    this.show();
  }

  closePhase(): void {
    const last = this.progress.phases.at(-1);
    if (last) last.finishedAt ??= new Date().toISOString();
  }

  node(name: string, state: NodeState, detail: string | null = null): void {
    const node = this.progress.nodes.find((item) => item.name === name);
    if (!node) return;
    node.state = state;
    node.detail = detail;
    this.show();
  }

  /** Says which node the others join, once it is known. */
  lead(name: string): void {
    for (const node of this.progress.nodes) node.role = node.name === name ? 'first' : 'follower';
    this.show();
  }

  /** Nodes that are still part of the restore, the first one first. */
  get activeNodes(): string[] {
    return this.progress.nodes.filter((node) => node.state !== 'skipped').map((node) => node.name);
  }

  show(): void {
    setCurrentDetails(restoreDetails(this.progress));
  }

  /**
   * Time in which people are waited for is told apart from the machine's own. They are reminded; nothing ever gives up, unless
   * a deadline (milliseconds since the epoch) says so.
   */
  async waitFor(
    what: WaitingFor,
    until: () => boolean,
    limits: { deadline?: number; timeout?: '10s' } = {},
  ): Promise<void> {
    if (until()) return;
    this.#beginWait(what);
    try {
      if (limits.timeout === undefined) await this.#remindUntil(what, until, limits.deadline ?? Infinity);
      else await condition(until, limits.timeout);
    } finally {
      this.#endWait();
    }
  }

  async #remindUntil(what: WaitingFor, until: () => boolean, deadline: number): Promise<void> {
    const { remindMinutes, escalateMinutes } = this.reminders;
    this.notify(WANTED[what], nextStep(this.progress));
    const since = Date.now();
    for (;;) {
      const interval = Math.max(1, Math.min(remindMinutes * 60_000, deadline - Date.now()));
      if (await condition(until, interval)) return;
      if (Date.now() >= deadline) return;
      const waited = (Date.now() - since) / 60_000;
      this.notify(waited >= escalateMinutes ? 'escalation' : 'reminder', nextStep(this.progress));
    }
  }

  #beginWait(what: WaitingFor): void {
    this.#waits++;
    this.#waitingSince ??= Date.now();
    this.progress.waitingFor = what;
    this.progress.escalatesAt = new Date(Date.now() + this.reminders.escalateMinutes * 60_000).toISOString();
    this.progress.status = this.progress.parked.length > 0 ? 'parked' : 'waiting';
    this.show();
  }

  #endWait(): void {
    this.#waits--;
    if (this.#waits > 0 || this.#waitingSince === null) return;
    const phase = this.progress.phases.at(-1);
    if (phase) phase.humanSeconds += (Date.now() - this.#waitingSince) / 1_000;
    this.#waitingSince = null;
    this.progress.waitingFor = null;
    this.progress.escalatesAt = null;
    this.progress.status = 'running';
    this.show();
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
    for (let attempt = act; ; attempt = act) {
      try {
        return await attempt();
      } catch (error) {
        if (isCancellation(error) || error instanceof Abort) throw error;
        const healed = await this.#tryToHeal(what, node, error, heal);
        if (healed !== null) return healed;
        const choice = await this.#park(what, node, error);
        if (choice === 'abort') throw new Abort();
        if (choice === 'skipNode') {
          if (node) this.node(node, 'skipped', 'left out by the operator: rebuild it later');
          return SKIPPED;
        }
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

  async #park(what: string, node: string | null, error: unknown): Promise<ParkChoice> {
    const found = problemOf(error, what);
    const { code, problem, advice } = found;
    const parked: Parked = {
      phase: this.progress.phase,
      node,
      code,
      problem,
      advice,
      choices: this.#choicesFor(node),
      since: new Date().toISOString(),
    };
    log.warn('parked', { step: what, node, code, problem });
    this.record('parked', 'failure', 'vault-dr', { step: what, node, code, problem });
    const met = this.#met(node, found, 'open');
    this.progress.parked.push(parked);
    const decided = () => this.#decisions.has(parked) || this.#abortedBy !== null;
    try {
      // An agent that comes back needs nobody's decision.
      await this.waitFor('operator', decided, code === 'AgentUnreachable' ? { timeout: '10s' } : {});
    } finally {
      this.progress.parked = this.progress.parked.filter((item) => item !== parked);
      const decision = this.#decisions.get(parked);
      met.outcome =
        this.#abortedBy !== null
          ? `aborted by ${this.#abortedBy}`
          : this.progress.rollBack !== null && decision === undefined
            ? `rolled back by ${this.progress.rollBack.by}`
            : decision
              ? `${decision.choice} by ${decision.by}`
              : 'tried again by itself';
    }
    if (this.#abortedBy !== null) return 'abort';
    const choice = this.#decisions.get(parked)?.choice ?? 'resume';
    this.#decisions.delete(parked);
    this.show();
    return choice;
  }

  #choicesFor(node: string | null): ParkChoice[] {
    const choices: ParkChoice[] = ['resume'];
    const { method, phase, nodes } = this.progress;
    const indispensable = phase === 'rollBack' ? null : nodes.find((item) => item.role === 'first')?.name;
    if (node !== null && node !== indispensable && method !== 'rebuild') choices.push('skipNode');
    if (this.noWayBack === null) choices.push('rollBack');
    if (this.canAbort) choices.push('abort');
    return choices;
  }

  /** Runs what changes the cluster: from here on the run can't be aborted, yet be rolled back until it is done. */
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
    return this.#changes === null && this.#abortedBy === null;
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
    const parked = this.progress.parked.find((item) => item.node === node);
    if (!parked) return no(`${node} is not parked, so there is nothing to skip.`);
    if (!parked.choices.includes('skipNode')) {
      return no(
        this.progress.method === 'rebuild'
          ? `${node} is the node that is made anew: without it there is nothing to do.`
          : `${node} is the first node: without it there is no restore.`,
      );
    }
    this.#decisions.set(parked, { choice: 'skipNode', by: operator });
    this.record('skipNode', 'info', operator, { node });
    const route: readonly RestorePhase[] = ROUTES[this.progress.method];
    if (route.indexOf(this.progress.phase) > route.indexOf('stop')) {
      return yes(`Going on without ${node}; rebuild it afterwards.`);
    }
    const warning = `${node} was left out before its Vault was proved to be stopped: power that host off, and rebuild it afterwards.`;
    this.warnings.push(warning);
    return yes(`Going on without it. ${warning}`);
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
    return yes('Ending the run; nothing was stopped.');
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
