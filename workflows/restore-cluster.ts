import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  executeChild,
  isCancellation,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { BackupResult } from '../src/contract/backup';
import { restoreInput } from '../src/contract/input';
import { backupWorkflowId, restoreWorkflowId, WORKFLOW } from '../src/contract/names';
import type { NodePlan, RestorePlan, RestoreReport, RestoreSettings } from '../src/contract/restore';
import { ask, type NodeSteps, onNode, settle, transfer } from './activity-proxies';
import { parseOrFail, problemOf } from './failures';
import { handleMessages } from './messages';
import { Abort, RestoreRun, SKIPPED } from './restore-run';
import { CLUSTER_ATTRIBUTE, GENERATION_ATTRIBUTE } from './search-attributes';
import { Unsealing } from './unsealing';

/**
 * Brings a cluster back from a generation. Input: `{"cluster":"prod","requestedBy":"ana"}`, and optionally `generation` or
 * `asOf`. Its id must be `restore-<cluster>`: Temporal allows one open run of an id, and that is the lock.
 */
export async function restoreCluster(raw: unknown): Promise<RestoreReport> {
  const input = parseOrFail(restoreInput, raw, '{"cluster":"prod","requestedBy":"your name"}');
  requireWorkflowId(input.cluster);
  const run = new RestoreRun(input);
  const nodes = new Map<string, NodeSteps>();
  const steps = (name: string): NodeSteps => {
    const known = nodes.get(name) ?? onNode(input.cluster, name);
    nodes.set(name, known);
    return known;
  };
  const unsealing = new Unsealing(run, steps);
  const { ceremony } = unsealing;
  handleMessages(run, ceremony);
  upsertSearchAttributes([{ key: CLUSTER_ATTRIBUTE, value: input.cluster }]);

  const setAside: RestoreReport['setAside'] = [];
  try {
    const plan = await makePlan();
    await waitForApproval(plan);
    await stage(plan);
    await stopAll();
    await setAsideAll();
    await install(plan);
    await unsealFirst(plan);
    await verifyFirst(plan);
    await joinOthers(plan);
    await converge(plan);
    return await finish(plan);
  } catch (error) {
    if (error instanceof Abort) return await aborted();
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => endOnNodes(claimedNodes()));
    throw error;
  } finally {
    await CancellationScope.nonCancellable(async () => {
      await run.auditWritten();
      await condition(allHandlersFinished);
    });
  }

  // Changes nothing. Refuses with the complete list of reasons.
  async function makePlan(): Promise<RestorePlan> {
    run.enter('plan');
    try {
      const settings = await ask.planRestore({ cluster: input.cluster });
      run.reminders = settings.reminders;
      showNodes(settings);
      const [reports, chosen] = await Promise.all([
        Promise.all(settings.nodes.map((node) => describe(node))),
        transfer.chooseGeneration({ settings, generation: input.generation, asOf: input.asOf ?? null }),
      ]);
      const { plan, planHash } = await ask.makePlan({ settings, chosen, reports });
      run.progress.plan = plan;
      run.progress.planHash = planHash;
      for (const { node } of reports) run.node(node, 'ready');
      run.warnings.push(...plan.warnings);
      upsertSearchAttributes([{ key: GENERATION_ATTRIBUTE, value: plan.generation }]);
      run.record('plan', 'success', input.requestedBy, {
        generation: plan.generation,
        planHash,
        rpoSeconds: plan.rpoSeconds,
      });
      return plan;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { code, problem, advice } = problemOf(error, 'The plan');
      run.progress.status = 'refused';
      run.record('plan', 'failure', input.requestedBy, { code, problem });
      throw ApplicationFailure.create({
        message: `'${input.cluster}' was not restored, and nothing was changed. ${problem} ${advice}`,
        type: code,
        nonRetryable: true,
        cause: error as Error,
      });
    }
  }

  async function describe(node: NodePlan) {
    try {
      return { node: node.name, report: await steps(node.name).probe.describeNode(), problem: null };
    } catch (error) {
      if (isCancellation(error)) throw error;
      return { node: node.name, report: null, problem: problemOf(error, `looking at ${node.name}`).problem };
    }
  }

  async function waitForApproval(plan: RestorePlan): Promise<void> {
    run.enter('approve');
    await run.waitFor('approval', () => run.progress.approvals.length >= plan.approvals || run.abortRequested);
    if (run.abortRequested) throw new Abort();
  }

  // Before anything stops: the generation is on the first node's own disk, proved there; after this no network is needed.
  async function stage(plan: RestorePlan): Promise<void> {
    run.enter('stage');
    const first = plan.firstNode;
    await Promise.all(plan.nodes.map((node) => unsealing.claim(node.name)));
    ceremony.open(plan.seal.secretThreshold);
    const staged = await run.mustStep('staging the generation', first, () =>
      steps(first).fetch.stageGeneration({
        claim: run.claim,
        generation: plan.generation,
        manifestSha256: plan.manifestSha256,
        repositories: plan.copies,
      }),
    );
    for (const { repository, problem } of staged.problems) run.warnings.push(`copy in ${repository}: ${problem}`);
    run.node(first, 'staged', `from ${staged.repository}`);
    if (run.abortRequested) throw new Abort();
  }

  // In parallel. The others stay down until the first one is restored and unsealed.
  async function stopAll(): Promise<void> {
    run.enter('stop');
    await onEachNode(async (name) => {
      const stopped = await run.step(`stopping ${name}`, name, () => steps(name).change.stopNode({ claim: run.claim }));
      if (stopped !== SKIPPED) run.node(name, 'stopped');
    });
  }

  async function setAsideAll(): Promise<void> {
    run.enter('setAside');
    await onEachNode(async (name) => {
      const path = await run.step(`setting the data of ${name} aside`, name, () =>
        steps(name).change.setAsideData({ claim: run.claim }),
      );
      if (path === SKIPPED) return;
      setAside.push({ node: name, path });
      run.node(name, 'set aside', path);
    });
  }

  // Blank start, throwaway keys with the snapshot's N and T, snapshot-force, sealed, restarted while sealed.
  async function install({ firstNode, generation, manifestSha256, copies }: RestorePlan): Promise<void> {
    run.enter('install');
    run.node(firstNode, 'installing');
    await run.mustStep(`installing on ${firstNode}`, firstNode, async () => {
      try {
        await steps(firstNode).install.installSnapshot({ claim: run.claim });
      } catch (error) {
        if (problemOf(error, '').code !== 'StagingLost') throw error;
        const again = { claim: run.claim, generation, manifestSha256, repositories: copies };
        await steps(firstNode).fetch.stageGeneration(again);
        await steps(firstNode).install.installSnapshot({ claim: run.claim });
      }
    });
    run.node(firstNode, 'sealed');
  }

  async function unsealFirst({ firstNode }: RestorePlan): Promise<void> {
    run.enter('unseal');
    await unsealing.unseal(firstNode);
  }

  async function verifyFirst(plan: RestorePlan): Promise<void> {
    run.enter('verify');
    await run.mustStep(`verifying ${plan.firstNode}`, plan.firstNode, () => settle.verifyFirstNode({ plan }));
  }

  // In parallel; each starts empty, joins, is unsealed with the same shares.
  async function joinOthers(plan: RestorePlan): Promise<void> {
    run.enter('join');
    const leaderAddress = plan.nodes.find((node) => node.name === plan.firstNode)?.address ?? '';
    await onEachNode(async (name) => {
      if (name === plan.firstNode) return;
      for (let joined = false; !joined;) {
        run.node(name, 'joining');
        const step = await run.step(`joining ${name}`, name, () =>
          steps(name).change.joinNode({ claim: run.claim, leaderAddress }),
        );
        if (step === SKIPPED) return;
        joined = await unsealing.unseal(name);
      }
    });
  }

  async function converge(plan: RestorePlan): Promise<void> {
    run.enter('converge');
    await run.mustStep('waiting for the cluster to converge', null, () =>
      settle.checkConvergence({ plan, nodes: run.activeNodes }),
    );
    for (const name of run.activeNodes) run.node(name, 'voter');
  }

  async function finish(plan: RestorePlan): Promise<RestoreReport> {
    run.enter('finish');
    ceremony.close();
    await markRestored(plan);
    const [backup] = await Promise.all([backUpAtOnce(), endOnNodes(plan.nodes.map((node) => node.name))]);
    run.notify('restored', `${input.cluster} is restored from ${plan.generation}, captured ${plan.capturedAt}.`);
    return report('completed', plan, backup);
  }

  /** Before the backup: its retention must know what the cluster was brought back from. */
  async function markRestored({ generation, manifestSha256 }: RestorePlan): Promise<void> {
    try {
      const { cluster, run: id } = run.claim;
      const at = new Date().toISOString();
      const problems = await ask.markRestored({ cluster, generation, manifestSha256, run: id, at });
      run.warnings.push(
        ...problems.map(({ repository, problem }) => `${repository}: not marked as restored: ${problem}`),
      );
    } catch (error) {
      if (isCancellation(error)) throw error;
      run.warnings.push(`${generation} is not marked as restored: ${problemOf(error, 'marking').problem}`);
    }
  }

  async function backUpAtOnce(): Promise<RestoreReport['backup']> {
    try {
      const result = await executeChild<(raw: unknown) => Promise<BackupResult>>(WORKFLOW.backUpCluster, {
        workflowId: `${backupWorkflowId(input.cluster)}-after-restore-${run.claim.run}`,
        args: [{ cluster: input.cluster }],
        staticSummary: `First backup after the restore of ${input.cluster}`,
      });
      return { generation: result.generation };
    } catch (error) {
      if (isCancellation(error)) throw error;
      const problem = problemOf(error instanceof Error && error.cause ? error.cause : error, 'The backup').problem;
      run.warnings.push(`the restored cluster has no backup yet: ${problem}`);
      return { problem };
    }
  }

  /** What history keeps of the shares can't be opened once the identities are gone. */
  async function endOnNodes(names: string[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        try {
          await steps(name).quick.endRunOnNode({ claim: run.claim });
        } catch (error) {
          if (isCancellation(error)) throw error;
          run.warnings.push(
            `${name}: the run's identity and staged files are still there (${problemOf(error, 'cleaning up').problem})`,
          );
        }
      }),
    );
  }

  async function aborted(): Promise<RestoreReport> {
    ceremony.close();
    await endOnNodes(claimedNodes());
    return report('aborted', run.progress.plan, { problem: 'the run was aborted' });
  }

  function report(
    status: 'completed' | 'aborted',
    plan: RestorePlan | null,
    backup: RestoreReport['backup'],
  ): RestoreReport {
    run.closePhase();
    run.progress.status = status;
    const finishedAt = new Date().toISOString();
    const rtoSeconds = (Date.parse(finishedAt) - Date.parse(run.progress.startedAt)) / 1_000;
    const rtoHumanSeconds = run.progress.phases.reduce((sum, phase) => sum + phase.humanSeconds, 0);
    run.record('end', status === 'completed' ? 'success' : 'info', 'vault-dr', { status, rtoSeconds, rtoHumanSeconds });
    run.show();
    return {
      ...run.progress,
      finishedAt,
      rtoSeconds,
      rtoHumanSeconds,
      rtoMachineSeconds: rtoSeconds - rtoHumanSeconds,
      rpoSeconds: plan?.rpoSeconds ?? 0,
      setAside,
      backup,
      warnings: run.warnings,
    };
  }

  function claimedNodes(): string[] {
    return run.progress.recipients.map((item) => item.node);
  }

  function showNodes({ nodes: all }: RestoreSettings): void {
    run.progress.nodes = all.map((node, index) => ({
      name: node.name,
      role: index === 0 ? 'first' : 'follower',
      state: 'unknown',
      detail: null,
    }));
  }

  async function onEachNode(act: (name: string) => Promise<void>): Promise<void> {
    await Promise.all(run.activeNodes.map(act));
  }
}

function requireWorkflowId(cluster: string): void {
  const expected = restoreWorkflowId(cluster);
  if (workflowInfo().workflowId === expected) return;
  throw ApplicationFailure.nonRetryable(
    `A restore of '${cluster}' must have the workflow id '${expected}', which is what keeps two of them from running at once. ` +
      `Start it with: temporal workflow start --workflow-id ${expected} --fail-existing …`,
    'InvalidInput',
  );
}
