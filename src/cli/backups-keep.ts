import { randomBytes } from 'node:crypto';
import { clusterOf } from '../config/load';
import { readPrivateKey } from '../config/secret';
import type { RetentionReport } from '../contract/backup';
import { isDrError } from '../contract/failures';
import type { GenerationCopy } from '../contract/generation';
import { verifyCopy } from '../repository/generations';
import { writeMark } from '../repository/keep/marks';
import { retain, type RetentionView, viewRetention } from '../repository/keep/retain';
import { lockedAmong, type RetentionPlan } from '../repository/keep/retention';
import type { Repository } from '../repository/types';
import {
  chooseCopies,
  type BackupOptions,
  type Listing,
  loadChosen,
  openPlaces,
  type Places,
  reportTrouble,
} from './backups-listing';
import { style } from '../terminal';
import { noticesOfTrouble } from './notices';
import { note, print, printJson } from './output';
import { EXIT } from './program';

interface PinOptions extends BackupOptions {
  reason: string;
  as: string;
}

interface PruneOptions extends BackupOptions {
  dryRun?: boolean;
}

interface Pruned {
  repository: string;
  plan: RetentionPlan & { locked: string[] };
  /** Null in a dry run, or if it failed. */
  done: RetentionReport | null;
  problem: string | null;
}

export function pinRunner(kind: 'pinned' | 'unpinned') {
  return async (generation: string, options: PinOptions): Promise<void> => {
    const listing = await loadChosen(options, [generation]);
    const [copy] = chooseCopies(listing.copies, generation, options.cluster);
    if (!copy) return;
    const privateKey = await readPrivateKey(listing.config);
    const written = await markEverywhere(listing, copy, kind, { by: options.as, reason: options.reason }, privateKey);
    const { unanswered } = listing;
    const id = copy.generation;
    if (options.json && kind === 'pinned') printJson('backups-pin', { generation: id, pinned: written, unanswered });
    else if (options.json) printJson('backups-unpin', { generation: id, unpinned: written, unanswered });
    else print(`${copy.generation}  ${kind} in ${written.join(', ') || 'no repository'}`);
    reportTrouble({ ...listing, unreadable: listing.unreadable.filter(({ retryable }) => retryable) });
  };
}

/** Pins or unpins a backup in each repository that answers; the listing gets the others. @returns where it is done */
export async function markEverywhere(
  listing: Pick<Listing, 'repositories' | 'unanswered'>,
  { generation, manifestSha256, manifest }: GenerationCopy,
  kind: 'pinned' | 'unpinned',
  why: { by: string; reason: string },
  privateKey: string,
): Promise<string[]> {
  const { cluster } = manifest;
  const [at, run] = [new Date().toISOString(), randomBytes(4).toString('hex')];
  const written: string[] = [];
  for (const repository of listing.repositories) {
    try {
      await writeMark(repository, { kind, cluster, at, run, generation, manifestSha256, ...why }, privateKey);
      written.push(repository.name);
    } catch (error) {
      if (!isDrError(error)) throw error;
      listing.unanswered.push({ repository: repository.name, problem: error.message });
    }
  }
  return written;
}

/** Shows what retention would remove, or removes it. Removes nothing where the newest backup cannot be read completely. */
export async function runPrune(options: PruneOptions): Promise<void> {
  const places = await openPlaces(options);
  const privateKey = options.dryRun === true ? null : await readPrivateKey(places.config);
  const pruned: Pruned[] = [];
  const trouble: Pick<Listing, 'unreadable' | 'unanswered' | 'warnings'> = {
    unreadable: [],
    unanswered: places.unanswered,
    warnings: [],
  };
  for (const repository of places.repositories) {
    try {
      const { view, ...item } = await prune(places, repository, options.cluster, privateKey);
      pruned.push(item);
      trouble.unreadable.push(...view.unreadable.map((one) => ({ ...one, repository: repository.name })));
      trouble.warnings.push(...(item.done?.warnings ?? view.warnings));
    } catch (error) {
      if (!isDrError(error)) throw error;
      trouble.unanswered.push({ repository: repository.name, problem: error.message });
    }
  }
  trouble.warnings = [...new Set(trouble.warnings)];
  const notices = noticesOfTrouble(trouble);
  if (options.json) printJson('backups-prune', { repositories: pruned, ...trouble, notices });
  else for (const item of pruned) show(item);
  reportTrouble(trouble);
  if (pruned.some(({ problem, done }) => problem !== null || (done?.failed.length ?? 0) > 0)) {
    process.exitCode = EXIT.failed;
  }
}

async function prune(
  { config, publicKey, repositories }: Places,
  repository: Repository,
  cluster: string,
  privateKey: string | null,
): Promise<Pruned & { view: RetentionView }> {
  const { retention } = clusterOf(config, cluster).backup;
  const others = repositories.filter(({ name }) => name !== repository.name);
  const now = new Date();
  const view = await viewRetention(repository, others, cluster, retention, { now, publicKeyPem: publicKey });
  const locked = await lockedAmong(repository, cluster, view.present, view.plan.remove, { whole: false });
  const plan = { ...view.plan, locked };
  const pruned = { repository: repository.name, view, plan, done: null, problem: null };
  const [newest] = view.copies;
  if (privateKey === null || newest === undefined) return pruned;
  let outcome = 'nothing was removed';
  try {
    await verifyCopy(repository, newest);
    outcome = 'it failed halfway, and some may be removed';
    return { ...pruned, done: await retain(view, privateKey, now) };
  } catch (error) {
    if (!isDrError(error)) throw error;
    return { ...pruned, problem: `${outcome}: ${error.message}` };
  }
}

function show({ repository, plan, done, problem }: Pruned): void {
  if (problem !== null) print(`${repository}  ${style('red', problem)}`);
  const locked = new Set(done?.keptLocked ?? plan.locked);
  const failed = new Map(done?.failed.map((item) => [item.generation, item.problem]));
  for (const { generation, why } of plan.keep) print(`${repository}  ${generation}  ${style('green', 'keep')}: ${why}`);
  for (const generation of problem === null ? plan.remove.toReversed() : []) {
    const fate = locked.has(generation)
      ? 'locked, kept for now'
      : failed.has(generation)
        ? style('red', `not removed: ${failed.get(generation)}`)
        : style('yellow', done === null ? 'would be removed' : 'removed');
    print(`${repository}  ${generation}  ${fate}`);
  }
  if (done === null && problem === null) note(`${repository}: dry run; nothing was removed.`);
}
