import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { TemporalOptions } from '../connect-temporal';
import type { OpenRun } from './open-run';
import { formatSeconds } from '../../contract/format';
import type { ReplayAnswer, ReplayRequest } from './replay-protocol';

const PROGRAM = join(__dirname, 'replay-process');
/** Far more than the longest history that replays in time. */
const MEMORY_MB = 512;

export interface Replayer {
  /** Fetches and replays one run; never throws. One at a time. */
  replay(run: OpenRun, withinMs: number): Promise<ReplayAnswer>;
  close(): void;
}

/** Replays in a separate process, started when first needed, and again if a run has ended it. */
export function createReplayer(
  temporal: TemporalOptions,
  bundle: string,
  execArgv: readonly string[] = process.execArgv,
): Replayer {
  let child: ChildProcess | undefined;

  function close(): void {
    child?.kill('SIGKILL');
    child = undefined;
  }

  async function replay(run: OpenRun, withinMs: number): Promise<ReplayAnswer> {
    child ??= start(execArgv);
    const answer = await ask(child, { temporal, bundle, run }, withinMs);
    if (typeof answer !== 'string') return answer;
    close();
    return { outcome: { kind: 'unknown', reason: answer }, decider: null };
  }

  return { replay, close };
}

function start(execArgv: readonly string[]): ChildProcess {
  return fork(PROGRAM, {
    execArgv: [...execArgv, `--max-old-space-size=${MEMORY_MB}`],
    // Its output would mix with the controller's; everything of interest comes as an answer.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

/** @returns the answer, or the reason why there is none. */
function ask(child: ChildProcess, request: ReplayRequest, withinMs: number): Promise<ReplayAnswer | string> {
  return new Promise((resolve) => {
    const timer = setTimeout(
      () => settle(`it was not replayed within ${formatSeconds(Math.ceil(withinMs / 1_000))}.`),
      withinMs,
    );
    const onMessage = (answer: unknown) => settle(answer as ReplayAnswer);
    const died = () => settle(`the process that replayed it died; it may need more than ${MEMORY_MB} MB of memory.`);
    const onError = (error: Error) => settle(error.message);
    child.once('message', onMessage);
    child.once('exit', died);
    child.once('error', onError);
    child.send(request, (error) => error && died());

    function settle(result: ReplayAnswer | string): void {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', died);
      // A late error must not end the controller.
      child.off('error', onError).on('error', () => undefined);
      resolve(result);
    }
  });
}
