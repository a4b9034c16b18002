import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { style } from '../../terminal';
import type { RestoreProgress, RestoreReport } from '../../contract/restore';
import { type RestoreHandle, restoreProgress } from '../../temporal/runs';
import type { Story } from './story';
import { waitFor } from '../processes';

const LOOK_EVERY_MS = 150;
/** A controller that has just been killed answers nobody. */
const ANSWER_WITHIN_MS = 800;
const WAIT_MS = 180_000;

/** Follows a run and tells each change of it. */
export interface RunWatch {
  /**
   * The first progress that passes the test.
   * @throws DrError ServiceFailed when the run ends, or three minutes pass, before that.
   */
  until(what: string, test: (progress: RestoreProgress) => boolean): Promise<RestoreProgress>;
  /** Says so when the run has ended, or nobody follows it any more. */
  ended(): string | undefined;
  /** @throws WorkflowFailedError when the run was refused. */
  readonly report: Promise<RestoreReport>;
}

export function watchRun(client: Client, handle: RestoreHandle, story: Story): RunWatch {
  let latest: RestoreProgress | undefined;
  let over = false;
  let told = '';
  const report = handle.result();
  report.then(
    () => (over = true),
    () => (over = true),
  );
  const ended = () => (over ? 'the run ended before that' : undefined);
  const tell = (text: string) => {
    if (text !== told) story.say(text);
    told = text;
  };

  async function follow(): Promise<void> {
    while (!over) {
      try {
        const progress = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => restoreProgress(handle));
        const changed = progressLine(progress) !== (latest && progressLine(latest));
        latest = progress;
        if (changed) tell(`${elapsed(progress)}  ${progressLine(progress)}`);
      } catch {
        if (!over) tell(style('dim', '          nobody answers just now; the run is safe in Temporal'));
      }
      await sleep(LOOK_EVERY_MS);
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

export function hasReached(progress: RestoreProgress, phase: RestoreProgress['phase']): boolean {
  return progress.phases.some((item) => item.phase === phase);
}

export function progressLine({ phase, nodes, waitingFor, shares, parked }: RestoreProgress): string {
  const states = nodes.map(({ name, state }) => `${name} ${state}`).join(' · ');
  const waits = {
    approval: ' · waits for approval',
    shares: ` · waits for key holders (${shares?.accepted.length} of ${shares?.required})`,
    operator: ` · PARKED: ${parked.map((item) => item.problem).join(' ')}`,
  };
  return `${phase.padEnd(8)}  ${states}${waitingFor === null ? '' : waits[waitingFor]}`;
}

function elapsed({ startedAt }: RestoreProgress): string {
  return `${((Date.now() - Date.parse(startedAt)) / 1_000).toFixed(1).padStart(6)} s`;
}
