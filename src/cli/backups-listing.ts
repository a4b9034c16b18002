import { clusterOf, loadConfig, readPublicKey, repositoryConfigOf } from '../config/load';
import type { Config } from '../config/schema';
import { DrError, isDrError } from '../contract/failures';
import type { GenerationCopy } from '../contract/generation';
import type { RepositoryView } from '../repository/keep/chain';
import { listGenerations, type UnreadableGeneration } from '../repository/generations';
import { type MarkMeaning, meaningOf, readMarks, withRestored } from '../repository/keep/marks';
import { openRepository } from '../repository/open';
import type { Repository } from '../repository/types';
import { style } from '../terminal';
import { note } from './output';
import { type CommonOptions, EXIT } from './program';

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
  copies: GenerationCopy[];
  unreadable: (UnreadableGeneration & { repository: string })[];
  marks: Pick<MarkMeaning, 'restored' | 'pinned'>;
  unanswered: { repository: string; problem: string }[];
  warnings: string[];
}

export async function loadListing(options: BackupOptions): Promise<Listing> {
  const config = await loadConfig(options.config);
  const cluster = clusterOf(config, options.cluster);
  const publicKey = await readPublicKey(config);
  const listing: Omit<Listing, 'copies' | 'unreadable' | 'marks'> = {
    config,
    publicKey,
    repositories: [],
    views: [],
    unanswered: [],
    warnings: [],
  };
  const allMarks = [];
  for (const name of cluster.repositories) {
    try {
      const repository = await openRepository(name, repositoryConfigOf(config, name));
      const { copies, unreadable } = await listGenerations(repository, options.cluster, publicKey);
      const { marks, problems } = await readMarks(repository, options.cluster, publicKey);
      const { tombstones } = meaningOf(marks);
      listing.repositories.push(repository);
      listing.views.push({ repository: name, copies, unreadable, tombstones });
      listing.warnings.push(...problems);
      allMarks.push(...marks);
    } catch (error) {
      if (!isDrError(error)) throw error;
      listing.unanswered.push({ repository: name, problem: error.message });
    }
  }
  const marks = meaningOf(allMarks);
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

/** The copies of one backup. @throws DrError UnknownGeneration that names the newest ones. */
export function chooseCopies(copies: GenerationCopy[], generation: string, cluster: string): GenerationCopy[] {
  const ids = idsOf(copies);
  const id = generation === 'latest' ? ids[0] : generation;
  const chosen = copies.filter((copy) => copy.generation === id);
  if (chosen.length > 0) return chosen;
  const newest = ids.slice(0, 5).join(', ') || 'none';
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
