import { linesOf } from '../audit/other-trails';
import type { CopiedTrail } from '../audit/trail-copies';
import { controllerName } from '../config/controller-name';
import { clusterOf, repositoryConfigOf } from '../config/load';
import type { RepositoryConfig } from '../config/schema';
import { isDrError } from '../contract/failures';
import { formatCount } from '../contract/format';
import type { GenerationCopy } from '../contract/generation';
import { signingKeySha256 } from '../crypto/signature';
import type { CopyRead, EvidenceFacts, EvidencePolicy, LockRead, ReportRead, TrailFacts } from '../evidence/facts';
import { isWithin, type Period } from '../evidence/period';
import type { EvidenceDocument, EvidenceTrail } from '../evidence/schema';
import { practicePolicy } from '../ready/policy';
import { verifyCopy } from '../repository/generations';
import { verifyChain } from '../repository/keep/chain';
import { listReports, readReport } from '../repository/keep/reports';
import { lockOfCopy } from '../repository/lock-of-copy';
import { inParallel } from '../repository/parallel';
import type { Repository } from '../repository/types';
import { auditFileOf, type CheckedTrail, checkCopies, checkTrail } from './audit-trails';
import { idsOf, type Listing } from './backups-listing';

const DAY_MS = 86_400_000;
/** Reports and locks; a bucket may be far away. */
const AT_ONCE = 8;
/** Of one trail; a broken one may have one for each line. */
const MOST_PROBLEMS = 20;
/** To find the newest whole one before the period. */
const MOST_TRIED = 5;

export interface Asked extends Pick<EvidenceFacts, 'cluster' | 'period' | 'createdAt' | 'createdBy'> {
  read: boolean;
  /** Hears how much is to be read. */
  onReading: (copies: number, bytes: number) => void;
}

/** What a document is made of. What does not answer is part of it. */
export async function gatherFacts(listing: Listing, { read, onReading, ...asked }: Asked): Promise<EvidenceFacts> {
  const { config, publicKey, views, storedMarks } = listing;
  const { cluster, period, createdAt } = asked;
  const policy = policyOf(listing, cluster);
  const copies = listing.copies.filter(({ manifest }) => isWithin(period, manifest.capturedAt));
  if (read) {
    const bytes = copies.reduce((sum, { manifest }) => sum + manifest.stored.sizeBytes, 0);
    onReading(copies.length, bytes);
  }
  return {
    ...asked,
    signingKeySha256: signingKeySha256(publicKey),
    policy,
    repositories: clusterOf(config, cluster).repositories.map((name) => ({
      repository: name,
      ...describeRepository(repositoryConfigOf(config, name)),
      problem: listing.unanswered.find(({ repository }) => repository === name)?.problem ?? null,
    })),
    views,
    chain: verifyChain(cluster, views),
    marks: storedMarks,
    reads: read ? [...(await readBefore(listing, period)), ...(await readAll(listing, copies))] : null,
    locks: await locksOf(listing, copies, policy.locking, Date.parse(createdAt)),
    reports: await reportsSince(listing, cluster, period),
    trails: await trailsOf(listing, cluster),
  };
}

function policyOf({ config, copies }: Listing, name: string): EvidencePolicy {
  const cluster = clusterOf(config, name);
  const [newest] = copies.toSorted((left, right) => (left.generation > right.generation ? -1 : 1));
  const locking = cluster.repositories.flatMap((repository) => {
    const settings = repositoryConfigOf(config, repository);
    return settings.type === 's3' && settings.objectLock ? [[repository, settings.objectLock.days] as const] : [];
  });
  return {
    ...practicePolicy(cluster, newest?.manifest.seal.type ?? null),
    approvers: cluster.restore.trust === 'namespace' ? null : (cluster.restore.approvers ?? null),
    locking: new Map(locking),
  };
}

/** Where it is; no credentials. */
function describeRepository(
  settings: RepositoryConfig,
): Pick<EvidenceDocument['repositories'][number], 'type' | 'place' | 'lock'> {
  if (settings.type === 'directory') return { type: 'directory', place: settings.path, lock: null };
  const { bucket, prefix, region, endpoint, objectLock } = settings;
  const where = endpoint === undefined ? region : new URL(endpoint).host;
  const lock = objectLock === undefined ? null : `${objectLock.mode}, ${objectLock.days} days`;
  return { type: 's3', place: `s3://${bucket}/${prefix} (${where})`, lock };
}

async function readAll({ repositories }: Listing, copies: readonly GenerationCopy[]): Promise<CopyRead[]> {
  const reads: CopyRead[] = [];
  for (const copy of copies) {
    const { generation, repository: name } = copy;
    const repository = repositories.find((one) => one.name === name);
    if (repository === undefined) continue;
    const found = await attempt(() => verifyCopy(repository, copy));
    reads.push({ repository: name, generation, problem: found.problem, retryable: found.retryable });
  }
  return reads;
}

/** What could have been restored when the period began. */
async function readBefore(listing: Listing, { from }: Period): Promise<CopyRead[]> {
  const before = listing.copies.filter(({ manifest }) => Date.parse(manifest.capturedAt) < Date.parse(from));
  const reads: CopyRead[] = [];
  for (const id of idsOf(before).slice(0, MOST_TRIED)) {
    for (const copy of before.filter(({ generation }) => generation === id)) {
      reads.push(...(await readAll(listing, [copy])));
      if (reads.at(-1)?.problem === null) return reads;
    }
  }
  return reads;
}

