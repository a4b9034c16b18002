import type { Client } from '@temporalio/client';
import type { Config } from '../../../config/schema';
import { isDrError } from '../../../contract/failures';
import type { ReadinessReport } from '../../../contract/readiness';
import type { RecoveryProgress } from '../../../contract/recovery';
import { SHARE_PURPOSES, type SharePurpose } from '../../../contract/recipients';
import type { RecoveryReport } from '../../../contract/recovery';
import type { SecretProgress } from '../../../contract/secret-run';
import { recoveryProgress } from '../../../contract/step-input/report';
import { secretProgress } from '../../../contract/step-input/progress';
import { isUnderway } from '../../../contract/voice/headline';
import { recoveryTrend } from '../../../ready/trend';
import { lastDrills } from '../../../repository/keep/drills';
import { previousEvaluation } from '../../../temporal/readiness';
import { type Scheduled, scheduleIdOf } from '../../../temporal/schedules';
import { readSchedule } from '../../../temporal/metrics/read-runs';
import { holderPageData, holderPageSha256 } from '../holder-file';
import type {
  Action,
  ClusterModel,
  ClusterRow,
  HolderModel,
  OverviewModel,
  PageModel,
  RunKind,
  RunLine,
  RunModel,
} from '../../model';
import type { Viewer, WebState } from '../web-state';
import { type BackupFacts, readBackups } from './backup-facts';
import { holderFacts, kindOfPurpose } from './holder-facts';
import { readReports } from './reports';
import { backupPoints, rowOf } from './row';
import { parsed, readRun, type RunFacts } from './run-facts';
import { type ListedRun, listRunning, listRuns, plainHeadline, temporalUiOf } from './run-list';
import { textsOf } from './run-texts';
import { type Known, Shared } from './shared';
import type { TemporalLink } from './temporal-link';

/** Which buttons whom. */
export interface ActionsOf {
  cluster: (viewer: Viewer, cluster: string) => Action[];
  recovery: (viewer: Viewer, progress: RecoveryProgress, now: number) => Action[];
  secrets: (viewer: Viewer, progress: SecretProgress) => Action[];
  submit: (viewer: Viewer, cluster: string, purpose: SharePurpose, run: string) => Action | null;
}

export interface LiveSettings {
  config: Config;
  temporal: TemporalLink;
  /** Address of Temporal's Web UI. */
  temporalUi: string | null;
  actions: ActionsOf;
}

type Schedules = ClusterModel['schedules'];

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
/** A page never waits longer for what is slow. */
const WAIT_MS = 4 * SECOND_MS;
/** Of each repository, for a plot. */
const MOST_BACKUPS = 300;
/** For the overview alone. */
const NEWEST_BACKUPS = 3;
const SCHEDULED: readonly Scheduled[] = ['backup', 'drill', 'roll-call', 'readiness'];
/** Of these a list says enough. */
const NOT_ASKED: readonly RunKind[] = ['evaluation', 'guard'];
const ALL = 'all';
const NO_PROBLEMS = { problems: [], viewer: null, session: null };

/** What Temporal and repositories say now. Nothing is kept but for a few seconds, for all who look. */
export class LiveState implements WebState {
  readonly #running: Shared<{ runs: ListedRun[]; complete: boolean }>;
  readonly #evaluations: Shared<ReadinessReport | 'none'>;
  readonly #newest: Shared<BackupFacts>;
  readonly #backups: Shared<BackupFacts>;
  readonly #reports: Shared<RecoveryReport[]>;
  readonly #runs: Shared<ListedRun[]>;
  readonly #schedules: Shared<Schedules>;
  readonly #facts: Shared<RunFacts | null>;
  readonly #names: readonly string[];
  readonly #offline = new Map<string, string | null>();

