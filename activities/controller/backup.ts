import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BackupPlan, ClusterHealth, PublishedCopy, StagedGeneration } from '../../src/contract/backup';
import { DrError, isDrError } from '../../src/contract/failures';
import type { GenerationCopy } from '../../src/contract/generation';
import { type Method, methodOf } from '../../src/contract/method';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { belowRoot } from '../../src/files/below-root';
import { isAnyTaken } from '../../src/notify/channels';
import { methodFindings } from '../../src/plan/method-findings';
import {
  publishAround,
  publishGeneration as publish,
  readCopy,
  replicateGeneration as replicate,
  verifyCopy,
} from '../../src/repository/generations';
import type { Repository, TransferOptions } from '../../src/repository/types';
import type { AutopilotState } from '../../src/vault/answers';
import type { VaultClient } from '../../src/vault/client';
import { ownRun } from '../caller';
import { backupPlanOf, confirmBackup } from './confirm';
import { cancellation, resumableTransfer } from '../heartbeat';
import type { Controller } from './context';
import { publishTrail, recordAudit } from './trail';

/** Name of the directory of one capture attempt. */
const ATTEMPT = /^[0-9a-f]{8}$/;

/**
 * What the run needs of the configuration, for its history. The steps themselves go by the configuration: see `confirm.ts`.
 * `isTold`: somebody is to know when it starts, and when all is well.
 * @param input `method`: a cluster that has just been migrated is backed up by it, though the configuration has another one yet; `without`: the controller that does not answer, and is not to stage it
 */
export async function planBackup(
  controller: Controller,
  input: ControllerInput<'planBackup'>,
): Promise<BackupPlan & { isTold?: true }> {
  const { method } = controller.cluster(input.cluster);
  const plan = backupPlanOf(controller, input.cluster, input.method === 'raft' && method !== 'raft');
  if (controller.config.signing.privateKey) {
    const { servedBy } = plan;
    const away = servedBy === undefined || servedBy === input.without;
    const isTold = isAnyTaken(controller.config, input.cluster, ['backup started', 'backup succeeded']);
    return { ...plan, controller: away ? controller.name : servedBy, ...(isTold ? { isTold } : {}) };
  }
  throw new DrError('InvalidConfiguration', 'Backups need signing.privateKey, which the configuration does not name.', {
    advice: 'Create one with `openssl genpkey -algorithm ed25519`, configure it, and restart the controller.',
  });
}

/** Every peer answers, one leads, autopilot reports healthy. What doesn't prevent a backup is a warning. */
export async function checkHealth(controller: Controller, input: { plan: BackupPlan }): Promise<ClusterHealth> {
  const { cluster, encryption, method = 'raft' } = confirmBackup(controller, input.plan);
  return controller.withLeader(cluster, async (view) => {
    const leader = view.leader.node;
    const { storageType } = await view.leader.sealStatus();
    assertMethod(cluster, method, storageType);
    const warnings = view.nodes.flatMap((node) => (node.problem === null ? [] : [`${node.node}: ${node.problem}`]));
    if (storageType === undefined || storageType === 'raft') {
      warnings.push(...(await controller.withLogin(cluster, leader, autopilotWarnings)));
    }
    if (encryption.method === 'none') warnings.push('the backup is NOT encrypted: see backup.encryption');
    return { ...view, leader, warnings };
  });
}

/** @throws DrError InvalidConfiguration where Vault stores its data in something that the method can't back up */
function assertMethod(cluster: string, method: Method, storageType: string | undefined): void {
  const [finding] = methodFindings(method, storageType);
  if (finding === undefined) return;
  throw new DrError('InvalidConfiguration', `'${cluster}' can't be backed up: ${finding.text} [${finding.code}].`, {
    advice: `About it: vault-dr explain ${finding.code}`,
  });
}

/** Optional: a backup is made even if autopilot can't be asked. */
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

/**
 * Stores the staged files, write-once, and reads them back. A controller that does not have them accepts what is whole in
 * the repository already: the one that wrote it may have died right afterwards.
 */
export async function publishGeneration(
  controller: Controller,
  input: ControllerInput<'publishGeneration'>,
): Promise<PublishedCopy> {
  const { cluster } = input.staged.manifest;
  const options = resumableTransfer(`publish to ${input.repository}`);
  const repository = await controller.repositoryOf(cluster, input.repository);
  try {
    const directory = await stagedHere(controller, cluster, input.staged.directory);
    const stillWanted = () => controller.confirmAttempt();
    return published(await publishStaged(repository, directory, input.staged, { ...options, stillWanted }));
  } catch (error) {
    if (!isDrError(error) || error.code !== 'StagingLost') throw error;
    const copy = await wholeCopy(controller, repository, input.staged, options);
    if (copy === null) throw error;
    return published(copy);
  }
}

async function publishStaged(
  repository: Repository,
  directory: string,
  { manifest }: StagedGeneration,
  options: TransferOptions,
): Promise<GenerationCopy> {
  // An agent has stored the archive there itself.
  if (methodOf(manifest) === 'filesystem') return publishAround(repository, directory, options);
  return publish(repository, directory, { ...options, readBack: true });
}

/** Null unless just that backup is there, every byte of it. */
async function wholeCopy(
  controller: Controller,
  repository: Repository,
  { manifest, generation, manifestSha256 }: StagedGeneration,
  options: TransferOptions,
): Promise<GenerationCopy | null> {
  try {
    const copy = await readCopy(repository, manifest.cluster, generation, await controller.publicKey(), options);
    return copy.manifestSha256 === manifestSha256 ? await verifyCopy(repository, copy, options) : null;
  } catch (error) {
    if (isDrError(error) && !error.retryable) return null;
    throw error;
  }
}

/**
 * Accepts only what this controller has staged for this run.
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

/** Copies a generation from one repository to another and reads it back. */
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

/** Nobody should wait longer for a repository at the end of a backup. */
const TRAIL_TIMEOUT_MS = 15_000;

/**
 * The end of a backup that was made: first its record is on disk, then nothing staged is, then the trail is copied.
 * @returns repositories that have yet to get the trail
 */
export async function closeBackup(controller: Controller, input: ControllerInput<'closeBackup'>): Promise<string[]> {
  const { record, repositories } = input;
  await recordAudit(controller, record);
  await discardStaging(controller, record);
  const signal = AbortSignal.any([cancellation(), AbortSignal.timeout(TRAIL_TIMEOUT_MS)]);
  const copied = await Promise.allSettled(
    repositories.map((repository) => publishTrail(controller, record.cluster, repository, signal)),
  );
  cancellation().throwIfAborted();
  return repositories.filter((_, index) => copied[index]?.status === 'rejected');
}

function published(copy: GenerationCopy): PublishedCopy {
  const { sha256, sizeBytes } = copy.manifest.stored;
  return { repository: copy.repository, check: copy.check, stored: { sha256, sizeBytes } };
}
