import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { BackupPlan, StagedGeneration } from '../../../src/contract/backup';
import type { CopiedData } from '../../../src/contract/copied';
import { DrError } from '../../../src/contract/failures';
import { formatCount } from '../../../src/contract/format';
import { capturedAtOf } from '../../../src/contract/generation';
import type { ControllerInput } from '../../../src/contract/step-input/controller';
import { problemOfCopied } from '../../../src/crypto/agent-key';
import { SUFFIX } from '../../../src/crypto/encryption';
import { toDiskError } from '../../../src/files/disk-error';
import { privateDirectory } from '../../../src/files/files';
import { credentialFingerprint } from '../../../src/vault/login';
import { withHeartbeats } from '../../heartbeat';
import { BUNDLES_DIRECTORY, takeHanded } from '../bundles';
import { confirmBackup } from '../confirm';
import type { Controller } from '../context';
import { describeCapture } from './describe';

/** What a leader writes while a node stops; more than that becomes a warning. */
const MOST_LAG = 100;

/** Writes and signs the manifest of an archive that an agent has made of its data directory, and stored. */
export async function describeCopy(
  controller: Controller,
  input: ControllerInput<'describeCopy'>,
): Promise<StagedGeneration> {
  const plan = confirmBackup(controller, input.plan);
  assertOwnCopy(controller, plan, input.copied);
  const staging = await controller.stagingDirectory(plan.cluster, input.run);
  try {
    return await withHeartbeats('write the manifest', () => describeIn(controller, staging, { ...input, plan }));
  } catch (error) {
    throw toDiskError(error, staging);
  }
}

async function describeIn(
  controller: Controller,
  staging: string,
  input: ControllerInput<'describeCopy'>,
): Promise<StagedGeneration> {
  const { plan, health, copied, lag, run } = input;
  const runDirectory = await privateDirectory(staging);
  for (const name of await readdir(runDirectory)) {
    if (name !== BUNDLES_DIRECTORY) await rm(join(runDirectory, name), { recursive: true, force: true });
  }
  const directory = await privateDirectory(runDirectory, randomBytes(4).toString('hex'));
  const { bundles, problems } = await takeHanded(controller, plan.cluster, runDirectory, directory, input);
  const { seal, recovery: recoveryConfig, archive, keys, leases, reach, ownSeals, raft, stored } = copied;
  return describeCapture(
    controller,
    plan,
    {
      file: stored.file,
      stored: { sha256: stored.sha256, sizeBytes: stored.sizeBytes },
      generation: copied.generation,
      capturedAt: copied.capturedAt,
      content: { method: 'filesystem', node: copied.node, ...copied.content, lag },
      leader: { ...health, product: health.product ?? null, leader: { node: copied.node } },
      status: { version: health.serverVersion, clusterName: health.clusterName },
      nonVoters: [],
      ownSeals: ownSeals.map((id) => ({ id, path: null })),
      clockAheadSeconds: null,
      canary: null,
      credential: await credentialFingerprint(controller.cluster(plan.cluster).auth),
      warnings: [...health.warnings, ...problems, ...lagWarnings(copied, lag)],
      summary: { raft, seal, recoveryConfig, archive, keys, leases, reach },
      bundles,
    },
    run,
    directory,
  );
}

/**
 * Whether it is what the configuration of this host has an agent make: which is signed here is nobody else's word.
 * @throws DrError PermissionDenied, InvalidConfiguration, SignatureInvalid
 */
function assertOwnCopy(controller: Controller, plan: BackupPlan, copied: CopiedData): void {
  const { cluster, encryption } = plan;
  const { method, filesystem, nodes } = controller.cluster(cluster);
  const node = nodes.find(({ name }) => name === copied.node && name === (filesystem.node ?? name));
  const isNamed =
    copied.stored.file === `data.tar.gz${SUFFIX[copied.encryption.method]}` &&
    capturedAtOf(copied.generation) === copied.capturedAt.replace(/\.\d+Z$/, 'Z');
  if (method !== 'filesystem' || node === undefined || !isNamed) {
    throw new DrError(
      'PermissionDenied',
      `The copy of ${copied.node} is not one that '${cluster}' is configured for.`,
      {
        where: copied.node,
        advice: 'Nothing was published. Do the controller and the agents have the same configuration and version?',
      },
    );
  }
  const { recipients } = encryption;
  if (!isDeepStrictEqual(copied.encryption, { method: encryption.method, recipients })) {
    throw new DrError(
      'InvalidConfiguration',
      `${copied.node} encrypted the archive for other recipients than the controller's configuration names.`,
      { where: copied.node, advice: `Make backup.encryption on ${copied.node} the same, and restart its agent.` },
    );
  }
  const problem = problemOfCopied(node.agentPublicKey, cluster, copied);
  if (problem === null) return;
  throw new DrError('SignatureInvalid', `What is said of the archive of ${copied.node} can't be trusted: ${problem}.`, {
    where: copied.node,
    advice: `Compare its agentPublicKey with \`vault-dr agent-key\` on that host. If they match, somebody is tampering with the run: alert security.`,
  });
}

/** A follower may be behind; what it lacked is not in the backup. */
function lagWarnings({ node }: CopiedData, lag: number | null): string[] {
  if (lag === null) return [];
  return lag > MOST_LAG
    ? [
        `${node} was up to ${formatCount(lag, 'log entry', 'log entries')} behind the leader: the latest writes may be missing`,
      ]
    : [];
}
