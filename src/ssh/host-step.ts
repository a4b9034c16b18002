import type { Readable, Writable } from 'node:stream';
import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { toFailure } from '../../activities/to-failure';
import { clusterOf, hostedNodeOf, loadConfig } from '../config/load';
import { parseFailureDetails } from '../contract/failure-details';
import { DrError, FAILURES, type FailureCode } from '../contract/failures';
import { privateDirectory } from '../files/files';
import { BackupStops } from '../host/run/backup-stop';
import { shareNode } from '../host/run/exclusive';
import { sweepRunIdentities } from '../host/run/run-identity-sweep';
import { createServiceDriver } from '../host/service/service';
import { VERSION } from '../version';
import { HostChannel } from './host-channel';
import type { HostRequest, SentFailure } from './messages';
import { type HostPlace, runStep } from './run-step';

/** For a step that was cancelled, or whose controller is gone, to come to a safe point. */
const WIND_UP_MS = 20_000;

export interface HostStepSettings {
  configFile: string;
  cluster: string;
  node: string;
  input: Readable;
  output: Writable;
  /** Before anything is kept there. @throws DrError if a newer version has written to it */
  openState?: (stateDir: string) => Promise<void>;
  /** SIGTERM: a newer attempt, or somebody on this host, ends it. */
  stop: AbortSignal;
}

/**
 * One request of a controller, on a Vault host without an agent: by this host's own configuration, with all checks that an
 * agent makes. @returns when it is done, or given up; the process is to end then, whatever still runs in it.
 */
export async function serveRequest(settings: HostStepSettings): Promise<void> {
  const { input, output, stop } = settings;
  const channel = new HostChannel(input, output);
  channel.send({ type: 'hello', version: VERSION });
  const ending = new AbortController();
  channel.lost.addEventListener('abort', () => ending.abort(new CancelledFailure('The controller is gone.')));
  channel.cancelled.addEventListener('abort', () => ending.abort(new CancelledFailure('CANCELLED')));
  stop.addEventListener('abort', () => ending.abort(ended(settings.node)));
  try {
    const request = await channel.request();
    const value = await withinReason(fulfil(settings, channel, request, ending.signal), ending.signal);
    channel.send({ type: 'result', value });
  } catch (error) {
    channel.send({ type: 'failure', failure: failureOf(error, ending.signal) });
  }
}

async function fulfil(
  settings: HostStepSettings,
  channel: HostChannel,
  request: HostRequest,
  signal: AbortSignal,
): Promise<unknown> {
  const place = await placeOf(settings);
  const hold = await shareNode(place.node.stateDir, place.node.name);
  try {
    if (request.type === 'check') return null;
    if (request.type === 'tend') return await tend(place, (run) => channel.isOver(run));
    return await runStep(place, channel, request, signal);
  } finally {
    await hold.release();
  }
}

/** @throws DrError InvalidConfiguration */
async function placeOf({
  configFile,
  cluster: clusterName,
  node: name,
  openState,
}: HostStepSettings): Promise<HostPlace> {
  const config = await loadConfig(configFile);
  const cluster = clusterOf(config, clusterName);
  const node = hostedNodeOf(cluster, name);
  const driver = createServiceDriver(node);
  if (driver.supervise !== undefined) {
    throw new DrError('InvalidConfiguration', `${name} has the driver 'process', for which it needs an agent.`, {
      where: name,
      advice: `In ${configFile} of that host, set the driver of its service to systemd or command.`,
    });
  }
  await privateDirectory(node.stateDir);
  await openState?.(node.stateDir);
  return { config, clusterName, cluster, node, driver, stops: new BackupStops(node, driver) };
}

/** What an agent does by itself now and then: after runs that could not clean up. @returns the runs */
async function tend({ node, driver }: HostPlace, isOver: (run: string) => Promise<boolean>): Promise<string[]> {
  const ofIdentities = await sweepRunIdentities(node.runtimeDir, isOver);
  const ofHolds = (await driver.settle?.(isOver)) ?? [];
  return [...new Set([...ofIdentities, ...ofHolds])];
}

/** Waits for the work, but not for ever once it shall end. */
async function withinReason<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const begin = () => (timer = setTimeout(() => reject(signal.reason as Error), WIND_UP_MS));
    if (signal.aborted) begin();
    else signal.addEventListener('abort', begin, { once: true });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function failureOf(error: unknown, signal: AbortSignal): SentFailure {
  const failure = toFailure(error, signal);
  if (!(failure instanceof ApplicationFailure)) {
    return { code: 'Aborted', message: failure.message, retryable: true, advice: null, where: null };
  }
  const code = Object.hasOwn(FAILURES, failure.type ?? '') ? (failure.type as FailureCode) : 'Internal';
  const { advice, where } = parseFailureDetails(failure.details?.[0]);
  return { code, message: failure.message, retryable: failure.nonRetryable !== true, advice, where };
}

function ended(node: string): DrError {
  return new DrError('NodeFenced', `This attempt on ${node} was ended there, by a newer one or by somebody.`, {
    where: node,
    retryable: true,
  });
}
