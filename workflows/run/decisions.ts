import { CancellationScope } from '@temporalio/workflow';
import type { Identity } from '../../src/contract/input';
import { type ParkChoice, type Parked, type RecoveryPhase, ROUTES } from '../../src/contract/recovery';
import { type Answer, no, yes } from '../../src/contract/update-answers';
import { phaseName } from '../../src/contract/voice/headline';
import { asserted, type Journal } from './journal';
import type { RunState } from './run-state';
import { noWayBackFrom } from './way-back';
import { notice } from '../../src/contract/notice';

/** Ends the run before the first stop, by decision of an operator. */
export class Abort extends Error {
  override readonly name = 'Abort';
}

/**
 * Phases in which a follower may be left out while its step runs: loading its data can take hours, and the cluster
 * serves without it.
 */
const LEAVABLE_IN: readonly RecoveryPhase[] = ['join', 'converge'];

export interface Decision {
  choice: ParkChoice;
  by: string;
  /** The node to leave out. */
  node?: string;
}

/** A running step on a node. */
export interface StepUnderway {
  scope: CancellationScope;
  /** By people who chose to continue without the node. */
  cancelled: boolean;
}

/** Undecided steps are parked and hand themselves over; a decision takes effect at once. */
export interface HandedDecisions {
  wayBackClosed: boolean;
}

/** What operators may decide in a recovery, and what they have decided. */
export class Decisions {
  readonly #ofParked = new Map<Parked, Decision>();
  readonly #underway = new Map<string, StepUnderway>();
  #changes: CancellationScope | null = null;
  #abortedBy: string | null = null;
  #wayBackClosed = false;

  constructor(
    private readonly state: RunState,
    private readonly journal: Journal,
    handed?: HandedDecisions,
  ) {
    this.#wayBackClosed = handed?.wayBackClosed ?? false;
  }

