import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { isDrError } from '../../contract/failures';
import type { GuardedChange, GuardInput, Serving, ServingState } from '../../contract/guard';
import { printable } from '../../contract/printable';
import { guardResult, guardWait, type GuardHandle, startGuardWait } from '../../temporal/guard';
import { follow } from '../follow';

const ASK_AGAIN_MS = 2_000;
/** For Temporal and a controller, on top of what the wait itself may take. */
const GRACE_MS = 60_000;

/** Waits in the controller until the cluster serves. @throws DrError AlreadyRunning */
export async function waitUntilServing(client: Client, input: GuardInput): Promise<Serving> {
  return followed(await startGuardWait(client, input));
}

/**
 * The same after the command, when nothing may be thrown: whatever prevents the check is a gap.
 * @param before what is said of the cluster if nothing can be found out
 */
export async function gate(client: Client, input: GuardInput, before: ServingState): Promise<Serving> {
  const deadline = Date.now() + input.withinSeconds * 1_000 + GRACE_MS;
  const late = sleep(deadline - Date.now(), 'late' as const, { ref: false });
  const unknown = (why: string): Serving => ({ gaps: [`could not be checked: ${why}`], state: before });
  try {
    const outcome = await Promise.race([started(client, input, deadline).then(followed), late]);
    return outcome === 'late' ? unknown('no controller said in time how it is') : outcome;
  } catch (error) {
    return unknown((error as Error).message);
  }
}

/** Temporal may be away for a while, or another guard may look at this cluster. */
async function started(client: Client, input: GuardInput, deadline: number): Promise<GuardHandle> {
  for (;;) {
    try {
      return await startGuardWait(client, input);
    } catch (error) {
      const waits = !isDrError(error) || error.code === 'AlreadyRunning';
      if (!waits || Date.now() >= deadline) throw error;
      await sleep(ASK_AGAIN_MS);
    }
  }
}

function followed(handle: GuardHandle): Promise<Serving> {
  const inspect = async () => printable(await guardWait(handle));
  return follow({ result: guardResult(handle), inspect, line: inspect });
}

/** Of a command that has not ended, or did not begin. */
export function changeOf(
  stage: GuardedChange['stage'],
  program: string,
  backup: string,
  end: Pick<GuardedChange, 'exitCode' | 'signal'> = { exitCode: null, signal: null },
): GuardedChange {
  const { exitCode, signal } = end;
  return { stage, program, backup, exitCode, signal };
}
