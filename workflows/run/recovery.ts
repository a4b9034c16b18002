import {
  allHandlersFinished,
  CancellationScope,
  condition,
  executeChild,
  isCancellation,
  patched,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { BackupResult } from '../../src/contract/backup';
import { backupWorkflowId, recoveryWorkflowId, WORKFLOW, WORKFLOW_TASK_TIMEOUT } from '../../src/contract/names';
import type { NodePlan, RecoveryPlan, RecoverySettings } from '../../src/contract/plan';
import {
  hasChangedNodes,
  type RecoveryMethod,
  type RecoveryPhase,
  type RecoveryReport,
  type RecoveryStatus,
} from '../../src/contract/recovery';
import { approvedPlan } from './approvals';
import { controller, type StepsOn, stepsOn } from './steps';
import type { Handover } from './handover';
import { counted } from './patient-activities';
import { renew, renewalDue } from './renewal';
import { ending, problemOf } from './problems';
import { handleMessages } from './messages';
import { Abort, Decisions } from './decisions';
import { Identities } from './identities';
import { Joining } from './joining';
import { inFewSteps } from './few-steps';
import { Journal } from './journal';
import { onEach } from './on-each';
import { RecoveryRun, SKIPPED } from './recovery-run';
import { reportOf, whatIsLeft } from './report';
import { showRetries } from './retries';
import { RunState } from './run-state';
import { Serving } from './serving';
import { ShareCeremony } from './share-ceremony';
import { ShareSets } from './share-sets';
import { Waiting } from './waiting';
import { CLUSTER_ATTRIBUTE } from './search-attributes';
import { Unsealing } from './unsealing';
import { layoutOn } from './layout';
import { lostOn } from './lost-run';
import { notice } from '../../src/contract/notice';

/** One recovery and its nodes: the steps that all runbooks share. */
export class Recovery {
  /** Histories from before this have a step for each thing. */
  readonly fewSteps: boolean;
  readonly run: RecoveryRun;
  readonly state: RunState;
  readonly journal: Journal;
  readonly steps: StepsOn;
  readonly identities: Identities;
  readonly unsealing: Unsealing;
  readonly joining: Joining;
  readonly serving: Serving;
  setAside: RecoveryReport['setAside'];
  readonly removed: RecoveryReport['removed'];
  graceDays: number;
  /** The first node's signed statement that the backup is on its disk. */
  staged: string | null;
  /** Whether a mark says that the cluster was restored. */
  marked: boolean;
  /** Revokes what was recorded elsewhere about this recovery; called by a roll-back. */
  undo: (() => Promise<void>) | null = null;
  readonly #sets: ShareSets;
  /** The phase of an earlier execution, until this execution reaches it. */
  #resumeAt: RecoveryPhase | null;

  /** @param handed from an earlier execution; null in the first one */
  constructor(cluster: string, requestedBy: string, method: RecoveryMethod, handed: Handover | null) {
    requireWorkflowId(cluster);
    const fewSteps = inFewSteps();
    const { firstExecutionRunId, startTime } = workflowInfo();
    const startedAt = handed?.progress.startedAt ?? startTime.toISOString();
    const claim = { run: firstExecutionRunId, cluster, startedAt };
    const journal = new Journal(claim, handed?.journal);
    const state = new RunState(claim, requestedBy, method, journal, handed ?? undefined);
    const waiting = new Waiting(state, journal, handed?.waits);
    const decisions = new Decisions(state, journal, handed?.decisions);
    const steps = stepsOn(cluster);
    // Asks once; only an agent that is running answers.
    const awaitAgent = (node: string) => steps(node).watchForSeal({ claim, seconds: 0 });
    const run = new RecoveryRun(claim, state, journal, waiting, decisions, awaitAgent, handed?.done);
    const sets = new ShareSets(state, journal, handed?.shares);
    const identities = new Identities(run, sets, steps, handed?.unsealing.checker);
    const ceremony = new ShareCeremony(state, journal, sets, identities);
    handleMessages(run, ceremony);
    showRetries(state, journal);
    upsertSearchAttributes([{ key: CLUSTER_ATTRIBUTE, value: cluster }]);
    this.fewSteps = fewSteps;
    this.run = run;
    this.state = state;
    this.journal = journal;
    this.steps = steps;
    this.identities = identities;
    this.unsealing = new Unsealing(run, sets, identities, steps, handed?.unsealing);
    this.joining = new Joining(run, this.unsealing, steps, handed?.blanked);
    this.serving = new Serving(handed?.serving);
    this.#sets = sets;
    this.graceDays = handed?.graceDays ?? 0;
    this.staged = handed?.staged ?? null;
    this.marked = handed?.marked ?? false;
    this.setAside = handed?.setAside ?? [];
    this.removed = handed?.removed ?? [];
    this.#resumeAt = handed?.progress.phase ?? null;
    for (const name of handed?.unsealing.kept ?? []) this.unsealing.keepOpen(name);
  }

  get cluster(): string {
    return this.run.claim.cluster;
  }

  /** Whether an earlier execution has begun to change nodes. */
  get isResumedInChanges(): boolean {
    return this.#resumeAt !== null && hasChangedNodes(this.state.progress);
  }

  /** The plan from an earlier execution. */
  get handedPlan(): RecoveryPlan | null {
    return this.#resumeAt === null ? null : this.state.progress.plan;
  }

  /** Begins a phase, or continues it if an earlier execution has begun it. */
  enter(phase: RecoveryPhase): void {
    if (this.#resumeAt !== phase) return this.state.enter(phase);
    this.#resumeAt = null;
    this.state.show();
  }

  /** Runs one phase of the runbook; phases that an earlier execution has completed are skipped. */
  async phase(name: RecoveryPhase, work: () => Promise<unknown>): Promise<void> {
    if (this.#resumeAt !== null && this.#resumeAt !== name) return;
    this.enter(name);
    await work();
  }

  /**
   * Runs a runbook to its end, or until the history is long while it waits: then a new execution continues.
   * @param input of the workflow, as received
   */
  async execute(input: unknown, runbook: () => Promise<RecoveryReport>): Promise<RecoveryReport> {
    const due = renewalDue(() => this.state.progress.phase, this.run.waiting);
    let isRenewed = false;
    try {
      const report = await Promise.race([runbook(), due]);
      if (report) return report;
      isRenewed = true;
    } catch (error) {
      if (error instanceof Abort) return await this.#aborted();
      if (isCancellation(error)) await CancellationScope.nonCancellable(() => this.#endCancelled());
      throw error;
    } finally {
      await CancellationScope.nonCancellable(async () => {
        await this.journal.written();
        if (!isRenewed) await this.journal.toldThroughChannels();
        await condition(allHandlersFinished);
      });
    }
    return renew(input, this.#handOver());
  }

  #handOver(): Handover {
    const { state, run, journal, unsealing, identities, graceDays, staged, marked, setAside, removed } = this;
    // First, because it adds up the time spent waiting for people.
    const waits = run.waiting.handOver();
    return {
      // From here on retries are only watched, and start over.
      progress: { ...state.progress, retrying: [] },
      planWarnings: state.planWarnings,
      graceDays,
      staged,
      marked,
      setAside,
      removed,
      blanked: this.joining.handOver(),
      unsealing: { ...unsealing.handOver(), checker: identities.checkedBy },
      done: run.handOver(),
      journal: journal.handOver(),
      shares: this.#sets.handOver(),
      waits,
      decisions: run.decisions.handOver(),
      serving: this.serving.handOver(),
    };
  }

  /**
   * Runs the part that changes nodes, during which people may roll back.
   * @param goBack puts the old data back; only for methods that set data aside
   */
  async change(
    work: () => Promise<RecoveryReport>,
    goBack?: (recovery: Recovery) => Promise<RecoveryReport>,
  ): Promise<RecoveryReport> {
    // An earlier execution has already begun the roll-back.
    if (goBack && this.state.progress.rollBack !== null) return this.run.decisions.changing(() => goBack(this));
    try {
      return await this.run.decisions.changing(work);
    } catch (error) {
      if (isCancellation(error) && goBack && this.state.progress.rollBack !== null) return goBack(this);
      if (isCancellation(error) && this.run.decisions.abortRequested) throw new Abort();
      throw error;
    }
  }

  show({ nodes, reminders, graceDays }: RecoverySettings, first: string | null): void {
    this.journal.reminders = reminders;
    this.graceDays = graceDays;
    this.state.progress.nodes = nodes.map(({ name }) => ({
      name,
      role: name === first ? 'first' : 'follower',
      state: 'unknown',
      detail: null,
    }));
  }

  async describe({ name }: NodePlan) {
    try {
      const report = await this.steps(name).describeNode();
      this.state.node(name, 'ready');
      return { node: name, report, problem: null };
    } catch (error) {
      if (isCancellation(error)) throw error;
      return { node: name, report: null, problem: problemOf(error, `looking at ${name}`).problem };
    }
  }

  /** Stops Vault and proves it: process gone, ports closed. */
  async stop(names: string[]): Promise<void> {
    await onEach(names, (name) =>
      this.run.once(`stopping ${name}`, async () => {
        const stopped = await this.run.step(`stopping ${name}`, name, () =>
          this.steps(name).stopNode({ claim: this.run.claim }),
        );
        if (stopped !== SKIPPED) this.state.node(name, 'stopped');
      }),
    );
  }

  /** Removes dead peers from a serving cluster: those in the plan, which people have approved. */
  async removePeers(peers: readonly string[]): Promise<void> {
    const { plan } = this.state.progress;
    if (plan === null) return;
    for (const peer of peers) {
      await this.run.once(`removing the peer ${peer}`, async () => {
        const approved = approvedPlan(this.state.progress);
        await this.run.mustStep(`removing the peer ${peer}`, null, () =>
          controller.removePeer({ plan, peer, run: this.run.claim.run, approved }),
        );
        this.journal.warnings.push(`the dead peer ${peer} was removed from the cluster`);
      });
    }
  }

  async setDataAside(names: string[], plan: RecoveryPlan): Promise<void> {
    const { claim } = this.run;
    const { setAside: how, accepted } = plan;
    const what = { claim, how, otherCluster: accepted.includes('other-cluster'), staged: this.staged };
    await onEach(names, (name) =>
      this.#putAside(name, () =>
        this.steps(name).setAsideData({ ...what, ...layoutOn(plan, name), ...lostOn(plan, name) }),
      ),
    );
  }

  /** What is in Consul now: the way back, in place of data directories. */
  async saveConsul(name: string): Promise<void> {
    await this.#putAside(name, () => this.steps(name).saveConsul({ claim: this.run.claim }));
  }

  /** For data without another copy: afterwards what is changed is not the only copy. */
  async copyDataAside(name: string): Promise<void> {
    await this.#putAside(name, () => this.steps(name).copyDataAside({ claim: this.run.claim }));
  }

  async #putAside(name: string, act: () => Promise<string | null>): Promise<void> {
    await this.run.once(`setting the data of ${name} aside`, async () => {
      const path = await this.run.step(`setting the data of ${name} aside`, name, act);
      if (path === SKIPPED) return;
      this.setAside.push({ node: name, path });
      this.state.node(name, 'set aside', path);
    });
  }

  /** @param method instead of that of the configuration */
  async backUpAtOnce(when: 'before' | 'after', method?: 'raft'): Promise<{ generation: string }> {
    const { silent } = this.serving;
    const result = await counted(() =>
      executeChild<(raw: unknown) => Promise<BackupResult>>(WORKFLOW.backUpCluster, {
        workflowId: `${backupWorkflowId(this.cluster)}-${when}-restore-${this.run.claim.run}`,
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        args: [{ cluster: this.cluster, ...(method ? { method } : {}), ...(silent ? { without: silent } : {}) }],
        staticSummary: `${when === 'after' ? 'First backup after' : 'Backup before'} the restore of ${this.cluster}`,
      }),
    );
    return { generation: result.generation };
  }

  /**
   * A failed backup is only a warning. If the cluster has stopped serving since it converged, it is brought back first.
   */
  async tryBackUp(plan: RecoveryPlan, again = this.unsealing.isWatching): Promise<RecoveryReport['backup']> {
    if (plan.storage === 'file') {
      const problem = 'the only node would have to be stopped again: make one as soon as that suits';
      this.journal.warnings.push(notice('no-backup-yet', `the restored cluster has no backup yet: ${problem}`));
      return { problem };
    }
    try {
      // The configuration still has the method of the old storage.
      return await this.backUpAtOnce('after', plan.method === 'migrate' ? 'raft' : undefined);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { code, problem } = problemOf(error instanceof Error && error.cause ? error.cause : error, 'The backup');
      if (again && code === 'ClusterUnhealthy') {
        await this.unsealing.allOpen();
        await this.joining.gate(plan);
        return this.tryBackUp(plan, false);
      }
      this.journal.warnings.push(notice('no-backup-yet', `the restored cluster has no backup yet: ${problem}`));
      return { problem };
    }
  }

  /** Without the identities the shares in history can't be decrypted. */
  async endOnNodes(names: string[], how: { unfinished?: boolean } = {}): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        try {
          await this.steps(name).endRunOnNode({ claim: this.run.claim, ...how });
        } catch (error) {
          if (isCancellation(error)) throw error;
          const { problem } = problemOf(error, 'cleaning up');
          this.journal.warnings.push(
            notice('identity-left', `${name}: the run's identity and staged files are still there (${problem})`),
          );
        }
      }),
    );
  }

  /** In the middle of changes the data set aside is still the original, and the hosts record that. */
  #endCancelled(): Promise<void> {
    return this.endOnNodes(this.claimedNodes(), hasChangedNodes(this.state.progress) ? { unfinished: true } : {});
  }

  /** Ends the run: destroys the identities, and stores the report next to the audit trail. */
  async end(status: RecoveryStatus, backup: RecoveryReport['backup'] = null): Promise<RecoveryReport> {
    const { consideredCancelled, cancelRequested } = CancellationScope.current();
    // Cancelled although its last step succeeded: the roll-back needs the shares and identities that still exist.
    if (consideredCancelled) await cancelRequested;
    this.unsealing.stopWatching();
    this.#sets.close();
    this.run.decisions.closeWayBack();
    await this.endOnNodes(this.claimedNodes());
    const report = this.#report(status, backup);
    await this.#store(report);
    return report;
  }

  /** The end of a run that only planned. */
  planned(): RecoveryReport {
    return this.#report('planned', null);
  }

  claimedNodes(): string[] {
    return this.state.progress.recipients.map((item) => item.node);
  }

  async #aborted(): Promise<RecoveryReport> {
    this.unsealing.stopWatching();
    this.journal.warnings.push(...whatIsLeft(this.state.progress));
    return this.end('aborted');
  }

  #report(status: RecoveryStatus, backup: RecoveryReport['backup']): RecoveryReport {
    const { state, journal, setAside, removed, graceDays } = this;
    state.closePhase();
    state.progress.status = status;
    const report = reportOf({ progress: state.progress, setAside, removed, graceDays, backup });
    const { rtoSeconds, rtoHumanSeconds } = report;
    const outcome = status === 'completed' ? 'success' : 'info';
    journal.recordWithNext('end', outcome, 'vault-dr', { status, rtoSeconds, rtoHumanSeconds });
    state.show();
    // Warnings of a plan don't matter if it was not carried out.
    const isCarriedOut = status === 'completed' || status === 'planned';
    return { ...report, warnings: isCarriedOut ? [...state.planWarnings, ...journal.warnings] : journal.warnings };
  }

  async #store(report: RecoveryReport): Promise<void> {
    try {
      // On any controller in histories from before this.
      const where = this.serving.by !== null && patched('report-where-served') ? this.serving : new Serving();
      const stored = await where.ask((steps) => steps.storeReport({ report }));
      this.journal.record('report', 'info', 'vault-dr', { ...stored });
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { problem } = problemOf(error, 'writing');
      this.journal.warnings.push(notice('records-not-written', `the report could not be written: ${problem}`));
    }
  }
}

function requireWorkflowId(cluster: string): void {
  const expected = recoveryWorkflowId(cluster);
  if (workflowInfo().workflowId === expected) return;
  throw ending({
    code: 'InvalidInput',
    problem: `A recovery of '${cluster}' must have the workflow id '${expected}', which is what keeps two of them from running at once.`,
    advice: `Start it with: temporal workflow start --workflow-id ${expected} --fail-existing …`,
  });
}
