import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BackupPlan, ClusterHealth, PublishedCopy, StagedGeneration } from '../../src/contract/backup';
import { DrError, type FailureCode, isDrError, withoutRetry } from '../../src/contract/failures';
import {
  type Canary,
  type ConfigBundle,
  type FileDigest,
  type GenerationCopy,
  generationId,
  MANIFEST_FORMAT,
  type ManifestDraft,
  type OwnSeal,
} from '../../src/contract/generation';
import type { Product } from '../../src/contract/product';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { belowRoot } from '../../src/files/below-root';
import { toDiskError } from '../../src/files/disk-error';
import { privateDirectory } from '../../src/files/files';
import {
  publishGeneration as publish,
  replicateGeneration as replicate,
  stageGenerationFiles,
  verifyCopy,
} from '../../src/repository/generations';
import { aheadBy, clockWarnings } from '../../src/repository/clock';
import { shrinkageWarnings } from '../../src/repository/shrinkage';
import { writeSnapshotFile } from '../../src/repository/snapshot-file';
import type { AutopilotState, SealStatus } from '../../src/vault/answers';
import { writeCanary } from '../../src/vault/canary';
import { credentialFingerprint } from '../../src/vault/login';
import type { VaultClient } from '../../src/vault/client';
import type { LeaderView } from '../../src/vault/leader';
import { requestSnapshot } from '../../src/vault/request-snapshot';
import { SnapshotVerifier, type SnapshotSummary } from '../../src/vault/snapshot/snapshot-archive';
import { VERSION } from '../../src/version';
import { ownRun } from '../caller';
import { BUNDLES_DIRECTORY, takeBundles } from './bundles';
import { backupPlanOf, confirmBackup } from './confirm';
import { attempt, heartbeatBytes, cancellation, resumableTransfer, withHeartbeats } from '../heartbeat';
import type { Controller } from './context';
import { findPrevious } from './previous';

/** So often is a snapshot asked for that doesn't arrive whole. */
const CAPTURES = 3;
const NAMESPACE_PATH = /^[A-Za-z0-9_][\w./-]{0,200}$/;
/** Name of the directory of one attempt to capture. */
const ATTEMPT = /^[0-9a-f]{8}$/;
const NOT_WHOLE: readonly FailureCode[] = ['SnapshotIncomplete', 'SnapshotCorrupt'];

/** What the run needs of the configuration, for its history. The steps themselves go by the configuration: see `confirm.ts`. */
export async function planBackup(controller: Controller, input: { cluster: string }): Promise<BackupPlan> {
  const plan = backupPlanOf(controller, input.cluster);
  if (controller.config.signing.privateKey) return plan;
  throw new DrError('InvalidConfiguration', 'Backups need signing.privateKey, which the configuration does not name.', {
    advice: 'Create one with `openssl genpkey -algorithm ed25519`, configure it, and restart the controller.',
  });
}

/** Every peer answers, one leads, autopilot is healthy; what doesn't prevent a backup becomes a warning. */
export async function checkHealth(controller: Controller, input: { plan: BackupPlan }): Promise<ClusterHealth> {
  const { cluster, encryption } = confirmBackup(controller, input.plan);
  return controller.withLeader(cluster, async (view) => {
    const leader = view.leader.node;
    const warnings = view.nodes.flatMap((node) => (node.problem === null ? [] : [`${node.node}: ${node.problem}`]));
    warnings.push(...(await controller.withLogin(cluster, leader, autopilotWarnings)));
    if (encryption.method === 'none') warnings.push('the backup is NOT encrypted: see backup.encryption');
    return { ...view, leader, warnings };
  });
}

/** What autopilot thinks is good to know; that it can't be asked keeps no backup from being made. */
async function autopilotWarnings(vault: VaultClient): Promise<string[]> {
  const unasked = (why: string) => [`autopilot could not be asked: ${why}`];
  try {
    const state = await vault.autopilotState();
    if (state === null) return unasked(`${vault.node} has none; it is turned off, or has not started yet`);
    return state.healthy ? [] : [`autopilot reports the cluster as unhealthy${unhealthyServers(state)}`];
  } catch (error) {
    cancellation().throwIfAborted();
    return unasked((error as Error).message);
  }
}

