import { clusterOf, repositoryConfigOf } from '../config/load';
import type { Config } from '../config/schema';
import { capturedAtOf, type GenerationCopy } from '../contract/generation';
import { evaluateRollCall } from '../contract/roll-call';
import { hasManifest, listFiles, readGenerations } from '../repository/generations';
import { type Mark, type MarkMeaning, meaningOf, readMarks } from '../repository/keep/marks';
import { lockOfCopy } from '../repository/lock-of-copy';
import type { Repository, TransferOptions } from '../repository/types';
import { type Sample, samplesOf, seconds } from './families';

/** Manifests that are read in each repository. */
const NEWEST = 20;

/** What a repository holds of a cluster. */
export interface RepositoryFacts {
  repository: string;
  /** Ids, oldest first. */
  generations: string[];
  /** Of the newest of them. */
  copies: GenerationCopy[];
  damaged: number;
  /** Milliseconds since the epoch; null: the newest can be removed; undefined: nothing is to lock it, or nobody knows. */
  lockedUntil: number | null | undefined;
  marks: Mark[];
}

/** Of the repositories of a cluster; null: it did not answer. */
export type ClusterFacts = ReadonlyMap<string, RepositoryFacts | null>;

/** @throws DrError if it does not answer */
export async function readRepository(
  repository: Repository,
  { config, cluster, publicKey }: { config: Config; cluster: string; publicKey: string },
  options: TransferOptions = {},
): Promise<RepositoryFacts> {
  const found = (await listFiles(repository, cluster, options)).filter(hasManifest);
  const { copies, unreadable } = await readGenerations(repository, cluster, found.slice(-NEWEST), publicKey, options);
  const { marks } = await readMarks(repository, cluster, publicKey, options);
  const locks = 'objectLock' in repositoryConfigOf(config, repository.name);
  return {
    repository: repository.name,
    generations: found.map(({ generation }) => generation),
    copies,
    damaged: unreadable.length,
    lockedUntil: locks ? await lockOf(repository, newestOf(copies)) : undefined,
    marks,
  };
}

async function lockOf(repository: Repository, newest: GenerationCopy | undefined): Promise<number | null | undefined> {
  if (newest === undefined) return undefined;
  const until = await lockOfCopy(repository, newest);
  return until === undefined ? Infinity : (until?.getTime() ?? null);
}

/** Of all repositories together. @param now milliseconds since the epoch */
export function repositorySamples(config: Config, cluster: string, facts: ClusterFacts, now: number): Sample[] {
  const one = samplesOf(cluster);
  const answered = [...facts.values()].filter((item) => item !== null);
  const newestIds = newestIn(answered.flatMap(({ generations }) => generations));
  const meaning = meaningOf(answered.flatMap(({ marks }) => marks));
  const newest = newestOf(answered.flatMap(({ copies }) => copies));
  return [
    ...[...facts].flatMap(([repository, item]) => one('vault_dr_repository_up', item === null ? 0 : 1, { repository })),
    ...answered.flatMap(({ repository, generations, copies, damaged, lockedUntil }) => {
      const [oldest] = generations;
      const missing = newestIds.filter((id) => id > (oldest ?? '') && !generations.includes(id));
      const lock = lockedUntil === undefined ? undefined : Math.max(0, ((lockedUntil ?? now) - now) / 1_000);
      return [
        ...one('vault_dr_generations', generations.length, { repository }),
        ...one('vault_dr_generation_newest_timestamp_seconds', capturedAt(newestOf(copies)), {
          repository,
          check: 'listed',
        }),
        ...one(
          'vault_dr_generation_newest_timestamp_seconds',
          capturedAt(newestOf(copies.filter(isRestored(meaning)))),
          {
            repository,
            check: 'restored',
          },
        ),
        ...one(
          'vault_dr_generation_oldest_timestamp_seconds',
          oldest === undefined ? null : seconds(capturedAtOf(oldest)),
          { repository },
        ),
        ...one('vault_dr_generation_lock_remaining_seconds', lock, { repository }),
        ...one('vault_dr_repository_missing_generations', missing.length, { repository }),
        ...one('vault_dr_repository_damaged_generations', damaged, { repository }),
      ];
    }),
    ...one('vault_dr_generation_size_bytes', newest?.manifest.stored.sizeBytes),
    ...one('vault_dr_generation_keys', newest?.manifest.keys.count),
    ...one('vault_dr_generation_leases', newest?.manifest.leases?.total),
    ...drillSamples(meaning).map(({ name, labels, value }) => ({ name, labels: { cluster, ...labels }, value })),
    ...(newest ? rollCallSamples(config, cluster, meaning, newest, now) : []),
  ];
}

function isRestored({ restored, drills }: MarkMeaning): (copy: GenerationCopy) => boolean {
  return ({ manifestSha256 }) => restored.has(manifestSha256) || drills.get(manifestSha256)?.level === 'restored';
}

function drillSamples({ drills }: MarkMeaning): Sample[] {
  const all = [...drills.values()].flatMap((history) => history.all);
  const lastOf = (passed: boolean) =>
    all.filter(({ failed }) => (failed === null) === passed).toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))[0];
  const last = { completed: lastOf(true), failed: lastOf(false) };
  const name = 'vault_dr_drill_last_timestamp_seconds';
  return [
    ...Object.entries(last).flatMap(([outcome, drill]) =>
      drill ? [{ name, labels: { outcome }, value: seconds(drill.at) } as const] : [],
    ),
    ...(last.completed?.phases ?? []).map(({ phase, milliseconds }) => ({
      name: 'vault_dr_drill_duration_seconds' as const,
      labels: { part: phase },
      value: milliseconds / 1_000,
    })),
  ];
}

function rollCallSamples(
  config: Config,
  cluster: string,
  { rollCalls }: MarkMeaning,
  { manifest }: GenerationCopy,
  now: number,
): Sample[] {
  const { rollCall } = clusterOf(config, cluster);
  const { holders } = evaluateRollCall(rollCalls, rollCall, manifest.recovery ?? manifest.seal, new Date(now));
  return holders.map(({ holder, provenAt }) => ({
    name: 'vault_dr_share_proven_timestamp_seconds',
    labels: { cluster, holder },
    value: provenAt === null ? 0 : seconds(provenAt),
  }));
}

function newestIn(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort().slice(-NEWEST);
}

function newestOf(copies: readonly GenerationCopy[]): GenerationCopy | undefined {
  return copies.toSorted((left, right) => (left.generation < right.generation ? -1 : 1)).at(-1);
}

function capturedAt(copy: GenerationCopy | undefined): number | undefined {
  return copy && seconds(copy.manifest.capturedAt);
}
