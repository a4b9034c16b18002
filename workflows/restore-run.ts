import {
  condition,
  isCancellation,
  log,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { RestoreInput } from '../src/contract/input';
import {
  RESTORE_PHASES,
  type NodeState,
  type ParkChoice,
  type Parked,
  type RestorePhase,
  type RestoreProgress,
  type ReminderSettings,
  type RunClaim,
  type WaitingFor,
} from '../src/contract/restore';
import type { Notification } from '../src/contract/notification';
import type { Answer } from '../src/contract/update-answers';
import { audit } from './activity-proxies';
import { problemOf } from './failures';
import { nextStep, restoreDetails } from './restore-details';
import { PHASE_ATTRIBUTE } from './search-attributes';

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

/** State of one restore: what it shows, how it waits, and how it parks instead of failing. */
export class RestoreRun {
  readonly progress: RestoreProgress;
  readonly claim: RunClaim;
  readonly warnings: string[] = [];
  reminders: ReminderSettings = { remindMinutes: 10, escalateMinutes: 30, alternates: [] };
  #waits = 0;
  #waitingSince: number | null = null;
  #decisions = new Map<Parked, ParkChoice>();
  #abortedBy: string | null = null;
  #auditTail: Promise<void> = Promise.resolve();
  #auditCount = 0;
  #notificationCount = 0;

  constructor(readonly input: RestoreInput) {
    const { runId, startTime } = workflowInfo();
    const startedAt = startTime.toISOString();
    this.claim = { run: runId, cluster: input.cluster, startedAt };
    this.progress = {
      cluster: input.cluster,
      run: runId,
      status: 'running',
      phase: 'plan',
      waitingFor: null,
      escalatesAt: null,
      startedAt,
      nodes: [],
      phases: [],
      plan: null,
      planHash: null,
      approvals: [],
      recipients: [],
      shares: null,
      parked: [],
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

  /** Nodes that are still part of the restore, the first one first. */
  get activeNodes(): string[] {
    return this.progress.nodes.filter((node) => node.state !== 'skipped').map((node) => node.name);
  }

  show(): void {
    setCurrentDetails(restoreDetails(this.progress));
  }

  /** Time in which people are waited for is told apart from the machine's own. They are reminded; nothing ever gives up. */
  async waitFor(what: WaitingFor, until: () => boolean, timeout?: '10s'): Promise<void> {
    if (until()) return;
    this.#beginWait(what);
    try {
      if (timeout === undefined) await this.#remindUntil(what, until);
      else await condition(until, timeout);
    } finally {
      this.#endWait();
    }
  }

  async #remindUntil(what: WaitingFor, until: () => boolean): Promise<void> {
    const { remindMinutes, escalateMinutes } = this.reminders;
    this.notify(WANTED[what], nextStep(this.progress));
    const since = Date.now();
    while (!(await condition(until, remindMinutes * 60_000))) {
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
   * @returns SKIPPED when they chose to go on without the node.
   * @throws Abort when they chose to stop, which is possible before the first node is stopped.
   */
  async step<T>(what: string, node: string | null, act: () => Promise<T>): Promise<T | typeof SKIPPED> {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (isCancellation(error) || error instanceof Abort) throw error;
        const choice = await this.#park(what, node, error);
        if (choice === 'abort') throw new Abort();
        if (choice === 'skipNode') {
          if (node) this.node(node, 'skipped', 'left out by the operator: rebuild it later');
          return SKIPPED;
        }
      }
    }
  }

  /** Like `step`, for what can't be left out. */
  async mustStep<T>(what: string, node: string | null, act: () => Promise<T>): Promise<T> {
    for (;;) {
      const result = await this.step(what, node, act);
      if (result !== SKIPPED) return result;
    }
  }

  async #park(what: string, node: string | null, error: unknown): Promise<ParkChoice> {
    const { code, problem, advice } = problemOf(error, what);
    const choices: ParkChoice[] = ['resume'];
    if (node !== null && node !== this.progress.nodes[0]?.name) choices.push('skipNode');
    if (this.canAbort) choices.push('abort');
    const parked: Parked = {
      phase: this.progress.phase,
      node,
      code,
      problem,
      advice,
      choices,
      since: new Date().toISOString(),
    };
    log.warn('parked', { step: what, node, code, problem });
    this.record('parked', 'failure', 'vault-dr', { step: what, node, code, problem });
    this.progress.parked.push(parked);
    const decided = () => this.#decisions.has(parked) || this.#abortedBy !== null;
    try {
      // An agent that comes back needs nobody's decision.
      await this.waitFor('operator', decided, code === 'AgentUnreachable' ? '10s' : undefined);
    } finally {
      this.progress.parked = this.progress.parked.filter((item) => item !== parked);
    }
    if (this.#abortedBy !== null) return 'abort';
    const choice = this.#decisions.get(parked) ?? 'resume';
    this.#decisions.delete(parked);
    this.show();
    return choice;
  }

  get canAbort(): boolean {
    return ['plan', 'approve', 'stage'].includes(this.progress.phase) && this.#abortedBy === null;
  }

  get abortRequested(): boolean {
    return this.#abortedBy !== null;
  }

  resume(operator: string): Answer {
    if (this.progress.parked.length === 0) return no('Nothing is parked; the run goes on by itself.');
    for (const parked of this.progress.parked) this.#decisions.set(parked, 'resume');
    this.record('resume', 'info', operator, {});
    return yes('Trying again.');
  }

  skipNode(operator: string, node: string): Answer {
    const parked = this.progress.parked.find((item) => item.node === node);
    if (!parked) return no(`${node} is not parked, so there is nothing to skip.`);
    if (!parked.choices.includes('skipNode')) return no(`${node} is the first node: without it there is no restore.`);
    this.#decisions.set(parked, 'skipNode');
    this.record('skipNode', 'info', operator, { node });
    if (RESTORE_PHASES.indexOf(this.progress.phase) > RESTORE_PHASES.indexOf('stop')) {
      return yes(`Going on without ${node}; rebuild it afterwards.`);
    }
    const warning = `${node} was left out before its Vault was proved to be stopped: power that host off, and rebuild it afterwards.`;
    this.warnings.push(warning);
    return yes(`Going on without it. ${warning}`);
  }

  abort(operator: string): Answer {
    if (!this.canAbort) {
      return no('Nodes have been stopped already, so the way on is forward: resume, or skip a node.');
    }
    this.#abortedBy = operator;
    this.record('abort', 'info', operator, {});
    return yes('Ending the run; nothing was stopped.');
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
    if (sameText(approver, this.input.requestedBy)) {
      return no(`${approver} asked for this restore; somebody else has to approve it.`);
    }
    if (progress.approvals.some((item) => sameText(item.approver, approver))) {
      return no(`${approver} has approved already; ${progress.plan.approvals} different people are needed.`);
    }
    progress.approvals.push({ approver, at: new Date().toISOString() });
    this.record('approve', 'success', approver, { planHash: progress.planHash });
    this.show();
    return yes(`Approved: ${progress.approvals.length} of ${progress.plan.approvals}.`);
  }

  /** Writes to the audit trail, in order and beside the run: a trail that can't be written doesn't hold a recovery up. */
  record(
    action: string,
    outcome: 'success' | 'failure' | 'info',
    actor: string,
    details: Record<string, unknown>,
  ): void {
    const { run, cluster } = this.claim;
    const id = `${run}/${++this.#auditCount}`;
    const at = new Date().toISOString();
    this.#auditTail = this.#auditTail
      .then(() => audit.recordAudit({ id, at, action: `restore.${action}`, cluster, run, outcome, actor, details }))
      .catch((error: unknown) => {
        const warning = 'the audit trail could not be written';
        if (!this.warnings.includes(warning)) this.warnings.push(warning);
        log.warn(warning, { problem: problemOf(error, 'audit').problem });
      });
  }

  /** Tells people, by the operator's own command; that it fails is told in the report and holds nothing up. */
  notify(event: Notification['event'], text: string): void {
    const { run, cluster } = this.claim;
    const alternates = event === 'escalation' ? this.reminders.alternates : [];
    const id = `${run}/notification/${++this.#notificationCount}`;
    audit.notify({ id, event, cluster, run, text, alternates }).catch((error: unknown) => {
      const warning = `people could not be notified: ${problemOf(error, 'notify').problem}`;
      if (!this.warnings.includes(warning)) this.warnings.push(warning);
    });
  }

  async auditWritten(): Promise<void> {
    await this.#auditTail;
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