  handOver(): HandedDecisions {
    return { wayBackClosed: this.#wayBackClosed };
  }

  /**
   * Runs the part that changes the cluster. Meanwhile the run can be rolled back or, where that is impossible, aborted.
   */
  async changing<T>(work: () => Promise<T>): Promise<T> {
    this.#changes = new CancellationScope();
    return this.#changes.run(work);
  }

  /** From here on, no roll-back. */
  closeWayBack(): void {
    this.#wayBackClosed = true;
    this.state.show();
  }

  /** Registers a step on a node. @returns null if it is part of one that is registered. */
  begin(node: string): StepUnderway | null {
    if (this.#underway.has(node)) return null;
    const step: StepUnderway = { scope: new CancellationScope(), cancelled: false };
    this.#underway.set(node, step);
    return step;
  }

  end(node: string): void {
    this.#underway.delete(node);
  }

  /** The choices for a step that has used up its retries. */
  choicesFor(node: string | null): Pick<Parked, 'choices' | 'skippable'> {
    const skippable = this.#skippable(node);
    const choices: ParkChoice[] = ['resume'];
    if (skippable.length > 0) choices.push('skipNode');
    if (this.noWayBack === null) choices.push('rollBack');
    if (this.canAbort) choices.push('abort');
    return { choices, skippable };
  }

  isDecided(parked: Parked): boolean {
    return this.#ofParked.has(parked) || this.abortRequested;
  }

  /** Takes the decision; it counts once. Without one: `resume`. */
  take(parked: Parked): Pick<Decision, 'choice' | 'node'> {
    if (this.abortRequested) return { choice: 'abort' };
    const decision = this.#ofParked.get(parked);
    this.#ofParked.delete(parked);
    return decision ?? { choice: 'resume' };
  }

  /** The outcome of a parked step, in words. */
  outcomeOf(parked: Parked): string {
    if (this.#abortedBy !== null) return `aborted by ${this.#abortedBy}`;
    const decision = this.#ofParked.get(parked);
    if (decision) return `${decision.choice} by ${decision.by}`;
    const { rollBack } = this.state.progress;
    return rollBack === null ? 'tried again by itself' : `rolled back by ${rollBack.by}`;
  }

  get canAbort(): boolean {
    return this.#abortedBy === null && (this.#changes === null || (!this.#wayBackClosed && this.#servesMeanwhile));
  }

  get abortRequested(): boolean {
    return this.#abortedBy !== null;
  }

  /** Whether the cluster serves, whatever this run has done so far. */
  get #servesMeanwhile(): boolean {
    const { method } = this.state.progress;
    return method === 'rebuild' || method === 'inPlace' || method === 'copy';
  }

  /** Why the old data can't be put back; null if it can. */
  get noWayBack(): string | null {
    if (this.#changes === null) return 'Nothing has been changed yet: abort the run instead.';
    if (this.#wayBackClosed) return 'The restore is done; there is no way back any more.';
    return noWayBackFrom(this.state.progress);
  }

  /** Only after the first change: until then the plan includes every node. */
  #skippable(node: string | null): string[] {
    const { phase, nodes, plan } = this.state.progress;
    if (this.#changes === null) return [];
    const first = phase === 'rollBack' ? undefined : nodes.find((item) => item.role === 'first')?.name;
    const target = plan?.method === 'rebuild' ? plan.node : undefined;
    const concerned = node !== null ? [node] : phase === 'converge' ? this.state.activeNodes : [];
    return concerned.filter((name) => name !== first && name !== target);
  }

  resume(operator: string, who?: Identity): Answer {
    const { parked } = this.state.progress;
    if (parked.length === 0) return no('Nothing is parked; the run continues by itself.');
    for (const item of parked) this.#ofParked.set(item, { choice: 'resume', by: operator });
    this.journal.record('resume', 'info', operator, { ...asserted(who) });
    return yes('Trying again.');
  }

  skipNode(operator: string, node: string, who?: Identity): Answer {
    const { parked, method, phase } = this.state.progress;
    const own = parked.find((item) => item.skippable.includes(node)) ?? parked.find((item) => item.node === node);
    const step = LEAVABLE_IN.includes(phase) ? this.#underway.get(node) : undefined;
    if (!own && !step) return no(`${node} is neither parked nor joining just now, so there is nothing to skip.`);
    if (!(own?.skippable ?? this.#skippable(node)).includes(node)) return no(this.#whyNeeded(node));
    this.journal.record('skipNode', 'info', operator, { node, ...asserted(who) });
    if (own) {
      this.#ofParked.set(own, { choice: 'skipNode', by: operator, node });
    } else if (step) {
      step.cancelled = true;
      step.scope.cancel();
    }
    const route: readonly RecoveryPhase[] = ROUTES[method];
    if (route.indexOf(phase) > route.indexOf('stop')) return yes(`Continuing without ${node}; rebuild it afterwards.`);
    const warning = notice(
      'old-node-may-run',
      `${node} was left out before its Vault was confirmed to be stopped: power that host off, and rebuild it afterwards.`,
    );
    this.journal.warnings.push(warning);
    return yes(`Continuing without it. ${warning}`);
  }

  #whyNeeded(node: string): string {
    if (this.#changes === null) {
      return `Nothing has been changed yet, and the plan includes ${node}: bring its agent back, or abort the run, remove ${node} from the configuration and start again.`;
    }
    const { method } = this.state.progress;
    if (method === 'copy') return `${node} is the node being copied: without it there is no backup.`;
    return method === 'rebuild'
      ? `${node} is the node being rebuilt: without it there is nothing to do.`
      : `${node} is the first node: without it there is no restore.`;
  }

  abort(operator: string, who?: Identity): Answer {
    if (!this.canAbort) {
      const back = this.noWayBack;
      return no(
        back === null
          ? 'Nodes have been stopped already: continue (resume, or skip a node), or put the old data back (roll back).'
          : `Nodes have been changed already: resume, or skip a node. ${back}`,
      );
    }
    this.#abortedBy = operator;
    this.journal.record('abort', 'info', operator, { ...asserted(who) });
    this.#changes?.cancel();
    return yes(
      this.#changes === null
        ? 'Ending the run; nothing was stopped.'
        : 'Ending the run; its report says what was left as it is.',
    );
  }

  goLive(operator: string, who?: Identity): Answer {
    const { progress } = this.state;
    const { plan, live, rollBack, waitingFor } = progress;
    const first = plan?.firstNode ?? 'the first node';
    if (plan?.method !== 'snapshot' || !plan.quiet)
      return no('This run has no fence: it was not started with --quiet.');
    if (live !== undefined) return no(`${live.by} has already said so.`);
    if (rollBack !== null) return no(`${rollBack.by} has already started a roll-back.`);
    if (waitingFor !== 'goLive')
      return no(`Not yet: ${first} is not unsealed behind its fence. The run says when it is.`);
    progress.live = { by: operator, at: new Date().toISOString() };
    this.journal.record('goLive', 'info', operator, { node: first, ...asserted(who) });
    return yes(`The fence around ${first} is taken away; then it is verified, and the others join.`);
  }

  rollBack(operator: string, who?: Identity): Answer {
    const reason = this.noWayBack;
    if (reason !== null) return no(reason);
    const { progress } = this.state;
    const from = progress.phase;
    progress.rollBack = { by: operator, at: new Date().toISOString(), from };
    this.journal.record('rollBack', 'info', operator, { from, ...asserted(who) });
    this.#changes?.cancel();
    return yes(`Rolling back from the phase '${phaseName(from)}': the old data is put back on every node.`);
  }
}
