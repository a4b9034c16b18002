import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { type Client, ApplicationFailure } from '@temporalio/client';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { privateDirectory } from '../files/files';
import { isKnownDead, ownIdentity } from '../files/process-identity';

const ANSWER_WITHIN_MS = 5_000;

/** Where a worker records the attempts that it has begun: one file each, named after its process, with the task's token. */
export interface AttemptNotes {
  directory: string;
  identity: string;
}

/** Null without /proc or disk space: then only missed heartbeats tell Temporal. */
export async function openAttemptNotes(stateDir: string): Promise<AttemptNotes | null> {
  const identity = await ownIdentity();
  const directory = await privateDirectory(stateDir, 'attempts').catch(() => null);
  return identity === null || directory === null ? null : { directory, identity };
}

/** Records each attempt while it lasts. */
export class AttemptNoter implements ActivityInboundCallsInterceptor {
  constructor(private readonly notes: AttemptNotes) {}

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const path = join(this.notes.directory, `${this.notes.identity}.${randomUUID()}`);
    // Best effort: a full disk must not fail a step that does not need it.
    await writeFile(path, Context.current().info.base64TaskToken, { mode: 0o600 }).catch(() => undefined);
    try {
      return await next(input);
    } finally {
      await rm(path, { force: true }).catch(() => undefined);
    }
  }
}

/**
 * Reports every attempt whose worker is known to be dead to Temporal, so that it is retried at once and not after its
 * heartbeat time-out. @returns how many there were.
 */
export async function failAttemptsOfTheDead(client: Client, { directory }: AttemptNotes, who: string): Promise<number> {
  let failed = 0;
  for (const name of await readdir(directory)) {
    if (!(await isKnownDead(name.split('.')[0] ?? ''))) continue;
    const path = join(directory, name);
    const token = Buffer.from(await readFile(path, 'utf8'), 'base64');
    const death = ApplicationFailure.retryable(
      `${who} ended in the middle of this step, and was restarted.`,
      'ServiceFailed',
    );
    // Abandoned, or its run has ended: Temporal no longer waits for it.
    await client
      .withDeadline(Date.now() + ANSWER_WITHIN_MS, () => client.activity.fail(token, death))
      .then(() => failed++)
      .catch(() => undefined);
    await rm(path, { force: true });
  }
  return failed;
}