function unhealthyServers({ servers }: AutopilotState): string {
  const names = servers.filter(({ healthy }) => !healthy).map(({ id }) => id);
  return names.length === 0 ? '' : `: ${names.join(', ')}`;
}

type CaptureInput = ControllerInput<'captureSnapshot'>;

/**
 * Captures from the leader's own address in one pass: socket → verify → encrypt → staging file. A generation exists only
 * after the whole archive was verified; a cut, empty or error body leaves nothing behind.
 */
export async function captureSnapshot(controller: Controller, input: CaptureInput): Promise<StagedGeneration> {
  const plan = confirmBackup(controller, input.plan);
  const staging = await controller.stagingDirectory(plan.cluster, input.run);
  try {
    return await captureTo(controller, staging, { ...input, plan });
  } catch (error) {
    throw toDiskError(error, staging);
  }
}

async function captureTo(controller: Controller, staging: string, input: CaptureInput): Promise<StagedGeneration> {
  const { plan, health, run } = input;
  const runDirectory = await privateDirectory(staging);
  // What an attempt before this one left; if it still writes, it fails on the missing directory.
  for (const name of await readdir(runDirectory)) {
    if (name !== BUNDLES_DIRECTORY) await rm(join(runDirectory, name), { recursive: true, force: true });
  }
  const directory = await privateDirectory(runDirectory, randomBytes(4).toString('hex'));
  try {
    const captured = await capture(controller, plan, directory);
    const { bundles, problems } = await takeBundles(join(runDirectory, BUNDLES_DIRECTORY), directory, input.bundles);
    const warnings = [
      ...health.warnings,
      ...movedLeadership(health, captured.leader),
      ...captured.warnings,
      ...problems,
    ];
    return await withHeartbeats('write the manifest', () =>
      describeCapture(controller, plan, { ...captured, bundles, warnings }, run, directory),
    );
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    // A connection that breaks once is a matter of luck; what breaks each time is not, and somebody has to look.
    if (attempt() < CAPTURES || !isDrError(error) || !NOT_WHOLE.includes(error.code)) throw error;
    throw withoutRetry(error, `${error.message} It was tried ${attempt()} times.`);
  }
}

/** A cluster whose leader changes in the middle of a backup wants a look, though the backup is good. */
function movedLeadership(health: ClusterHealth, { leader, nodes }: LeaderView): string[] {
  if (leader.node === health.leader) return [];
  const problem = nodes.find(({ node }) => node === health.leader)?.problem ?? null;
  const why = problem === null ? '' : `: ${problem}`;
  return [`the leadership moved from ${health.leader} to ${leader.node} during the backup${why}`];
}

interface Captured {
  file: string;
  capturedAt: string;
  leader: LeaderView;
  /** Of the leader, as it tells those who have logged in. */
  status: SealStatus;
  /** Node ids of members that are never to vote, as far as autopilot says so. */
  nonVoters: string[];
  ownSeals: OwnSeal[];
  clockAheadSeconds: number | null;
  canary: Canary | null;
  credential: string;
  warnings: string[];
  summary: SnapshotSummary;
  stored: FileDigest;
}

