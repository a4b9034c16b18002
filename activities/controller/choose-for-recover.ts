import { DrError } from '../../src/contract/failures';
import type { SecretChoice, SecretPlan } from '../../src/contract/secret-run';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { signaturesDecide } from '../../src/crypto/approved-plan';
import { encryptArmored } from '../../src/crypto/age';
import { secretPlanHash } from '../../src/plan/hash';
import { unsealsItself } from '../../src/vault/throwaway';
import { chooseByManifest } from './choose-for-drill';
import type { Controller } from './context';

/**
 * Finds the backup, and says what would be read of it for whom: that is what people approve.
 * @throws DrError UnknownGeneration that lists what there is; PlanRefused, InvalidInput
 */
export async function chooseForRecover(
  controller: Controller,
  { cluster, generation, from, paths, versions, deleted, recipients }: ControllerInput<'chooseForRecover'>,
): Promise<SecretChoice> {
  const configured = controller.cluster(cluster);
  if (!signaturesDecide(configured)) throw nobodyApproves(cluster);
  await encryptArmored('', recipients).catch((error: Error) => {
    throw new DrError('InvalidInput', `Nothing can be encrypted for that recipient: ${error.message}`, {
      cause: error,
      advice: 'Give the public half of an age key, which `age-keygen -y` prints, or an ssh-ed25519 key.',
    });
  });
  const { copies, problems } = await chooseByManifest(controller, cluster, generation, from);
  const [{ manifest, manifestSha256 }] = copies;
  const { seal, recovery, content, capturedAt, clusterId } = manifest;
  if (content !== undefined) throw noSnapshot(manifest.generation, content.method);
  const plan: SecretPlan = {
    method: 'secret',
    cluster,
    generation: manifest.generation,
    manifestSha256,
    paths,
    versions,
    deleted,
    recipients,
    approvals: Math.max(1, configured.restore.approvals),
    trust: 'approvers',
  };
  return {
    plan,
    planHash: secretPlanHash(plan),
    capturedAt,
    clusterId,
    repositories: copies.map(({ repository }) => repository),
    sharesNeeded: (unsealsItself(manifest) ? (recovery ?? seal) : seal).secretThreshold,
    problems,
  };
}

function nobodyApproves(cluster: string): DrError {
  return new DrError(
    'PlanRefused',
    `The configuration names nobody who may approve that secrets of '${cluster}' leave it.`,
    {
      notice: 'recover-needs-approvers',
      advice:
        'Add restore.approvers. Without them: `vault-dr recover` without --remote, at the terminal of a host with a sandbox.',
    },
  );
}

function noSnapshot(generation: string, method: string): DrError {
  return new DrError(
    'PlanRefused',
    `Single secrets are read from Raft snapshots; ${generation} was made by the method ${method}.`,
    {
      advice: 'Choose another backup with --backup, or restore the cluster.',
    },
  );
}
