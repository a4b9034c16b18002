import type { Client } from '@temporalio/client';
import { readPrivateKey } from '../../config/secret';
import { DrError, isDrError } from '../../contract/failures';
import { GENERATION_PATTERN, type GenerationCopy } from '../../contract/generation';
import { printable } from '../../contract/printable';
import { backupLine } from '../../contract/voice/backup-text';
import { isGuardsPin } from '../../guard/outcome';
import { listFiles, verifyCopy } from '../../repository/generations';
import { backupHandle, backupProgress, type BackupHandle, resultOf, startBackup } from '../../temporal/runs';
import { type BackupOptions, chooseCopies, loadChosen, openPlaces } from '../backups-listing';
import { markEverywhere } from '../backups-keep';
import { follow } from '../follow';
import { note } from '../output';

export interface PinnedBackup {
  copy: GenerationCopy;
  /** Repositories whose copy was read end to end, and those that have the pin. */
  verifiedIn: string[];
  pinnedIn: string[];
  warnings: string[];
  /** How many other backups are pinned by guards. */
  earlierPins: number;
}

interface Pinning extends BackupOptions {
  as: string;
}

/**
 * Makes a backup, reads it end to end here, and pins it. What the run says of itself is no proof: whoever can write to the
 * namespace can make it name an old backup, so it must be one that no repository had before.
 * @throws DrError
 */
export async function backUpAndPin(client: Client, options: Pinning, reason: string): Promise<PinnedBackup> {
  const { cluster } = options;
  const known = await knownBackups(options);
  const generation = await backUp(client, cluster);
  const listing = await loadChosen(options, [generation]);
  const copies = chooseCopies(listing.copies, generation, cluster);
  const { verifiedIn, problems } = await verifyNew(listing.repositories, copies, known);
  const [copy] = copies.filter(({ repository }) => verifiedIn.includes(repository));
  if (copy === undefined) {
    throw new DrError('CopyDamaged', `The backup ${generation} is not to be relied on: ${problems.join('; ')}.`, {
      advice: `Nothing was changed. Read its copies: vault-dr backups verify ${generation} --cluster ${cluster}`,
    });
  }
  const pinnedIn = await markEverywhere(
    listing,
    copy,
    'pinned',
    { by: options.as, reason },
    await readPrivateKey(listing.config),
  );
  const unanswered = listing.unanswered.map(({ repository, problem }) => `${repository}: ${problem}`);
  if (pinnedIn.length === 0) {
    throw new DrError(
      'RepositoryUnavailable',
      `The backup ${generation} could not be pinned: ${unanswered.join('; ')}`,
      {
        advice: 'Nothing was changed. Without a pin the retention may remove the backup.',
      },
    );
  }
  const earlier = [...listing.marks.pinned].filter(
    ([sha256, { reason: why }]) => sha256 !== copy.manifestSha256 && isGuardsPin(why),
  );
  return { copy, verifiedIn, pinnedIn, warnings: [...problems, ...unanswered], earlierPins: earlier.length };
}

/** By repository; one that does not answer has none that counts as new. */
async function knownBackups(options: BackupOptions): Promise<Map<string, Set<string>>> {
  const { repositories } = await openPlaces(options);
  const known = new Map<string, Set<string>>();
  for (const repository of repositories) {
    try {
      const files = await listFiles(repository, options.cluster);
      known.set(repository.name, new Set(files.map(({ generation }) => generation)));
    } catch (error) {
      if (!isDrError(error)) throw error;
      note(`${repository.name}: ${printable(error.message)}`);
    }
  }
  return known;
}

async function backUp(client: Client, cluster: string): Promise<string> {
  const handle = await startOwn(client, cluster);
  const inspect = async () => printable(backupLine(await backupProgress(handle)));
  const { generation } = await follow({ result: resultOf(handle), inspect, line: inspect });
  if (GENERATION_PATTERN.test(generation)) return generation;
  throw new DrError('OtherVersionNeeded', `The backup of '${cluster}' does not say its id. Nothing was changed.`, {
    advice: 'Install the version of the controller here. If it is the same: look at who may write to the namespace.',
  });
}

/** One that runs already has captured what was there before; it is waited for. */
async function startOwn(client: Client, cluster: string): Promise<BackupHandle> {
  for (;;) {
    try {
      return await startBackup(client, cluster);
    } catch (error) {
      if (!isDrError(error) || error.code !== 'AlreadyRunning') throw error;
      note('Another backup runs, which is waited for.');
      await resultOf(backupHandle(client, cluster)).catch(() => undefined);
    }
  }
}

type Repositories = Awaited<ReturnType<typeof loadChosen>>['repositories'];

async function verifyNew(
  repositories: Repositories,
  copies: readonly GenerationCopy[],
  known: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<{ verifiedIn: string[]; problems: string[] }> {
  const [verifiedIn, problems]: [string[], string[]] = [[], []];
  for (const copy of copies) {
    const repository = repositories.find(({ name }) => name === copy.repository);
    const before = known.get(copy.repository);
    if (repository === undefined) continue;
    try {
      if (before === undefined) problems.push(`${copy.repository} did not answer before the backup`);
      else if (before.has(copy.generation)) problems.push(`${copy.repository} had it before the backup was made`);
      else {
        note(`Reading ${copy.generation} in ${copy.repository} end to end.`);
        await verifyCopy(repository, copy);
        verifiedIn.push(copy.repository);
      }
    } catch (error) {
      if (!isDrError(error)) throw error;
      problems.push(`${copy.repository}: ${error.message}`);
    }
  }
  return { verifiedIn, problems };
}