async function capture(controller: Controller, plan: BackupPlan, directory: string): Promise<Captured> {
  // Asked afresh: between two attempts another node may have become the leader.
  const leader = await controller.withLeader(plan.cluster, (view) => Promise.resolve(view));
  const verifier = new SnapshotVerifier();
  const onBytes = heartbeatBytes('capture');
  return controller.withLogin(plan.cluster, leader.leader.node, async (vault) => {
    const credential = await credentialFingerprint(controller.cluster(plan.cluster).auth);
    // A login sees what a listener redacts.
    const status = await vault.sealStatus();
    const nonVoters = await nonVotersOf(vault);
    const { canary, warnings } = await tryCanary(vault, plan.canary);
    const capturedAt = new Date().toISOString();
    const { body, headers } = await requestSnapshot(vault, { signal: cancellation(), onAlive: () => onBytes(0) });
    const clockAheadSeconds = aheadBy(headers.date, Date.now());
    const options = { signal: cancellation(), onProgress: onBytes };
    const { file, ...stored } = await writeSnapshotFile(directory, body, verifier, plan.encryption, options).catch(
      (error: unknown) => {
        throw isDrError(error) && error.code === 'VaultUnavailable' ? brokenOff(error) : error;
      },
    );
    const { summary } = verifier;
    warnings.push(...(await followerWarnings(vault, leader.product)));
    return {
      file,
      capturedAt,
      leader,
      status,
      nonVoters,
      ownSeals: await namedSeals(vault, summary.ownSeals),
      clockAheadSeconds,
      canary,
      credential,
      warnings,
      summary,
      stored,
    };
  });
}

async function nonVotersOf(vault: VaultClient): Promise<string[]> {
  const autopilot = await vault.autopilotState().catch(() => null);
  cancellation().throwIfAborted();
  return autopilot?.servers.filter((server) => server.isNonVoter).map(({ id }) => id) ?? [];
}

/** Their names are encrypted in the snapshot; the server tells those whom its policy lets ask. */
async function namedSeals(vault: VaultClient, ids: readonly string[]): Promise<OwnSeal[]> {
  if (ids.length === 0) return [];
  const paths = await vault.namespacePaths().catch(() => new Map<string, string>());
  cancellation().throwIfAborted();
  return ids.map((id) => {
    const path = paths.get(id);
    // It goes into commands that people paste.
    return { id, path: path !== undefined && NAMESPACE_PATH.test(path) ? path : null };
  });
}

/**
 * A follower of OpenBao answers for a snapshot itself, and may lag: so whoever was asked must lead still. Vault's followers
 * refuse.
 */
export async function followerWarnings(vault: VaultClient, product: Product | null): Promise<string[]> {
  if (product === 'vault' || (await vault.leader()).isSelf) return [];
  const what = `${vault.node} was no longer the leader when it had sent the snapshot, which may lack the last writes`;
  if (attempt() >= CAPTURES) return [what];
  throw new DrError('ClusterUnhealthy', `${what}.`, { where: vault.node, advice: 'It is captured again.' });
}

/** An answer that had begun is something else than a node that is down. */
function brokenOff(error: DrError): DrError {
  const { message, where } = error;
  return new DrError('SnapshotIncomplete', `The snapshot was cut off: ${message}`, {
    where,
    advice: 'Read the log of the leader, and of any proxy in between: one of them may have a time or size limit.',
    cause: error,
  });
}

/** A proof that is missing is no reason to make no backup. */
async function tryCanary(vault: VaultClient, path: string | null): Promise<Pick<Captured, 'canary' | 'warnings'>> {
  if (path === null) return { canary: null, warnings: [] };
  try {
    return { canary: await writeCanary(vault, path), warnings: [] };
  } catch (error) {
    cancellation().throwIfAborted();
    return { canary: null, warnings: [`the canary could not be written: ${(error as Error).message}`] };
  }
}

