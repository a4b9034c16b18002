import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../config/load';
import type { Config } from '../config/schema';
import { DrError } from '../contract/failures';
import { formatCount } from '../contract/format';
import { parseInput, recoverSecretInput } from '../contract/input';
import { printable } from '../contract/printable';
import type { MissingItem, Recovered } from '../contract/recovered';
import type { PathRead, SecretProgress, SecretReport } from '../contract/secret-run';
import { type AgeKeyPair, decryptArmored, generateIdentity } from '../crypto/age';
import { verifySecretsRead } from '../crypto/agent-key';
import { secretPlanHash } from '../plan/hash';
import { hardenProcess } from '../process-hardening';
import { connectClient } from '../temporal/connect-temporal';
import { resultOf, type SecretHandle, secretProgress, startSecretRun } from '../temporal/runs';
import type { Document } from './documents';
import { note, print, printJson } from './output';
import { EXIT, temporalOptions } from './program';
import type * as Recover from './recover';
import type * as RecoverLive from './recover-live';
import type { Live } from './recover-live';
import { assertRecipients, parseRequest, type RecoverCliOptions, type RecoverRequest } from './recover-request';
import { armored, followed, itemsOf, rendered } from './secret-run-view';

interface Options extends RecoverCliOptions {
  remote?: boolean;
  /** Milliseconds. */
  wait?: number;
}

const POLL_MS = 500;

/** On this host, or as a run. */
export async function runAnyRecover(options: Options): Promise<void> {
  if (!options.remote) {
    if (options.wait !== undefined) throw new DrError('InvalidInput', '--wait goes with --remote.');
    return recoverHere().runRecover(options);
  }
  const request = parseRequest(options, process.stdin.isTTY === true);
  await assertRecipients(request.recipients);
  if (request.file !== null) await recoverHere().assertFree(request.file);
  const config = await loadConfig(options.config);
  const { cluster } = options;
  // What comes back to be written is readable for this process alone, as long as it lives.
  const own = request.writeBack ? await generateIdentity() : null;
  if (own) await hardenProcess(note);
  const input = inputOf(options, request, own);
  const live = request.writeBack
    ? await liveHere().openLive({ config, cluster }, request.wanted, request.writeBack)
    : null;
  const client = await connectClient(temporalOptions(options));
  try {
    const handle = await startSecretRun(client, input);
    const result = resultOf(handle);
    if (own) note(`It is encrypted to ${own.recipient}, a key of this command: approvers should ask you for it.`);
    if (live) await assertSameClusterSoon(handle, result, live, cluster);
    const report = await followed(handle, result);
    assertOwn(report, input, handle.firstExecutionRunId);
    verified(config, report);
    await finish(report, request, live, own, options);
  } finally {
    await client.connection.close();
    await live?.close();
  }
}

function inputOf(options: Options, { wanted, versions, deleted, recipients }: RecoverRequest, own: AgeKeyPair | null) {
  const { cluster, as: requestedBy, backup: generation, from, wait } = options;
  const input = {
    cluster,
    requestedBy,
    generation,
    paths: wanted.map(({ path }) => path),
    versions,
    deleted,
    recipients: own === null ? recipients : [own.recipient, ...recipients],
    ...(from === undefined ? {} : { from }),
    ...(wait === undefined ? {} : { waitMinutes: wait / 60_000 }),
  };
  return parseInput(recoverSecretInput, input, 'vault-dr recover --cluster prod --path secret/app/db --remote');
}

type Input = ReturnType<typeof inputOf>;

/** Before people approve anything, and submit shares. @throws DrError PlanRefused */
async function assertSameClusterSoon(
  handle: SecretHandle,
  result: Promise<SecretReport>,
  live: Live,
  cluster: string,
): Promise<void> {
  const { clusterId } = await Promise.race([planned(handle), result]);
  try {
    liveHere().assertSameCluster(live, clusterId, cluster);
  } catch (error) {
    await handle.cancel();
    await result.catch(() => undefined);
    throw error;
  }
}

async function planned(handle: SecretHandle): Promise<SecretProgress> {
  for (;;) {
    const progress = await secretProgress(handle);
    // Of a run that has ended its result says why.
    if (progress.plan !== null || progress.step !== 'choose') return progress;
    await sleep(POLL_MS, undefined, { ref: false });
  }
}

type Asked = Pick<Input, 'cluster' | 'paths' | 'versions' | 'deleted' | 'recipients' | 'generation'>;

/**
 * Somebody who can write to the namespace may have answered in its place, also with what a host has signed for an earlier run.
 * @throws DrError RecipientNotAuthentic
 */
export function assertOwn(
  { run, plan }: Pick<SecretReport, 'run' | 'plan'>,
  { cluster, paths, versions, deleted, recipients, generation }: Asked,
  ownRun: string,
): void {
  const asked = JSON.stringify([cluster, paths, versions, deleted, recipients]);
  const done = JSON.stringify([plan.cluster, plan.paths, plan.versions, plan.deleted, plan.recipients]);
  if (run === ownRun && asked === done && (generation === 'latest' || generation === plan.generation)) return;
  throw new DrError('RecipientNotAuthentic', 'What the run returned is not what it was asked for.', {
    advice: 'Nothing was written. Somebody is tampering with the run: involve your security team.',
  });
}

/** @throws DrError RecipientNotAuthentic unless a sandbox host of the configuration has read it */
function verified({ sandboxHosts }: Config, report: SecretReport): void {
  const { cluster, run, host, plan } = report;
  const publicKey = Object.hasOwn(sandboxHosts, host) ? sandboxHosts[host]?.publicKey : undefined;
  verifySecretsRead(publicKey, { cluster, run, host, planHash: secretPlanHash(plan) }, report);
}

async function finish(
  report: SecretReport,
  request: RecoverRequest,
  live: Live | null,
  own: AgeKeyPair | null,
  options: Options,
): Promise<void> {
  const { file } = request;
  const missing = missingOf(report.paths);
  if (missing.length > 0) process.exitCode = EXIT.failed;
  if (file !== null) await recoverHere().deliver(file, report.sealed);
  const written =
    live && own && request.writeBack
      ? await writtenBack(report, live, own, { missing, writeBack: request.writeBack })
      : null;
  if (options.json) return printJson('recover-report', { ...report, file, writeBack: written });
  note(rendered(report));
  if (file !== null) print(`${formatCount(itemsOf(report), 'item')}, encrypted: ${file}`);
  else if (request.recipients.length > 0) print(armored(report));
}

async function writtenBack(
  report: SecretReport,
  live: Live,
  own: AgeKeyPair,
  { missing, writeBack }: { missing: MissingItem[]; writeBack: NonNullable<RecoverRequest['writeBack']> },
): Promise<Document<'recover'>['writeBack']> {
  liveHere().assertSameCluster(live, report.clusterId, report.cluster);
  const { items } = JSON.parse(await decryptArmored(report.sealed, [own.identity])) as Recovered;
  return liveHere().writeBack(live, items, missing, writeBack);
}

function missingOf(paths: readonly PathRead[]): MissingItem[] {
  return paths.flatMap(({ path, missing }) =>
    missing === null
      ? []
      : [{ path, reason: missing, problem: `${printable(path)} is not in the backup (${missing}).` }],
  );
}

/** Loads repositories and the sandbox, which a run elsewhere needs not. */
function recoverHere(): typeof Recover {
  return require('./recover') as typeof Recover;
}

function liveHere(): typeof RecoverLive {
  return require('./recover-live') as typeof RecoverLive;
}