/** Of the copies that should be locked still. */
async function locksOf(
  { repositories }: Listing,
  copies: readonly GenerationCopy[],
  locking: ReadonlyMap<string, number>,
  now: number,
): Promise<LockRead[]> {
  const asked = copies.flatMap((copy) => {
    const days = locking.get(copy.repository);
    const repository = repositories.find(({ name }) => name === copy.repository);
    const isYoung = days !== undefined && Date.parse(copy.manifest.capturedAt) + days * DAY_MS > now;
    return repository !== undefined && isYoung ? [{ copy, repository }] : [];
  });
  return inParallel(asked, AT_ONCE, async ({ copy, repository }) => {
    const { result, problem } = await attempt(() => lockOfCopy(repository, copy));
    return {
      repository: repository.name,
      generation: copy.generation,
      until: result?.toISOString() ?? null,
      held: problem === null && result === undefined,
      problem,
    };
  });
}

/** Those that may be of a run of the period: a report is stored when its run ends. */
async function reportsSince(
  { repositories, publicKey }: Listing,
  cluster: string,
  { from }: Period,
): Promise<ReportRead[]> {
  const since = Date.parse(from) - DAY_MS;
  const all = await inParallel(repositories, AT_ONCE, (repository) => reportsIn(repository));
  return all.flat();

  async function reportsIn(repository: Repository): Promise<ReportRead[]> {
    const listed = await attempt(() => listReports(repository, cluster));
    if (listed.problem !== null) return [unread(repository, null, listed.problem, true)];
    const recent = (listed.result ?? []).filter(({ storedAt }) => storedAt.getTime() >= since);
    const reads = await inParallel(recent, AT_ONCE, async ({ run }) => {
      const { result, problem, retryable } = await attempt(() => readReport(repository, cluster, run, publicKey));
      if (problem !== null) return [unread(repository, run, problem, retryable)];
      if (result === 'absent') return [];
      if (result === 'not signed')
        return [unread(repository, run, 'is not signed by the controller, or of another run', false)];
      return [{ repository: repository.name, run, report: result, problem: null, retryable: false }];
    });
    return reads.flat();
  }
}

function unread({ name }: Repository, run: string | null, problem: string, retryable: boolean): ReportRead {
  return { repository: name, run, report: null, problem, retryable };
}

async function trailsOf({ config }: Listing, cluster: string): Promise<TrailFacts> {
  const file = auditFileOf(config);
  const own = await attempt(() => checkTrail(file, config, [cluster]));
  const isThere = own.result !== undefined && own.result.report.records > 0;
  // Where there is no trail, as on another host, the copies of all of them are there to be read.
  const checked = isThere ? own.result! : await checkCopies(config, [cluster]);
  const { report, others, foreign, kept } = checked;
  const ownTrail: EvidenceTrail[] = isThere
    ? [
        {
          controller: controllerName(config),
          place: file,
          trail: null,
          records: report.records,
          behind: 0,
          head: report.head,
          problems: first(report.problems.map(({ line, problem }) => `line ${line} ${problem}`)),
        },
      ]
    : [];
  const trails = [...ownTrail, ...others.map((other) => copiedTrail(other, foreign))];
  const said = [report, ...others].flatMap(({ findings }) => findings);
  return {
    trails,
    lines: [...checked.entries, ...foreign.flatMap(linesOf)],
    heads: checked.heads,
    problems: [
      ...trails.flatMap(({ controller, problems }) => problems.map((problem) => `${controller}: ${problem}`)),
      ...kept.problems,
      ...first(said.filter(({ severity }) => severity === 'incident').map(({ line, text }) => `line ${line} ${text}`)),
    ],
    open: [
      ...(own.problem === null ? [] : [own.problem]),
      ...(trails.length === 0 ? ['no audit trail could be read'] : []),
      ...checked.unanswered.map(({ repository, problem }) => `${repository}: ${problem}`),
      ...trails
        .filter(({ behind }) => behind > 0)
        .map(({ controller, behind }) => `${behind} lines of ${controller} are in no repository`),
    ],
    notices: first(
      said.filter(({ severity }) => severity === 'notice').map(({ line, text }) => `line ${line} ${text}`),
    ),
  };
}

function copiedTrail(
  { controller, trail, records, behind, problems }: CheckedTrail['others'][number],
  copies: readonly CopiedTrail[],
): EvidenceTrail {
  const lines = copies.find((copy) => copy.controller === controller && copy.trail === trail)?.lines;
  const last = lines?.get(Math.max(0, ...lines.keys()));
  return {
    controller,
    place: 'the repositories',
    trail,
    records,
    behind,
    head: last?.sha256 ?? null,
    problems: first(problems),
  };
}

function first(problems: readonly string[]): string[] {
  const rest = problems.length - MOST_PROBLEMS;
  return [...problems.slice(0, MOST_PROBLEMS), ...(rest > 0 ? [`and ${formatCount(rest, 'more', 'more')}`] : [])];
}

/** Its result, or why there is none. */
async function attempt<T>(
  work: () => Promise<T>,
): Promise<{ result: T | undefined; problem: string | null; retryable: boolean }> {
  try {
    return { result: await work(), problem: null, retryable: false };
  } catch (error) {
    if (!isDrError(error)) throw error;
    return { result: undefined, problem: error.message, retryable: error.retryable };
  }
}
