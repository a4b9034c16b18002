import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterOf, loadConfig, readPublicKey, repositoryConfigOf } from '../../src/config/load';
import { readPrivateKey } from '../../src/config/secret';
import { generationId, type Manifest, MANIFEST_FORMAT, type ManifestDraft } from '../../src/contract/generation';
import { encryptionOf } from '../../src/crypto/encryption';
import { withDataArchive } from '../../src/host/archive/write-archive';
import type { Lab } from '../../src/lab/lab';
import { waitFor } from '../../src/lab/processes';
import { publishGeneration, stageGenerationFiles } from '../../src/repository/generations';
import { openRepository } from '../../src/repository/open';
import { writeSnapshotFile } from '../../src/repository/snapshot-file';
import { DataArchiveVerifier } from '../../src/vault/archive/data-archive';
import { credentialFingerprint } from '../../src/vault/login';
import { leaderOf, sealStatus } from './lab-view';
import { manifestFacts } from '../../src/vault/snapshot/manifest-facts';

/** Vault and its agent are off meanwhile. */
export async function whileStopped<T>(lab: Lab, name: string, work: () => Promise<T>): Promise<T> {
  await lab.agents[name]?.stop();
  await lab.killVault(name);
  await waitFor(`${name} is gone`, async () => (await lab.vaultPid(name)) === undefined, { timeoutMs: 10_000 });
  // A process that dies shows no command line any more before it gives its locks back.
  await sleep(500);
  try {
    return await work();
  } finally {
    await lab.agents[name]?.start();
    await unsealByHand(lab, name);
  }
}

async function unsealByHand(lab: Lab, name: string): Promise<void> {
  await waitFor(`${name} answers`, async () => (await sealStatus(lab, name)).initialized, { timeoutMs: 30_000 });
  for (const key of lab.unsealShares.slice(0, 3)) await lab.vault(name, 'POST', 'sys/unseal', { body: { key } });
  await waitFor(`${name} is unsealed`, async () => !(await sealStatus(lab, name)).sealed, { timeoutMs: 30_000 });
}

interface CopyOptions {
  lag?: number;
  overrides?: Partial<Manifest>;
  repositories?: string[];
}

/** Backs a node up by the copy of its data directory, with the parts that a backup is made of, and none of its workflow. */
export async function copyNode(
  lab: Lab,
  name: string,
  { lag = 0, overrides = {}, repositories = ['local'] }: CopyOptions = {},
): Promise<string> {
  const config = await loadConfig(lab.configFile);
  const cluster = clusterOf(config, 'lab');
  const { method, recipients, gpgHome } = encryptionOf(cluster.backup.encryption);
  const { dataDir, address } = lab.nodes.find((node) => node.name === name)!;
  const {
    cluster_id: clusterId,
    cluster_name: clusterName,
    ...status
  } = await sealStatus(lab, lab.nodes.length === 1 ? name : await leaderOf(lab));
  const storage = (status as { storage_type?: string }).storage_type === 'file' ? 'file' : 'raft';
  const directory = join(lab.directory, `copy-${randomBytes(4).toString('hex')}`);
  await mkdir(directory, { mode: 0o700 });
  const verifier = new DataArchiveVerifier();
  const capturedAt = new Date().toISOString();
  const { signal } = new AbortController();
  const stored = await whileStopped(lab, name, () =>
    withDataArchive(dataDir, { storage, nodeId: storage === 'raft' ? name : null, signal }, ({ body }) =>
      writeSnapshotFile(directory, body, verifier, { method, recipients, gpgHome }, { signal, name: 'data.tar.gz' }),
    ),
  );
  const { summary } = verifier;
  const { meta } = summary;
  const draft: ManifestDraft = {
    format: MANIFEST_FORMAT,
    generation: generationId(capturedAt, summary.raft.index, randomBytes(4).toString('hex')),
    cluster: 'lab',
    capturedAt,
    serverVersion: (status as { version?: string }).version ?? null,
    leader: { node: name, address },
    clusterId,
    clusterName,
    content: { method: 'filesystem', storage, node: name, nodeId: meta.nodeId, files: meta.files, lag },
    ...manifestFacts(summary),
    stored,
    credential: await credentialFingerprint(cluster.auth),
    encryption: { method, recipients },
    canary: null,
    bundles: [],
    previous: null,
    warnings: [],
    createdBy: { product: 'vault-dr test', run: 'copy' },
    ...overrides,
  };
  await stageGenerationFiles(directory, draft, {
    privateKeyPem: await readPrivateKey(config),
    publicKeyPem: await readPublicKey(config),
  });
  for (const repository of repositories) {
    await publishGeneration(await openRepository(repository, repositoryConfigOf(config, repository)), directory);
  }
  await rm(directory, { recursive: true });
  return draft.generation;
}