async function describeCapture(
  controller: Controller,
  plan: BackupPlan,
  captured: Captured & { bundles: ConfigBundle[] },
  run: string,
  directory: string,
): Promise<StagedGeneration> {
  const { file, capturedAt, leader, status, canary, credential, bundles, summary, stored } = captured;
  const node = plan.nodes.find((item) => item.name === leader.leader.node);
  const { previous, warnings } = await findPrevious(controller, plan);
  const draft: ManifestDraft = {
    format: MANIFEST_FORMAT,
    generation: generationId(capturedAt, summary.raft.index, randomBytes(4).toString('hex')),
    cluster: plan.cluster,
    capturedAt,
    serverVersion: status.version ?? leader.serverVersion,
    ...(leader.product ? { product: leader.product } : {}),
    leader: { node: leader.leader.node, address: node?.address ?? '' },
    clusterId: leader.clusterId,
    clusterName: status.clusterName ?? leader.clusterName,
    raft: { ...summary.raft, ...(captured.nonVoters.length > 0 ? { nonVoters: captured.nonVoters } : {}) },
    seal: summary.seal,
    recovery: summary.recoveryConfig,
    archive: summary.archive,
    stored: { file, ...stored },
    keys: summary.keys,
    leases: summary.leases,
    reach: summary.reach,
    ...(captured.ownSeals.length > 0 ? { ownSeals: captured.ownSeals } : {}),
    credential,
    encryption: { method: plan.encryption.method, recipients: plan.encryption.recipients },
    canary,
    bundles,
    previous: previous && { generation: previous.generation, manifestSha256: previous.manifestSha256 },
    warnings: [
      ...captured.warnings,
      ...warnings,
      ...clockWarnings(
        capturedAt,
        { node: leader.leader.node, clockAheadSeconds: captured.clockAheadSeconds },
        previous && { generation: previous.generation, capturedAt: previous.manifest.capturedAt },
      ),
      ...(previous ? shrinkageWarnings(previous.manifest, summary, plan.dropWarningPercent) : []),
    ],
    createdBy: { product: `vault-dr ${VERSION}`, run },
  };
  const { manifest, manifestSha256 } = await stageGenerationFiles(directory, draft, {
    privateKeyPem: await controller.privateKey(),
    publicKeyPem: await controller.publicKey(),
  });
  return { generation: manifest.generation, directory, manifest, manifestSha256 };
}

/** Stores what was staged, write-once, and reads it back. */
export async function publishGeneration(
  controller: Controller,
  input: ControllerInput<'publishGeneration'>,
): Promise<PublishedCopy> {
  const { cluster } = input.staged.manifest;
  const options = resumableTransfer(`publish to ${input.repository}`);
  const repository = await controller.repositoryOf(cluster, input.repository);
  const directory = await stagedHere(controller, cluster, input.staged.directory);
  const copy = await publish(repository, directory, options);
  return published(await verifyCopy(repository, copy, options));
}

/**
 * Only what this controller has staged for this very run.
 * @throws DrError StagingLost for any other directory: another controller may have staged it.
 */
async function stagedHere(controller: Controller, cluster: string, directory: string): Promise<string> {
  const staging = await controller.stagingDirectory(cluster, ownRun());
  const attempted = basename(directory);
  if (join(staging, attempted) === directory && ATTEMPT.test(attempted)) return belowRoot(staging, attempted);
  throw new DrError('StagingLost', `${directory} is not a staging directory of this controller for '${cluster}'.`, {
    where: directory,
    advice: 'Another controller, with a different stateDir, may have staged it. It is captured again.',
  });
}

/** Copies from one repository to another and reads it back from there. */
export async function replicateGeneration(
  controller: Controller,
  input: ControllerInput<'replicateGeneration'>,
): Promise<PublishedCopy> {
  const [from, to, publicKey] = await Promise.all([
    controller.repositoryOf(input.cluster, input.from),
    controller.repositoryOf(input.cluster, input.to),
    controller.publicKey(),
  ]);
  const options = resumableTransfer(`copy to ${input.to}`);
  return published(await replicate(from, to, input.cluster, input.generation, publicKey, options));
}

export async function discardStaging(controller: Controller, input: { cluster: string; run: string }): Promise<void> {
  await rm(await controller.stagingDirectory(input.cluster, input.run), { recursive: true, force: true });
}

function published(copy: GenerationCopy): PublishedCopy {
  const { sha256, sizeBytes } = copy.manifest.stored;
  return { repository: copy.repository, check: copy.check, stored: { sha256, sizeBytes } };
}
