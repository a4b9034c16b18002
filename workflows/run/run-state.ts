import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { RecoveryPlan } from '../../src/contract/plan';
import type { NodeState, RecoveryMethod, RecoveryPhase, RecoveryProgress, RunClaim } from '../../src/contract/recovery';
import { phaseName } from '../../src/contract/voice/headline';
import type { Journal } from './journal';
import { recoveryDetails } from './recovery-details';
import { PHASE_ATTRIBUTE } from './search-attributes';

/** The state of one recovery, as shown to people. */
export class RunState {
  readonly progress: RecoveryProgress;
  /** Warnings of the current plan. */
  planWarnings: string[];

  constructor(
    { run, cluster, startedAt }: RunClaim,
    requestedBy: string,
    method: RecoveryMethod,
    private readonly journal: Journal,
    handed?: { progress: RecoveryProgress; planWarnings: string[] },
  ) {
    this.planWarnings = handed?.planWarnings ?? [];
    this.progress = handed?.progress ?? {
      cluster,
      run,
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
      retrying: [],
      rollBack: null,
    };
  }

  get phaseName(): string {
    return phaseName(this.progress.phase);
  }

  get takesApprovals(): boolean {
    return this.progress.phase === 'approve';
  }

  get approveCommand(): string {
    return `vault-dr approve --cluster ${this.progress.cluster}`;
  }

  /** Begins a phase; whatever the previous one waited for ends with it. */
  enter(phase: RecoveryPhase): void {
    const now = new Date().toISOString();
    this.closePhase();
    this.progress.phase = phase;
    this.progress.phases.push({ phase, startedAt: now, finishedAt: null, humanSeconds: 0 });
    upsertSearchAttributes([{ key: PHASE_ATTRIBUTE, value: phase }]);
    this.journal.record('phase', 'info', 'vault-dr', { phase });
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

  /** Takes the nodes of a plan, without those that it leaves out. */
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

  /** Nodes that are still part of the recovery, the first node first. */
  get activeNodes(): string[] {
    return this.progress.nodes.filter((node) => node.state !== 'skipped').map((node) => node.name);
  }

  show(): void {
    setCurrentDetails(recoveryDetails(this.progress));
  }
}
