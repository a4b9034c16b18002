import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { style } from '../../terminal';
import type { RecoveryProgress, RecoveryReport } from '../../contract/recovery';
import { NO_ANSWER, progressLine } from '../../contract/voice/one-line';
import { type RecoveryHandle, recoveryProgress } from '../../temporal/runs';
import type { Story } from './story';
import { waitFor } from '../processes';

const POLL_INTERVAL_MS = 150;
/** A controller that has just been killed does not answer. */
const ANSWER_WITHIN_MS = 800;
const WAIT_MS = 180_000;

/** Follows a run and tells each change of it. */
export interface RunWatch {
  /**
   * The first progress that passes the test.
   * @throws DrError ServiceFailed when the run ends, or three minutes pass, before that.
   */
  until(what: string, test: (progress: RecoveryProgress) => boolean): Promise<RecoveryProgress>;
  /** Aborted when the run has ended, or is no longer followed. */
  ended(): string | undefined;
  /** @throws WorkflowFailedError when the run was refused. */
  readonly report: Promise<RecoveryReport>;
}

export function watchRun(client: Client, handle: RecoveryHandle, story: Story): RunWatch {
  let latest: RecoveryProgress | undefined;
  let over = false;
  let latestLine = '';
  let shown = '';
  const report = handle.result();
  report.then(
    () => (over = true),
    () => (over = true),
  );
  const ended = () => (over ? 'the run ended before that' : undefined);
  const show = (text: string) => {
    if (text !== shown) story.say(text);
    shown = text;
  };

  async function follow(): Promise<void> {
    while (!over) {
      try {
        const progress = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => recoveryProgress(handle));
        latest = progress;
        const line = progressLine(progress, Date.now());
        if (line !== latestLine) show(`${elapsed(progress)}  ${line}`);
        latestLine = line;
      } catch {
        if (!over) show(style('dim', `          ${NO_ANSWER}`));
      }
      await sleep(POLL_INTERVAL_MS);
    }
  }
  void follow();

  return {
    until: (what, test) =>
      waitFor(what, async () => latest !== undefined && test(latest) && latest, {
        timeoutMs: WAIT_MS,
        giveUp: ended,
      }),
    ended,
    report,
  };
}

export function hasReached(progress: RecoveryProgress, phase: RecoveryProgress['phase']): boolean {
  return progress.phases.some((item) => item.phase === phase);
}

function elapsed({ startedAt }: RecoveryProgress): string {
  return `${((Date.now() - Date.parse(startedAt)) / 1_000).toFixed(1).padStart(6)} s`;
}
