import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Client } from '@temporalio/client';
import { printable } from '../../contract/printable';
import { lastDecider } from './last-decider';
import { listOpenRuns } from './list-open-runs';
import { type Finding, nameOf, type OpenRun } from './open-run';
import type { Replayer } from './replayer';
import { formatSeconds } from '../../contract/format';
import { refuseTakeover, type Verdict, verdictOn } from './verdict';

/** A run that a controller can still advance replays within a workflow task, in seconds; the rest is for a busy machine. */
const RUN_WITHIN_MS = 60_000;
/** A controller must start soon, however many runs are open. */
const ALL_WITHIN_MS = 120_000;

/** Runs that are not checked: all, or those with these ids. */
export type SkippedRuns = 'all' | readonly string[];

export interface TakeoverCheck {
  client: Client;
  replayer: Replayer;
  clusters: readonly string[];
  version: string;
  bundle: string;
  skip: SkippedRuns;
  log: { warn(text: string): void; info(facts: object, text: string): void };
  signal?: AbortSignal;
  withinMs?: number;
}

/**
 * Before a controller polls: checks that it would continue every open run the way it began. A run whose last decision was
 * made by this very build needs no replay.
 * @throws DrError OtherVersionNeeded that names each run, what differs, and the version that can continue it.
 */
export async function checkOpenRuns(check: TakeoverCheck): Promise<void> {
  const { client, replayer, clusters, version, skip, log, signal, withinMs = ALL_WITHIN_MS } = check;
  if (skip === 'all') {
    log.warn("open runs are not checked (--skip-replay-check): a run that this version can't continue stops");
    return;
  }
  const deadline = Date.now() + withinMs;
  const build = await hashOf(check.bundle);
  const problem = (text: string) => log.warn(`Open runs: ${printable(text).slice(0, 500)}`);
  const runs = (await listOpenRuns(client, clusters, problem)).filter(({ runId }) => !skip.includes(runId));
  const verdicts: Verdict[] = [];
  let replayed = 0;
  try {
    for (const [index, run] of runs.entries()) {
      if (signal?.aborted) return;
      const left = deadline - Date.now();
      if (left <= 0) {
        problem(
          `${runs.length - index} were not checked within ${formatSeconds(withinMs / 1_000)}, the first of them ${nameOf(run)}`,
        );
        break;
      }
      const finding = await findingOn(run, Math.min(left, RUN_WITHIN_MS));
      verdicts.push(verdictOn(finding, version, clusters));
    }
  } finally {
    replayer.close();
  }
  for (const verdict of verdicts) if (verdict?.kind === 'warn') log.warn(verdict.text);
  refuseTakeover(verdicts, version);
  if (runs.length > 0) log.info({ runs: runs.length, replayed }, 'open runs checked');

  async function findingOn(run: OpenRun, within: number): Promise<Finding> {
    const decider = await lastDecider(client, run, Date.now() + within).catch(() => null);
    if (decider?.buildId.endsWith(`+${build}`)) return { run, decider, outcome: { kind: 'replays' } };
    replayed++;
    return { run, ...(await replayer.replay(run, within)) };
  }
}

async function hashOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}
