import { randomBytes } from 'node:crypto';
import type { RetentionPolicy, RetentionReport } from '../../contract/backup';
import type { GenerationCopy } from '../../contract/generation';
import { nextTombstones } from './chain';
import { withDrilled } from './drills';
import { type GenerationFiles, listFiles, readGenerations, type UnreadableGeneration } from '../generations';
import { listTombstoneKeys, type Mark, meaningOf, readMarks, withRestored, type StoredMarks, writeMark } from './marks';
import { applyRetention, lockedAmong, planRetention, type RetentionPlan } from './retention';
import type { Repository, TransferOptions } from '../types';
import { notice } from '../../contract/notice';

const PATIENCE_MS = 30_000;

export interface RetentionView {
  repository: Repository;
  cluster: string;
  /** Every backup with any file, complete or not. */
  present: GenerationFiles[];
  copies: GenerationCopy[];
  unreadable: UnreadableGeneration[];
  ownMarks: Mark[];
  plan: RetentionPlan;
  warnings: string[];
}

/** What was read of repositories just now, so that it is not read again. */
export interface ReadLately {
  /** The files of the repository that the view is of. */
  present?: GenerationFiles[];
  /** By name of a repository, that one or another. */
  marks?: ReadonlyMap<string, StoredMarks>;
}

/**
 * What retention would do in one repository; `retain` takes the same view. Marks in the cluster's other repositories count
 * as well, as far as those answer.
 */
export async function viewRetention(
  repository: Repository,
  others: readonly Repository[],
  cluster: string,
  policy: RetentionPolicy,
  facts: { now: Date; publicKeyPem: string; verified?: string },
  options: TransferOptions = {},
  { present: listed, marks = new Map() }: ReadLately = {},
): Promise<RetentionView> {
  const { now, publicKeyPem, verified } = facts;
  const [{ present, listing }, own, foreign] = await Promise.all([
    listAll(repository, cluster, publicKeyPem, options, listed),
    marks.get(repository.name) ?? readMarks(repository, cluster, publicKeyPem, options),
    Promise.all(
      others.map(async (other) => marks.get(other.name) ?? marksOrProblem(other, cluster, publicKeyPem, options)),
    ),
  ]);
  const { restored, pinned, drills } = meaningOf([own, ...foreign].flatMap(({ marks }) => marks));
  const checked = listing.copies.map((copy): GenerationCopy =>
    copy.generation === verified ? { ...copy, check: 'hashed' } : copy,
  );
  const copies = withRestored(checked, { restored });
  const plan = planRetention(withDrilled(copies, drills), policy, now, new Set(pinned.keys()));
  const unread = listing.unreadable.filter(({ retryable }) => retryable);
  return {
    repository,
    cluster,
    present,
    copies,
    unreadable: listing.unreadable,
    ownMarks: own.marks,
    plan: unread.length === 0 ? plan : keepAll(plan),
    warnings: [...whyNothingGoes(unread), ...[own, ...foreign].flatMap(({ problems }) => problems)],
  };
}

async function listAll(
  repository: Repository,
  cluster: string,
  publicKeyPem: string,
  options: TransferOptions,
  listed?: GenerationFiles[],
) {
  const present = listed ?? (await listFiles(repository, cluster, options));
  return { present, listing: await readGenerations(repository, cluster, present, publicKeyPem, options) };
}

/** An unreadable generation may follow one that would be removed, which would then lack a tombstone. */
function keepAll({ keep, remove }: RetentionPlan): RetentionPlan {
  const waiting = remove.map((generation) => ({
    generation,
    why: "nothing is removed while another backup can't be read",
  }));
  return { keep: [...keep, ...waiting.reverse()], remove: [] };
}

function whyNothingGoes(unread: UnreadableGeneration[]): string[] {
  const [first] = unread;
  if (!first) return [];
  const ids = unread.map(({ generation }) => generation).join(', ');
  return [
    notice(
      'retention-blocked',
      `nothing is removed while these backups can't be read; repair their repository: ${ids} (${first.problem})`,
    ),
  ];
}

/**
 * Carries out the view. Removals are recorded first, signed, so that they leave no gap in the chain.
 * @param options `sweeps`: unfinished uploads are removed as well
 */
export async function retain(
  view: RetentionView,
  privateKeyPem: string,
  now: Date,
  { sweeps = true, ...options }: TransferOptions & { sweeps?: boolean } = {},
): Promise<RetentionReport> {
  const { repository, cluster, present, copies, ownMarks, plan, warnings } = view;
  const locked = new Set(await lockedAmong(repository, cluster, present, plan.remove, { ...options, whole: true }));
  const going = new Set(plan.remove.filter((generation) => !locked.has(generation)));
  if (going.size > 0) {
    const tombstones = nextTombstones(copies, meaningOf(ownMarks).tombstones, going);
    const run = randomBytes(4).toString('hex');
    const outdated = await listTombstoneKeys(repository, cluster, options);
    const mark = { kind: 'removed', cluster, at: after(ownMarks, now).toISOString(), run, tombstones } as const;
    await writeMark(repository, mark, privateKeyPem, options);
    // The newest list is complete; a locked one is removed another time.
    for (const key of outdated) await repository.remove(key);
  }
  const buried = new Set(meaningOf(ownMarks).tombstones.map(({ generation }) => generation));
  const report = await applyRetention(repository, cluster, plan, now, { ...options, sweeps }, buried, present);
  return { ...report, warnings: [...warnings, ...report.warnings] };
}

/** Later than any previous list, even if the clock went back: the newest one counts. */
function after(marks: readonly Mark[], now: Date): Date {
  const times = marks.filter(({ kind }) => kind === 'removed').map(({ at }) => Date.parse(at) + 1);
  return new Date(Math.max(now.getTime(), ...times));
}

/** One that is down must not delay the others. */
async function marksOrProblem(
  repository: Repository,
  cluster: string,
  publicKeyPem: string,
  options: TransferOptions,
): Promise<StoredMarks> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, patience]) : patience;
  try {
    return await readMarks(repository, cluster, publicKeyPem, { signal });
  } catch (error) {
    options.signal?.throwIfAborted();
    return {
      marks: [],
      heads: [],
      problems: [`pins stored only in ${repository.name} are ignored: ${(error as Error).message}`],
    };
  }
}
