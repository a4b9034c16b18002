import type { Config } from '../../../config/schema';
import type { GenerationCopy } from '../../../contract/generation';
import type { ReadinessReport } from '../../../contract/readiness';
import { evaluateRollCall } from '../../../contract/roll-call';
import { describeReadiness } from '../../../contract/voice/readiness-text';
import type { BackupPoint, ClusterRow, RunLine } from '../../model';
import { type BackupFacts, lastRollCall, newestOf } from './backup-facts';
import type { Known } from './shared';

/** What was found out of a cluster, and what was not. */
export interface ClusterFacts {
  cluster: string;
  /** `none`: Temporal answers, and there was no evaluation. */
  evaluation: Known<ReadinessReport | 'none'>;
  backups: Known<BackupFacts>;
  running: RunLine[];
}

/** Waits for people first. */
export function rowOf(config: Config, facts: ClusterFacts, now: number): ClusterRow {
  const { cluster, evaluation, backups } = facts;
  const report = typeof evaluation.value === 'object' ? evaluation.value : null;
  const text = report && describeReadiness(report);
  return {
    cluster,
    verdict: report?.verdict ?? null,
    headline:
      text?.headline ??
      (evaluation.value === 'none' ? `${cluster} was never evaluated` : `Not known whether ${cluster} can be restored`),
    open: text?.open ?? [],
    evaluatedAt: report?.evaluatedAt ?? null,
    rpo: report?.rpo ?? null,
    rto: report?.rto ?? null,
    newest: newestIn(backups.value),
    lastDrill: lastDrillIn(backups.value),
    lastRollCall: rollCallIn(config, cluster, backups.value, now),
    running: facts.running.toSorted((left, right) => Number(right.waitsFor !== null) - Number(left.waitsFor !== null)),
    problems: [
      ...(evaluation.problem === null ? [] : [`Last evaluation: ${evaluation.problem}`]),
      ...(backups.problem === null ? [] : [`Backups: ${backups.problem}`]),
      ...(backups.value?.problems ?? []),
    ],
  };
}

function newestIn(facts: BackupFacts | null): ClusterRow['newest'] {
  const newest = facts && newestOf(facts.copies);
  if (!newest) return null;
  const { generation, manifest } = newest;
  const copies = facts.copies.filter((copy) => copy.generation === generation);
  return {
    generation,
    capturedAt: manifest.capturedAt,
    copies: copies.map(({ repository }) => ({ repository, lock: facts.locks.get(repository) ?? 'unknown' })),
  };
}

function lastDrillIn(facts: BackupFacts | null): ClusterRow['lastDrill'] {
  const all = [...(facts?.marks.drills.values() ?? [])].map(({ last }) => last);
  const [last] = all.toSorted((left, right) => Date.parse(right.at) - Date.parse(left.at));
  return last === undefined ? null : { at: last.at, passed: last.failed === null };
}

function rollCallIn(
  config: Config,
  cluster: string,
  facts: BackupFacts | null,
  now: number,
): ClusterRow['lastRollCall'] {
  const newest = facts && newestOf(facts.copies);
  const last = facts && lastRollCall(facts.marks.rollCalls);
  const policy = config.clusters[cluster]?.rollCall;
  if (!newest || !last || !policy) return null;
  const { manifest } = newest;
  const { proven, wanted } = evaluateRollCall(
    facts.marks.rollCalls,
    policy,
    manifest.recovery ?? manifest.seal,
    new Date(now),
  );
  return { at: last.at, proven, needed: wanted };
}

/** Oldest first. */
export function backupPoints({ copies, marks }: BackupFacts): BackupPoint[] {
  const byId = new Map<string, GenerationCopy[]>();
  for (const copy of copies) byId.set(copy.generation, [...(byId.get(copy.generation) ?? []), copy]);
  const points = [...byId.values()].map((same): BackupPoint => {
    const { generation, manifest } = same[0]!;
    return {
      generation,
      capturedAt: manifest.capturedAt,
      sizeBytes: manifest.stored.sizeBytes,
      keys: manifest.keys.count,
      copies: same.map(({ repository }) => repository),
      drilled: same.some(({ manifestSha256 }) => (marks.drills.get(manifestSha256)?.level ?? null) !== null),
      pinned: same.some(({ manifestSha256 }) => marks.pinned.has(manifestSha256)),
    };
  });
  return points.toSorted((left, right) => (left.generation < right.generation ? -1 : 1));
}
