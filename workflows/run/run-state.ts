import { condition, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { RecoveryPlan } from '../../src/contract/plan';
import type {
  NodeState,
  RecoveryMethod,
  RecoveryPhase,
  RecoveryProgress,
  WaitingFor,
} from '../../src/contract/recovery';
import { nextStep, recoveryDetails } from './recovery-details';
import { RunRecord } from './run-record';
import { PHASE_ATTRIBUTE } from './search-attributes';

const WANTED = {
  approval: 'approval wanted',
  shares: 'shares wanted',
  operator: 'decision wanted',
} as const;

/** State of one recovery: what it shows, and how it waits for people. */
export class RunState extends RunRecord {
  readonly progress: RecoveryProgress;
  /** Of the plan as it stands. */
  planWarnings: string[] = [];
  #waits: WaitingFor[] = [];
  #waitingSince: number | null = null;

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
  enter(phase: RecoveryPhase): void {
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

  /** The nodes as a plan has them: with the one that the others join, and without those that it leaves out. */
  nodesOf({ nodes, firstNode, leftOut = [] }: RecoveryPlan): void {
    const known = new Map(this.progress.nodes.map((node) => [node.name, node]));
    this.progress.nodes = nodes.map(({ name }) => ({
      name,
      role: name === firstNode ? 'first' : 'follower',
      ...(leftOut.includes(name)
        ? { state: 'skipped', detail: 'it did not serve when this was planned: rebuild it afterwards' }
        : { state: known.get(name)?.state ?? 'unknown', detail: known.get(name)?.detail ?? null }),
    }));
    this.show();
  }

  /** Nodes that are still part of the restore, the first one first. */
  get activeNodes(): string[] {
    return this.progress.nodes.filter((node) => node.state !== 'skipped').map((node) => node.name);
  }

  show(): void {
    setCurrentDetails(recoveryDetails(this.progress));
  }

  /**
   * Time in which people are waited for is told apart from the machine's own. They are reminded; nothing ever gives up, unless
   * a deadline (milliseconds since the epoch) says so.
   */
  async waitFor(what: WaitingFor, until: () => boolean, deadline = Infinity): Promise<void> {
    if (until()) return;
    this.#beginWait(what);
    try {
      await this.#remindUntil(what, until, deadline);
    } finally {
      this.#endWait(what);
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
    this.#waits.push(what);
    this.#waitingSince ??= Date.now();
    this.progress.escalatesAt = new Date(Date.now() + this.reminders.escalateMinutes * 60_000).toISOString();
    this.showWaits();
  }

  #endWait(what: WaitingFor): void {
    this.#waits.splice(this.#waits.lastIndexOf(what), 1);
    if (this.#waits.length === 0 && this.#waitingSince !== null) {
      const phase = this.progress.phases.at(-1);
      if (phase) phase.humanSeconds += (Date.now() - this.#waitingSince) / 1_000;
      this.#waitingSince = null;
      this.progress.escalatesAt = null;
    }
    this.showWaits();
  }

  /** To be called when what is parked has changed, too. */
  showWaits(): void {
    this.progress.waitingFor = this.#waits.at(-1) ?? null;
    const waiting = this.#waits.length > 0 ? 'waiting' : 'running';
    this.progress.status = this.progress.parked.length > 0 ? 'parked' : waiting;
    this.show();
  }
}
