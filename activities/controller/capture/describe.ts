import { randomBytes } from 'node:crypto';
import type { BackupPlan, StagedGeneration } from '../../../src/contract/backup';
import { type ConfigBundle, generationId, MANIFEST_FORMAT, type ManifestDraft } from '../../../src/contract/generation';
import { clockWarnings } from '../../../src/repository/clock';
import { stageGenerationFiles } from '../../../src/repository/generations';
import { shrinkageWarnings } from '../../../src/repository/shrinkage';
import { manifestFacts } from '../../../src/vault/snapshot/manifest-facts';
import { VERSION } from '../../../src/version';
import type { Controller } from '../context';
import { findPrevious } from '../previous';
import type { Captured } from './captured';

/** Writes and signs the manifest of a backup, next to its archive. */
export async function describeCapture(
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
    generation: captured.generation ?? generationId(capturedAt, summary.raft.index, randomBytes(4).toString('hex')),
    cluster: plan.cluster,
    capturedAt,
    serverVersion: status.version ?? leader.serverVersion,
    ...(leader.product ? { product: leader.product } : {}),
    leader: { node: leader.leader.node, address: node?.address ?? '' },
    clusterId: leader.clusterId,
    clusterName: status.clusterName ?? leader.clusterName,
    ...(captured.content ? { content: captured.content } : {}),
    ...manifestFacts(summary),
    raft: { ...summary.raft, ...(captured.nonVoters.length > 0 ? { nonVoters: captured.nonVoters } : {}) },
    stored: { file, ...stored },
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
