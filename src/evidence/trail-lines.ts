import { z } from 'zod';
import type { AuditLine } from '../audit/audit-record';
import { GENERATION_PATTERN } from '../contract/generation';
import { RUN_PATTERN } from '../contract/names';
import { isWithin, type Period } from './period';

/** Longer texts are none of ours. */
const LONGEST = 1_000;

const word = z.string().transform((text) => text.slice(0, LONGEST));
const line = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  actor: word,
  action: word,
  cluster: z.string(),
  run: z.string().regex(RUN_PATTERN),
  outcome: z.enum(['success', 'failure', 'info']),
  details: z.record(z.string(), z.unknown()),
});
export type TrailLine = z.infer<typeof line>;

const made = z.object({
  generation: z.string().regex(GENERATION_PATTERN),
  copies: z.array(z.object({ repository: word })).max(100),
});
const failed = z.object({ code: word, problem: word });
const phase = z.object({ phase: word });
const ended = z.object({ status: word });

/** The lines of a cluster within the period, each once, oldest first; and how many there are that are none of ours. */
export function linesWithin(
  lines: readonly AuditLine[],
  cluster: string,
  period: Period,
): { lines: TrailLine[]; unread: number } {
  const byId = new Map<string, TrailLine>();
  let unread = 0;
  for (const raw of lines) {
    if (raw.cluster !== cluster) continue;
    const { data } = line.safeParse(raw);
    if (data === undefined) unread++;
    else if (isWithin(period, data.at)) byId.set(data.id, data);
  }
  return { lines: [...byId.values()].toSorted((left, right) => Date.parse(left.at) - Date.parse(right.at)), unread };
}

/** Backups that a line says were made. */
export function backupsMade(lines: readonly TrailLine[]): string[] {
  return lines.flatMap(({ action, outcome, details }) => {
    const { data } = made.safeParse(details);
    return action === 'backup' && outcome === 'success' && data !== undefined ? [data.generation] : [];
  });
}

export function backupsFailed(
  lines: readonly TrailLine[],
): { at: string; run: string; code: string; problem: string }[] {
  return lines.flatMap(({ action, outcome, details, at, run }) => {
    const { data } = failed.safeParse(details);
    return action === 'backup' && outcome === 'failure' && data !== undefined ? [{ at, run, ...data }] : [];
  });
}

/** What the lines say of one run. */
export interface RunInTrail {
  run: string;
  requestedBy: string;
  startedAt: string;
  finishedAt: string | null;
  status: string;
  phases: string[];
}

/** Runs of recoveries. */
export function recoveriesIn(lines: readonly TrailLine[]): RunInTrail[] {
  const runs = new Map<string, RunInTrail>();
  for (const { action, actor, at, run, details } of lines) {
    if (!action.startsWith('restore.')) continue;
    const known: RunInTrail = runs.get(run) ?? {
      run,
      requestedBy: 'not known',
      startedAt: at,
      finishedAt: null,
      status: 'not known',
      phases: [],
    };
    runs.set(run, known);
    if (action === 'restore.plan') known.requestedBy = actor;
    if (action === 'restore.phase') known.phases.push(...(phase.safeParse(details).data?.phase.split(' ') ?? []));
    if (action === 'restore.end') {
      known.finishedAt = at;
      known.status = ended.safeParse(details).data?.status ?? 'not known';
    }
  }
  return [...runs.values()];
}

/** How many lines of each kind there are. */
export function activityIn(lines: readonly TrailLine[]): { action: string; outcome: string; lines: number }[] {
  const counts = new Map<string, { action: string; outcome: string; lines: number }>();
  for (const { action, outcome } of lines) {
    const key = JSON.stringify([action, outcome]);
    const known = counts.get(key) ?? { action, outcome, lines: 0 };
    counts.set(key, { ...known, lines: known.lines + 1 });
  }
  return [...counts.values()].toSorted((left, right) => (left.action < right.action ? -1 : 1));
}
