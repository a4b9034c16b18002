import {
  CancellationScope,
  defineQuery,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  BackupPhase,
  BackupPlan,
  BackupProgress,
  BackupResult,
  ClusterHealth,
  PublishedCopy,
  StagedGeneration,
} from '../src/contract/backup';
import { backupInput } from '../src/contract/input';
import type { MadeCopy } from '../src/contract/copied';
import { PROGRESS_QUERY } from '../src/contract/names';
import { incompleteBackup } from '../src/contract/voice/backup-text';
import type { Notification } from '../src/contract/notification';
import { type Delivering, notifyThroughChannels } from './run/deliver';
import { backupDetails } from './run/backup-details';
import { collectConfigs, type StageBundles } from './run/config-bundles';
import { controller, controllerAt } from './run/steps';
import { runCopy } from './run/run-copy';
import { ending, isGone, parseOrFail, problemOf } from './run/problems';
import { CLUSTER_ATTRIBUTE, GENERATION_ATTRIBUTE } from './run/search-attributes';
import { inFewSteps, since } from './run/few-steps';
import { quick } from './run/quick-steps';
import { Serving } from './run/serving';
import { tidyUp } from './run/tidying';
import { notice } from '../src/contract/notice';

type AuditRecord = Parameters<typeof controller.recordAudit>[0];

/** How often all repositories are tried before the backup fails because none answers. */
const PUBLISH_ROUNDS = 5;
const CAPTURES = 3;

/**
 * Backs up a cluster: health, capture, publish, replicate, retention, audit. Input: `{"cluster":"prod"}`. Fails only if
 * no verified copy could be made; a later run catches up repositories that were down.
 */
