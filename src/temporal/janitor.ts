import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { sweepStaging } from '../repository/staging';
import { connectClient, type TemporalOptions } from './connect-temporal';
import { openRecovery } from './first-run';

const INTERVAL_MS = 60_000;
/** Nothing is asked where no host was claimed. */
const CLAIMED_INTERVAL_MS = 10_000;
/** Short: a stopped node is missing from the cluster. */
const STOPPED_INTERVAL_MS = 5_000;

interface JanitorSettings {
  temporal: TemporalOptions;
  log: Logger;
}

/**
 * Checks periodically whether a run with an identity here has ended without cleaning up, as after a termination.
 * @param sweep destroys the identities of ended runs, and returns those runs.
 */
export async function destroyFinishedIdentities(
  settings: JanitorSettings & { cluster: string },
  sweep: (isOver: (run: string) => Promise<boolean>) => Promise<string[]>,
  signal: AbortSignal,
): Promise<void> {
  await nowAndThen(settings, signal, 'the run has ended; its identity was destroyed', (ask) =>
    sweep((run) => ask((client) => isOver(client, settings.cluster, run))),
  );
}

/** The same for runs in a sandbox, whose workflow ids differ. */
export async function destroyFinishedSandboxIdentities(
  settings: JanitorSettings,
  sweep: (isOver: (run: string) => Promise<boolean>) => Promise<string[]>,
  signal: AbortSignal,
): Promise<void> {
  await nowAndThen(settings, signal, 'the run has ended; its identity was destroyed', (ask) =>
    sweep((run) => ask((client) => isListedAsOver(client, run))),
  );
}

/** Checks periodically whether a backup with staged files was terminated: then nothing else removes them. */
export async function removeFinishedStaging(
  settings: JanitorSettings,
  stateDir: string,
  signal: AbortSignal,
): Promise<void> {
  await nowAndThen(settings, signal, 'the run has ended; its staged files were removed', (ask) =>
    sweepStaging(stateDir, (run) => ask((client) => isListedAsOver(client, run))),
  );
}

/** Publishes now and then what was added to the audit trail. What can't be is tried again. */
export async function publishAuditTrail(
  { log }: JanitorSettings,
  publish: (signal: AbortSignal) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    await publish(AbortSignal.any([signal, AbortSignal.timeout(INTERVAL_MS)])).catch((error: Error) => {
      log.debug({ problem: error.message }, 'the audit trail is not in every repository yet');
    });
  }
}

/**
 * Checks every few seconds whether a node that was stopped for a backup must start again: because the run is over or
 * unknown to Temporal, or the deadline has passed. @param settle starts it, and returns the runs.
 */
export async function startAfterBackup(
  settings: JanitorSettings & { cluster: string },
  settle: (isOver: (run: string) => Promise<boolean>) => Promise<string[]>,
  signal: AbortSignal,
): Promise<void> {
  const done = 'the run that stopped Vault for a backup has ended, or took too long; Vault was started again';
  const sweep = (ask: Ask) => settle((run) => ask((client) => isOver(client, settings.cluster, run)));
  await nowAndThen(settings, signal, done, sweep, STOPPED_INTERVAL_MS);
}

/** Checks now and then whether a run that keeps Vault stopped is over: then anybody may start it again. */
export async function releaseHolds(
  settings: JanitorSettings & { cluster: string },
  settle: (isOver: (run: string) => Promise<boolean>) => Promise<string[]>,
  signal: AbortSignal,
): Promise<void> {
  const done = 'the run that kept Vault stopped is over; its unit can be started again';
  const sweep = (ask: Ask) => settle((run) => ask((client) => isOver(client, settings.cluster, run)));
  await nowAndThen(settings, signal, done, sweep, STOPPED_INTERVAL_MS);
}

/** Checks periodically whether a run that has claimed a host over SSH is over: then nobody else cleans up there. */
export async function tendClaimedHosts(
  settings: JanitorSettings,
  tend: (isOver: (cluster: string, run: string) => Promise<boolean>) => Promise<string[]>,
  signal: AbortSignal,
): Promise<void> {
  const done = 'the run has ended; what it left on a host without an agent was cleaned up';
  await nowAndThen(
    settings,
    signal,
    done,
    (ask) => tend((cluster, run) => ask((client) => isOver(client, cluster, run))),
    CLAIMED_INTERVAL_MS,
  );
}

/** Connects only when there is something to ask. */
type Ask = (question: (client: Client) => Promise<boolean>) => Promise<boolean>;

async function nowAndThen(
  { temporal, log }: JanitorSettings,
  signal: AbortSignal,
  done: string,
  sweep: (ask: Ask) => Promise<string[]>,
  intervalMs = INTERVAL_MS,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const run of await sweep((question) => withClient(temporal, question))) log.info({ run }, done);
    } catch (error) {
      // Temporal may be down: everything stays until it is known to be unneeded.
      log.debug({ problem: (error as Error).message }, 'nothing was cleaned up');
    }
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

async function withClient<T>(options: TemporalOptions, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connectClient(options);
  try {
    return await work(client);
  } finally {
    await client.connection.close();
  }
}

export async function isOver(client: Client, cluster: string, run: string): Promise<boolean> {
  return (await openRecovery(client, cluster)) !== run;
}

/** Backups share no workflow id. One that isn't listed may have begun just now. */
async function isListedAsOver(client: Client, run: string): Promise<boolean> {
  for await (const { status } of client.workflow.list({ query: `RunId = '${run}'` })) return status.name !== 'RUNNING';
  return false;
}
