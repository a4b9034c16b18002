import { controllerName, servedElsewhere } from '../../../config/controller-name';
import { clusterOf, readPublicKey, repositoryConfigOf } from '../../../config/load';
import type { Config } from '../../../config/schema';
import { printable } from '../../../contract/printable';
import type { GenerationCopy } from '../../../contract/generation';
import type { RollCalled } from '../../../contract/roll-call';
import { newestFiles, readGenerations } from '../../../repository/generations';
import { type Mark, type MarkMeaning, meaningOf, readMarks } from '../../../repository/keep/marks';
import { lockOfCopy } from '../../../repository/lock-of-copy';
import { openRepository } from '../../../repository/open';
import type { CopyPlace } from '../../model';
import { within } from './shared';

/** What repositories say of a cluster, each of them as far as it answered. */
export interface BackupFacts {
  /** Newest first. */
  copies: GenerationCopy[];
  /** Of the newest backup, by repository. */
  locks: Map<string, CopyPlace['lock']>;
  marks: Pick<MarkMeaning, 'pinned' | 'drills' | 'rollCalls'>;
  problems: string[];
}

interface Shelf {
  copies: GenerationCopy[];
  marks: Mark[];
  lock: CopyPlace['lock'];
  problems: string[];
}

const ANSWER_WITHIN_MS = 20_000;
/** Of what can't be trusted in a repository. */
const MOST_SAID = 5;

/** @param newest how many backups of each repository are read */
export async function readBackups(config: Config, cluster: string, newest: number): Promise<BackupFacts> {
  const publicKey = await readPublicKey(config);
  const names = clusterOf(config, cluster).repositories;
  const shelves = await Promise.all(
    names.map((name) =>
      within(ANSWER_WITHIN_MS, (signal) => readShelf(config, cluster, name, { publicKey, newest, signal })).catch(
        (error: Error): Shelf => ({ copies: [], marks: [], lock: 'unknown', problems: [error.message] }),
      ),
    ),
  );
  const copies = shelves.flatMap((shelf) => shelf.copies);
  const newestId = newestOf(copies)?.generation;
  const locks = names.flatMap((name, at): [string, CopyPlace['lock']][] => {
    const shelf = shelves[at]!;
    return shelf.copies[0] !== undefined && shelf.copies[0].generation === newestId ? [[name, shelf.lock]] : [];
  });
  return {
    // Of one backup in the order of the configuration.
    copies: copies.toSorted((left, right) => compare(right.generation, left.generation)),
    locks: new Map(locks),
    marks: meaningOf(shelves.flatMap(({ marks }) => marks)),
    problems: names.flatMap((name, at) => shelves[at]!.problems.map((text) => printable(`${name}: ${text}`))),
  };
}

async function readShelf(
  config: Config,
  cluster: string,
  name: string,
  { publicKey, newest, signal }: { publicKey: string; newest: number; signal: AbortSignal },
): Promise<Shelf> {
  const place = repositoryConfigOf(config, name);
  const host = servedElsewhere(place, controllerName(config));
  if (host !== null) {
    return { copies: [], marks: [], lock: 'unknown', problems: [`only the host ${host} can read it`] };
  }
  const repository = await openRepository(name, place, config.stateDir);
  const options = { signal };
  const { found } = await newestFiles(repository, cluster, newest, options);
  const { copies, unreadable } = await readGenerations(repository, cluster, found, publicKey, options);
  const { marks, problems } = await readMarks(repository, cluster, publicKey, options);
  const untrusted = [...unreadable.map(({ generation, problem }) => `${generation}: ${problem}`), ...problems];
  const more = untrusted.length > MOST_SAID ? [`${untrusted.length - MOST_SAID} more problems`] : [];
  return { copies, marks, lock: await lockOf(), problems: [...untrusted.slice(0, MOST_SAID), ...more] };

  async function lockOf(): Promise<CopyPlace['lock']> {
    if (!('objectLock' in place)) return 'none';
    const first = newestOf(copies);
    if (first === undefined) return 'unknown';
    try {
      const until = await lockOfCopy(repository, first);
      if (until === undefined) return 'held';
      return until === null ? 'none' : { until: until.toISOString() };
    } catch {
      return 'unknown';
    }
  }
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

export function newestOf(copies: readonly GenerationCopy[]): GenerationCopy | undefined {
  return copies.reduce<GenerationCopy | undefined>(
    (best, copy) => (best === undefined || copy.generation > best.generation ? copy : best),
    undefined,
  );
}

export function lastRollCall(rollCalls: readonly RollCalled[]): RollCalled | undefined {
  return rollCalls.toSorted((left, right) => Date.parse(right.at) - Date.parse(left.at))[0];
}