  constructor(private readonly settings: LiveSettings) {
    const { config, temporal } = settings;
    this.#names = Object.keys(config.clusters);
    const most = Math.max(1_000, this.#names.length);
    const asked = <T>(freshMs: number, work: (client: Client, key: string) => Promise<T>) =>
      new Shared<T>((key) => temporal.ask((client) => work(client, key)), {
        freshMs,
        waitMs: WAIT_MS,
        atOnce: 8,
        most,
      });
    const stored = <T>(freshMs: number, work: (cluster: string) => Promise<T>) =>
      new Shared<T>(work, { freshMs, waitMs: WAIT_MS, atOnce: 4, most });
    this.#running = asked(2 * SECOND_MS, (client) => listRunning(client, this.#names));
    this.#evaluations = asked(15 * SECOND_MS, async (client, key) => (await previousEvaluation(client, key)) ?? 'none');
    this.#runs = asked(5 * SECOND_MS, listRuns);
    this.#schedules = asked(30 * SECOND_MS, schedulesOf);
    this.#facts = asked(1.5 * SECOND_MS, (client, key) => {
      const [cluster = '', kind = '', run = ''] = key.split('/');
      return readRun(client, cluster, kind as RunKind, run);
    });
    this.#newest = stored(MINUTE_MS, (cluster) => readBackups(config, cluster, NEWEST_BACKUPS));
    this.#backups = stored(MINUTE_MS, (cluster) => readBackups(config, cluster, MOST_BACKUPS));
    this.#reports = stored(5 * MINUTE_MS, (cluster) => readReports(config, cluster));
  }

  async overview(_viewer: Viewer): Promise<OverviewModel> {
    const { lines, problems } = await this.#linesOfAll();
    const clusters = await Promise.all(this.#names.map((cluster) => this.#row(cluster, lines, this.#newest)));
    return { page: 'overview', at: now(), ...NO_PROBLEMS, problems, clusters };
  }

  async cluster(cluster: string, viewer: Viewer): Promise<ClusterModel | null> {
    if (!this.#names.includes(cluster)) return null;
    const [{ lines, problems }, evaluation, backups, reports, runs, schedules] = await Promise.all([
      this.#linesOfAll(),
      this.#evaluations.get(cluster),
      this.#backups.get(cluster),
      this.#reports.get(cluster),
      this.#runs.get(cluster),
      this.#schedules.get(cluster),
    ]);
    const row = await this.#row(cluster, lines, this.#backups);
    const drills = lastDrills(backups.value?.marks.drills ?? new Map());
    return {
      page: 'cluster',
      at: now(),
      ...NO_PROBLEMS,
      problems: [...problems, ...said('Runs', runs), ...said('Schedules', schedules), ...said('Reports', reports)],
      row,
      backups: backups.value === null ? [] : backupPoints(backups.value),
      recoveryTimes: recoveryTrend({ reports: reports.value ?? [], drills }),
      checks: typeof evaluation.value === 'object' ? (evaluation.value?.checks ?? []) : [],
      schedules: schedules.value ?? [],
      runs: withRunning(
        (runs.value ?? []).map((run) => this.#line(run, null)),
        row.running,
      ),
      actions: this.settings.actions.cluster(viewer, cluster),
    };
  }

  async run(cluster: string, kind: RunKind, run: string, viewer: Viewer): Promise<RunModel | null> {
    if (!this.#names.includes(cluster)) return null;
    const { value: facts, problem } = await this.#factsOf(cluster, kind, run);
    if (facts === null) return problem === null ? null : this.#unknownRun(cluster, kind, run, problem);
    const { problems, waitsFor, ...texts } = textsOf(facts, Date.now());
    return {
      page: 'run',
      at: now(),
      ...NO_PROBLEMS,
      problems: [...(problem === null ? [] : [`Temporal: ${problem}`]), ...problems],
      line: { ...this.#line(facts, texts.headline), waitsFor },
      ...texts,
      actions: this.#actionsOf(facts, viewer),
    };
  }

  async holder(cluster: string, purpose: SharePurpose | null, viewer: Viewer): Promise<HolderModel | null> {
    if (!this.#names.includes(cluster)) return null;
    const running = await this.#running.get(ALL);
    const open = (running.value?.runs ?? []).filter((run) => run.cluster === cluster);
    const purposes = purpose === null ? SHARE_PURPOSES : [purpose];
    const all = await Promise.all(
      purposes.flatMap((one) =>
        open
          .filter(({ kind }) => kind === kindOfPurpose(one))
          .map(async ({ kind, run, workflowId }) => {
            const { value, problem } = await this.#factsOf(cluster, kind, run);
            return { ...holderFacts(one, value), problem, run, workflowId };
          }),
      ),
    );
    const chosen = all.find(({ waiting }) => waiting) ?? all[0];
    const data = this.#keysOf(cluster);
    return {
      page: 'holder',
      at: now(),
      ...NO_PROBLEMS,
      problems: [
        ...said('Temporal', running),
        ...(chosen?.problem ? [`Temporal: ${chosen.problem}`] : []),
        ...data.problems,
      ],
      cluster,
      purpose: chosen?.purpose ?? purpose ?? 'restore',
      workflowId: chosen?.workflowId ?? '',
      run: chosen?.run ?? '',
      phase: chosen?.phase ?? '',
      waiting: chosen?.waiting ?? false,
      over: chosen ? chosen.over : running.problem === null ? 'No run of this cluster waits for shares now.' : null,
      recipients: chosen?.recipients ?? [],
      shares: chosen?.shares ?? null,
      keys: data.keys,
      offlineSha256: data.sha256,
      submit: chosen?.waiting ? this.settings.actions.submit(viewer, cluster, chosen.purpose, chosen.run) : null,
    };
  }

  async #row(cluster: string, lines: readonly RunLine[], backups: Shared<BackupFacts>): Promise<ClusterRow> {
    const [evaluation, found] = await Promise.all([this.#evaluations.get(cluster), backups.get(cluster)]);
    const running = lines.filter((line) => line.cluster === cluster);
    return rowOf(this.settings.config, { cluster, evaluation, backups: found, running }, Date.now());
  }

  /** What runs of all clusters, each in the words of its kind. */
  async #linesOfAll(): Promise<{ lines: RunLine[]; problems: string[] }> {
    const running = await this.#running.get(ALL);
    const { runs = [], complete = true } = running.value ?? {};
    const lines = await Promise.all(
      runs.map(async (run) => {
        if (NOT_ASKED.includes(run.kind)) return this.#line(run, null);
        const { value } = await this.#factsOf(run.cluster, run.kind, run.run);
        if (value === null) return this.#line(run, null);
        const { headline, waitsFor } = textsOf(value, Date.now());
        return { ...this.#line(value, headline), waitsFor };
      }),
    );
    const more = complete ? [] : ['Temporal lists so many runs that some may be missing here.'];
    // It may have ended since the list was made.
    return {
      lines: lines.filter(({ execution }) => execution === 'RUNNING'),
      problems: [...said('Temporal', running), ...more],
    };
  }

  #factsOf(cluster: string, kind: RunKind, run: string): Promise<Known<RunFacts | null>> {
    return this.#facts.get(`${cluster}/${kind}/${run}`);
  }

  #line(run: ListedRun, headline: RunModel['headline'] | null): RunLine {
    const { kind, cluster, workflowId, startedAt, endedAt, execution } = run;
    const { text, tone } = headline ?? plainHeadline(run);
    const temporalUi = temporalUiOf(this.settings.temporalUi, this.settings.temporal.namespace, run);
    return {
      kind,
      cluster,
      workflowId,
      run: run.run,
      startedAt,
      endedAt,
      execution,
      headline: text,
      tone,
      waitsFor: null,
      temporalUi,
    };
  }

  #actionsOf({ kind, progress, execution }: RunFacts, viewer: Viewer): Action[] {
    const { recovery, secrets } = this.settings.actions;
    if (execution !== 'RUNNING' || progress === undefined) return [];
    try {
      if (kind === 'recovery') {
        const known = parsed(recoveryProgress, progress);
        return isUnderway(known) ? recovery(viewer, known, Date.now()) : [];
      }
      return kind === 'secrets' ? secrets(viewer, parsed(secretProgress, progress)) : [];
    } catch (error) {
      if (isDrError(error)) return [];
      throw error;
    }
  }

  /** Temporal does not answer, so it may well be there. */
  #unknownRun(cluster: string, kind: RunKind, run: string, problem: string): RunModel {
    const listed = { kind, cluster, workflowId: '', run, startedAt: '', endedAt: null, execution: 'UNKNOWN' };
    const headline = { text: 'Not known while Temporal does not answer', tone: 'attention' } as const;
    return {
      page: 'run',
      at: now(),
      ...NO_PROBLEMS,
      problems: [`Temporal: ${problem}`],
      line: this.#line(listed, headline),
      text: null,
      headline,
      facts: [],
      commands: [],
      warnings: [],
      shares: null,
      approvals: [],
      report: null,
      actions: [],
    };
  }

  /** Public keys alone. */
  #keysOf(cluster: string): { keys: HolderModel['keys']; sha256: string | null; problems: string[] } {
    const { config } = this.settings;
    try {
      const keys = holderPageData(config, cluster);
      if (!this.#offline.has(cluster)) this.#offline.set(cluster, holderPageSha256(config, cluster));
      return { keys, sha256: this.#offline.get(cluster) ?? null, problems: [] };
    } catch (error) {
      if (!isDrError(error)) throw error;
      return {
        keys: { version: '', cluster, nodes: [], sandboxHosts: [] },
        sha256: null,
        problems: [`${error.message}`],
      };
    }
  }
}

function now(): PageModel['at'] {
  return new Date().toISOString();
}

function said(what: string, { problem }: Known<unknown>): string[] {
  return problem === null ? [] : [`${what}: ${problem}`];
}

/** What runs says more of itself. */
function withRunning(listed: readonly RunLine[], running: readonly RunLine[]): RunLine[] {
  const known = new Map(running.map((line) => [line.run, line]));
  const missing = running.filter(({ run }) => !listed.some((line) => line.run === run));
  return [...missing, ...listed.map((line) => known.get(line.run) ?? line)];
}

async function schedulesOf(client: Client, cluster: string): Promise<Schedules> {
  const all = await Promise.all(
    SCHEDULED.map(async (what) => ({ what, found: await readSchedule(client, scheduleIdOf(what, cluster)) })),
  );
  return all.flatMap(({ what, found }) => (found === null ? [] : [{ what, ...found }]));
}