export async function backUpCluster(raw: unknown): Promise<BackupResult> {
  const { cluster, method, without } = parseOrFail(backupInput, raw, '{"cluster":"prod"}');
  const { runId } = workflowInfo();
  // Histories from before this have a step for each thing.
  const fewSteps = inFewSteps();
  const progress: BackupProgress = {
    cluster,
    run: runId,
    phase: 'health',
    generation: null,
    copies: [],
    missing: [],
    warnings: [],
  };
  /** The controller on whose disk it lies until it is published. */
  let home: string | undefined;
  /** The one that serves a directory of the cluster, as long as it answers. */
  const serving = new Serving();
  /** Repositories that have this backup, or that do not take it now. */
  const tried = new Set<string>();
  /** That somebody is to know that it has started; nothing waits for it. */
  let started: Promise<Delivering | null> | undefined;
  /** Nothing of it is left to record, or to clear away. */
  let isClosed = false;
  setHandler(defineQuery<BackupProgress>(PROGRESS_QUERY), () => progress, { description: 'How far the backup is' });
  upsertSearchAttributes([{ key: CLUSTER_ATTRIBUTE, value: cluster }]);
  enter('health');

  try {
    const { isTold = false, ...plan } = await makePlan();
    if (isTold) started = notifyPeople('backup started', `The backup of ${cluster} has started.`).catch(() => null);
    if (plan.method !== undefined && plan.method !== 'raft') progress.method = plan.method;
    const health = await (fewSteps ? quick : controller).checkHealth({ plan });
    progress.warnings.push(...health.warnings);

    const stageBundles = await collectConfigs({
      cluster,
      run: runId,
      nodes: plan.configNodes,
      atOnce: home === undefined,
      withCapture: fewSteps,
      warn: (text) => progress.warnings.push(text),
    });
    const { staged, first } =
      plan.method === 'filesystem'
        ? await copyAndPublish(plan, health, stageBundles)
        : await captureAndPublish(plan, health, stageBundles);
    const { generation, manifest } = staged;

    enter('replicate');
    const others = plan.repositories.filter((repository) => repository !== first);
    await Promise.all(others.filter((to) => !tried.has(to)).map((to) => copyTo(generation, first, to)));
    const holders = progress.copies.map((copy) => copy.repository);
    const { caughtUp, retention, problems } = await tidyUp({
      cluster,
      generation,
      policy: plan.retention,
      holders,
      others,
      serving,
      together: fewSteps,
      warn: (text) => progress.warnings.push(text),
      beforeRetention: () => enter('retention'),
    });

    enter('audit');
    const result: BackupResult = {
      cluster,
      generation,
      capturedAt: manifest.capturedAt,
      raftIndex: manifest.raft.index,
      ...(manifest.content === undefined ? {} : { content: manifest.content }),
      sizeBytes: manifest.stored.sizeBytes,
      sha256: manifest.stored.sha256,
      encryption: manifest.encryption.method,
      copies: progress.copies,
      missing: progress.missing,
      caughtUp,
      retention,
      warnings: progress.warnings,
    };
    const { sha256, copies, missing } = result;
    const done = recordOf('success', { generation, sha256, copies, missing });
    const lacking = progress.missing.map(({ repository, problem }) => `no copy in ${repository}: ${problem}`);
    const unpublished = fewSteps ? await close(done, holders) : await recorded(done, holders);
    const incomplete = [...lacking, ...problems];
    await Promise.all([
      ...unpublished.map(keepAuditHead),
      reportIncomplete(generation, incomplete),
      ...(isTold && incomplete.length === 0 ? [succeeded(generation)] : []),
    ]);
    return result;
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { code, problem, advice, where } = problemOf(error, 'The backup');
    await write(recordOf('failure', { code, problem }));
    await startedIsSaid();
    await notifyPeople('backup failed', `The backup of ${cluster} failed: ${problem} ${advice}`);
    throw ending({ code, problem: `The backup of '${cluster}' failed: ${problem}`, advice, where }, error);
  } finally {
    await CancellationScope.nonCancellable(async () => {
      if (isClosed) return;
      await disk()
        .discardStaging({ cluster, run: runId })
        .catch((error: unknown) => {
          log.warn('staging was not removed', { problem: problemOf(error, 'discardStaging').problem });
        });
    });
  }

  /** Notifies people, because nobody looks at a backup that succeeded: a repository may be down for weeks. */
  async function reportIncomplete(generation: string, problems: string[]): Promise<void> {
    // Not in histories from before this notification existed.
    if (problems.length === 0 || !since('copy-missing')) return;
    await notifyPeople('copy missing', incompleteBackup(cluster, generation, problems));
  }

  async function notifyPeople(event: Notification['event'], text: string): Promise<Delivering | null> {
    try {
      return await notifyThroughChannels({ id: `${runId}/${event}`, event, cluster, run: runId, text, alternates: [] });
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('people were not told', { problem: problemOf(error, 'notify').problem });
      return null;
    }
  }

  async function succeeded(generation: string): Promise<void> {
    await startedIsSaid();
    await notifyPeople('backup succeeded', `The backup of ${cluster} is complete: ${generation}.`);
  }

  /** How it has ended is said after that it has started, or in place of it. */
  async function startedIsSaid(): Promise<void> {
    if (started) await (await started)?.cancel();
  }

  /** A recovery that asks for a backup of its own holds the lock that a copy of a node needs: it gets a snapshot instead. */
  async function makePlan(): Promise<BackupPlan & { isTold?: true }> {
    const isPart = workflowInfo().parent !== undefined;
    const away = isPart && without ? { without } : {};
    // That of a recovery takes no turn, which only a step of its own can say.
    const { planBackup } = fewSteps && !isPart ? quick : controller;
    const plan = await planBackup({ cluster, ...(method ? { method } : {}), ...away });
    const inRecovery = plan.method === 'filesystem' && isPart;
    const made = inRecovery ? await planBackup({ cluster, method: 'raft', ...away }) : plan;
    home = made.controller;
    serving.by = made.servedBy === away.without ? null : (made.servedBy ?? null);
    return made;
  }

  /** Steps on the controller that holds what is staged; runs of earlier versions know of one alone. */
  function disk(): typeof controller {
    return home === undefined ? controller : controllerAt(home);
  }

  function enter(phase: BackupPhase): void {
    progress.phase = phase;
    setCurrentDetails(backupDetails(progress));
  }

  async function captureAndPublish(plan: BackupPlan, health: ClusterHealth, stageBundles: StageBundles) {
    const seen = { ...health, warnings: [...progress.warnings] };
    const capture = async () => {
      enter('capture');
      const staged = await disk().captureSnapshot({ plan, health: seen, ...(await stageBundles(disk())), run: runId });
      progress.generation = staged.generation;
      upsertSearchAttributes([{ key: GENERATION_ATTRIBUTE, value: staged.generation }]);
      return staged;
    };
    // To one after the other in histories from before this.
    const publish = since('publish-side-by-side') ? publishToAll : publishToFirst;
    return stageAndPublish(capture, (staged) => publish(plan, staged), {
      repositories: plan.repositories,
      warn: (text) => seen.warnings.push(text),
    });
  }

  /** A node is stopped, archived and started again by a run of its own, which holds the lock of the cluster and outlives this one. */
  async function copyAndPublish(plan: BackupPlan, health: ClusterHealth, stageBundles: StageBundles) {
    enter('capture');
    const { data, lag, repository } = await copyOfNode();
    progress.generation = data.generation;
    upsertSearchAttributes([{ key: GENERATION_ATTRIBUTE, value: data.generation }]);
    const describe = async () => {
      const bundles = await stageBundles(disk());
      const seen = { ...health, warnings: progress.warnings };
      return disk().describeCopy({ plan, health: seen, ...bundles, copied: data, lag, run: runId });
    };
    const publish = async (staged: StagedGeneration) => {
      progress.copies = [await publishTo(staged, repository)];
      return repository;
    };
    return stageAndPublish(describe, publish, { repositories: [repository], warn: () => undefined });
  }

  /** What a controller has staged is lost with that controller; then another one does it again. */
  async function stageAndPublish(
    stage: () => Promise<StagedGeneration>,
    publish: (staged: StagedGeneration) => Promise<string>,
    { repositories, warn }: { repositories: string[]; warn: (text: string) => void },
  ): Promise<{ staged: StagedGeneration; first: string }> {
    for (let tries = 1; ; tries++) {
      let staged: StagedGeneration | null = null;
      try {
        staged = await stage();
        // The manifest has the earlier warnings, too.
        progress.warnings = [...new Set([...progress.warnings, ...staged.manifest.warnings])];
        enter('publish');
        return { staged, first: await publish(staged) };
      } catch (error) {
        const gone = isGone(error);
        const isLost = gone || (staged !== null && problemOf(error, 'publish').code === 'StagingLost');
        if (!isLost || tries === CAPTURES) throw gone ? silent(home, error) : error;
        if (home === undefined) continue;
        const first = staged && (await findPublished(staged, repositories));
        if (staged && first !== null) {
          // Nobody is left to ask for what it had staged; it removes that itself when it is back.
          if (gone) home = undefined;
          return { staged, first };
        }
        if (gone) await moveAway(warn);
      }
    }
  }

  /** Another controller does what this one no longer can. */
  async function moveAway(warn: (text: string) => void): Promise<void> {
    const gone = home;
    if (gone === serving.by) serving.by = null;
    const wish = { cluster, ...(method ? { method } : {}), ...(gone === undefined ? {} : { without: gone }) };
    home = (await controller.planBackup(wish)).controller;
    const text = notice('controller-gone', `the controller ${gone} went away; the backup was made again by ${home}`);
    progress.warnings.push(text);
    warn(text);
  }

  /** What was written may be complete though nobody said so any more; two backups of one run would be one too many. */
  async function findPublished(staged: StagedGeneration, repositories: string[]): Promise<string | null> {
    for (const repository of repositories) {
      try {
        progress.copies = [await controller.publishGeneration({ staged, repository })];
        progress.missing = progress.missing.filter((item) => item.repository !== repository);
        return repository;
      } catch (error) {
        if (isCancellation(error)) throw error;
      }
    }
    return null;
  }

  function silent(name: string | undefined, error: unknown): Error {
    return ending(
      {
        code: 'NotYet',
        problem: `The controller ${name} does not answer.`,
        advice: 'Start it, or look at its log; then start the backup again.',
        where: name ?? null,
      },
      error,
    );
  }

  async function publishTo(staged: StagedGeneration, repository: string): Promise<PublishedCopy> {
    return disk().publishGeneration({ staged, repository });
  }

  async function copyOfNode(): Promise<MadeCopy & { repository: string }> {
    const { copied, warnings } = await runCopy(cluster);
    progress.warnings.push(...warnings);
    if (copied !== undefined && 'data' in copied && copied.repository !== null) {
      return { ...copied, repository: copied.repository };
    }
    throw ending({
      code: 'Aborted',
      problem: 'The copy of the node was aborted.',
      advice: 'Start the backup again.',
      where: null,
    });
  }

  /**
   * To all repositories at a time, each from what is staged. Where that is lost before all have it, the others get it from the
   * first that has.
   */
  async function publishToAll(plan: BackupPlan, staged: StagedGeneration): Promise<string> {
    for (let round = 1; ; round++) {
      progress.missing = [];
      tried.clear();
      const outcomes = await Promise.all(plan.repositories.map((repository) => tryToPublish(staged, repository)));
      progress.copies = outcomes.filter((outcome) => 'check' in outcome);
      const [first] = progress.copies;
      if (first) return first.repository;
      const lost = outcomes.find((outcome) => 'error' in outcome && outcome.lost);
      const last = lost ?? outcomes.at(-1);
      if (last && 'error' in last && (last.lost || round === PUBLISH_ROUNDS)) throw last.error;
      await sleep('1m', { summary: 'no repository answers; try them again' });
    }
  }

  async function tryToPublish(
    staged: StagedGeneration,
    repository: string,
  ): Promise<PublishedCopy | { error: unknown; lost: boolean }> {
    try {
      const copy = await publishTo(staged, repository);
      tried.add(repository);
      return copy;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { code, problem } = problemOf(error, `publishing to ${repository}`);
      const lost = isGone(error) || code === 'StagingLost';
      if (!lost) tried.add(repository);
      progress.missing.push({ repository, code, problem });
      return { error, lost };
    }
  }

  async function publishToFirst(plan: BackupPlan, staged: StagedGeneration): Promise<string> {
    for (let round = 1; ; round++) {
      progress.missing = [];
      for (const repository of plan.repositories) {
        try {
          progress.copies = [await publishTo(staged, repository)];
          return repository;
        } catch (error) {
          const { code, problem } = problemOf(error, `publishing to ${repository}`);
          if (isCancellation(error) || isGone(error) || code === 'StagingLost') throw error;
          progress.missing.push({ repository, code, problem });
          if (round === PUBLISH_ROUNDS && repository === plan.repositories.at(-1)) throw error;
        }
      }
      await sleep('1m', { summary: 'no repository answers; try them again' });
    }
  }

  async function copyTo(generation: string, from: string, to: string): Promise<PublishedCopy | null> {
    try {
      const copy = await serving.ask((steps) => steps.replicateGeneration({ cluster, generation, from, to }));
      progress.missing = progress.missing.filter((item) => item.repository !== to);
      progress.copies.push(copy);
      return copy;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { code, problem } = problemOf(error, `copying to ${to}`);
      progress.missing = [
        ...progress.missing.filter((item) => item.repository !== to),
        { repository: to, code, problem },
      ];
      return null;
    }
  }

  async function keepAuditHead(repository: string): Promise<void> {
    try {
      await serving.ask((steps) => steps.publishAuditHead({ cluster, repository }));
    } catch (error) {
      if (isCancellation(error)) throw error;
      progress.warnings.push(`the audit head is not in ${repository}: ${problemOf(error, 'audit').problem}`);
    }
  }

  /** Record, staging and trail in one step. @returns repositories that have yet to get the trail. */
  async function close(record: AuditRecord, repositories: string[]): Promise<string[]> {
    try {
      const unpublished = await new Serving({ by: home ?? null, silentAt: null }).ask((steps) =>
        steps.closeBackup({ record, repositories }),
      );
      isClosed = true;
      return unpublished;
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('closing step by step', { problem: problemOf(error, 'closeBackup').problem });
      return recorded(record, repositories);
    }
  }

  async function recorded(record: AuditRecord, repositories: string[]): Promise<string[]> {
    await write(record);
    return repositories;
  }

  async function write(record: AuditRecord): Promise<void> {
    try {
      await controller.recordAudit(record);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { problem } = problemOf(error, 'audit');
      progress.warnings.push(notice('records-not-written', `the audit trail could not be written: ${problem}`));
    }
  }

  function recordOf(outcome: 'success' | 'failure', details: Record<string, unknown>): AuditRecord {
    const at = new Date().toISOString();
    const id = `${runId}/${outcome}`;
    return { id, at, action: 'backup', cluster, run: runId, outcome, actor: 'vault-dr', details };
  }
}
