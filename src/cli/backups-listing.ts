import { clusterOf, loadConfig, readPublicKey, repositoryConfigOf } from '../config/load';
import type { Config } from '../config/schema';
import { DrError, isDrError } from '../contract/failures';
import { GENERATION_PATTERN, type GenerationCopy } from '../contract/generation';
import type { RepositoryView } from '../repository/keep/chain';
import {
  filesOfOne,
  type GenerationFiles,
  hasManifest,
  listFiles,
  newestFiles,
  readGenerations,
  type UnreadableGeneration,
} from '../repository/generations';
import { type MarkMeaning, meaningOf, readMarks, type StoredMarks, withRestored } from '../repository/keep/marks';
import { openRepository } from '../repository/open';
import type { Repository } from '../repository/types';
import { style } from '../terminal';
import { note } from './output';
import { type CommonOptions, EXIT } from './program';

/** In the message that an id is not there. */
const NEWEST_NAMED = 5;

export interface BackupOptions extends CommonOptions {
  cluster: string;
}

/** Contents of the repositories of a cluster. Needs neither Temporal nor Vault. */
export interface Listing {
  config: Config;
  publicKey: string;
  /** Those that answered. */
  repositories: Repository[];
  views: RepositoryView[];
  /** Whether there is no older backup than those that were wanted. */
  complete: boolean;
  copies: GenerationCopy[];
  unreadable: (UnreadableGeneration & { repository: string })[];
  marks: Pick<MarkMeaning, 'restored' | 'pinned' | 'drills' | 'rollCalls'>;
  /** As each repository has them. */
  storedMarks: (StoredMarks & { repository: string })[];
  unanswered: { repository: string; problem: string }[];
  warnings: string[];
}

/** What of the backups of a cluster is read: all, or only the newest, or only those with these ids (`latest` is one). */
export interface Wanted {
  newest?: number;
  ids?: readonly string[];
}

/** The repositories of a cluster, not asked for anything yet. */
export interface Places {
  config: Config;
  publicKey: string;
  repositories: Repository[];
  unanswered: { repository: string; problem: string }[];
}

export async function openPlaces(options: BackupOptions): Promise<Places> {
  const config = await loadConfig(options.config);
  const cluster = clusterOf(config, options.cluster);
  const places: Places = { config, publicKey: await readPublicKey(config), repositories: [], unanswered: [] };
  for (const name of cluster.repositories) {
    try {
      places.repositories.push(await openRepository(name, repositoryConfigOf(config, name), config.stateDir));
    } catch (error) {
      if (!isDrError(error)) throw error;
      places.unanswered.push({ repository: name, problem: error.message });
    }
  }
  return places;
}

export async function loadListing(options: BackupOptions, wanted: Wanted = {}): Promise<Listing> {
  const { repositories, ...places } = await openPlaces(options);
  const { publicKey } = places;
  const listing: Omit<Listing, 'copies' | 'unreadable' | 'marks'> = {
    ...places,
    repositories: [],
    views: [],
    storedMarks: [],
    complete: true,
    warnings: [],
  };
  for (const repository of repositories) {
    try {
      const { found, complete } = await findWanted(repository, options.cluster, wanted);
      const { copies, unreadable } = await readGenerations(repository, options.cluster, found, publicKey);
      const stored = await readMarks(repository, options.cluster, publicKey);
      const { tombstones } = meaningOf(stored.marks);
      listing.repositories.push(repository);
      listing.views.push({ repository: repository.name, copies, unreadable, tombstones });
      listing.complete &&= complete;
      listing.warnings.push(...stored.problems);
      listing.storedMarks.push({ repository: repository.name, ...stored });
    } catch (error) {
      if (!isDrError(error)) throw error;
      listing.unanswered.push({ repository: repository.name, problem: error.message });
    }
  }
  const marks = meaningOf(listing.storedMarks.flatMap((stored) => stored.marks));
  return {
    ...listing,
    marks,
    copies: withRestored(
      listing.views.flatMap((view) => view.copies),
      marks,
    ),
    unreadable: listing.views.flatMap(({ repository, unreadable }) =>
      unreadable.map((item) => ({ ...item, repository })),
    ),
  };
}

/** What is wanted of one repository. */
export async function findWanted(
  repository: Repository,
  cluster: string,
  { newest, ids }: Wanted,
): Promise<{ found: GenerationFiles[]; complete: boolean }> {
  if (newest !== undefined) return newestFiles(repository, cluster, newest);
  if (ids === undefined) return { found: await listFiles(repository, cluster), complete: true };
  const named = [...new Set(ids)].filter((id) => GENERATION_PATTERN.test(id));
  const found = (await Promise.all(named.map((id) => filesOfOne(repository, cluster, id)))).flat();
  // For `latest`, and to say what there is where one is not there.
  if (ids.every((id) => found.some((item) => item.generation === id && hasManifest(item)))) {
    return { found, complete: false };
  }
  const latest = await newestFiles(repository, cluster, NEWEST_NAMED);
  const others = latest.found.filter(({ generation }) => !named.includes(generation));
  return { found: [...found, ...others], complete: latest.complete };
}

/** The listing of these backups alone; `latest` is the newest that can be read. */
export async function loadChosen(options: BackupOptions, ids: readonly string[]): Promise<Listing> {
  const listing = await loadListing(options, { ids });
  return listing.copies.length === 0 && !listing.complete ? loadListing(options) : listing;
}

/** The copies of one backup. @throws DrError UnknownGeneration that names the newest ones. */
export function chooseCopies(copies: GenerationCopy[], generation: string, cluster: string): GenerationCopy[] {
  const ids = idsOf(copies);
  const id = generation === 'latest' ? ids[0] : generation;
  const chosen = copies.filter((copy) => copy.generation === id);
  if (chosen.length > 0) return chosen;
  const newest = ids.slice(0, NEWEST_NAMED).join(', ') || 'none';
  throw new DrError('UnknownGeneration', `${cluster} has no backup '${generation}'. The newest are: ${newest}.`, {
    advice: `List them: vault-dr backups list --cluster ${cluster}`,
  });
}

/** Newest first. */
export function idsOf(copies: { generation: string }[]): string[] {
  return [...new Set(copies.map((copy) => copy.generation))].sort().reverse();
}

/** Prints every problem, and sets the exit status accordingly. */
export function reportTrouble({
  unreadable,
  unanswered,
  warnings,
}: Pick<Listing, 'unreadable' | 'unanswered' | 'warnings'>): void {
  for (const item of unreadable)
    note(style('red', `${item.repository}: ${item.generation}: ${item.problem}`, process.stderr));
  for (const item of unanswered) note(style('red', `${item.repository}: ${item.problem}`, process.stderr));
  for (const warning of warnings) note(style('yellow', warning, process.stderr));
  if (unanswered.length > 0) process.exitCode = EXIT.failed;
  if (unreadable.length > 0) process.exitCode = EXIT.damaged;
}
