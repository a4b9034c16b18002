import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readSecret } from '../src/config/secret';
import type {
  BackupPlan,
  ClusterHealth,
  PublishedCopy,
  RetentionReport,
  StagedGeneration,
} from '../src/contract/backup';
import { DrError } from '../src/contract/failures';
import {
  type FileDigest,
  type GenerationCopy,
  generationId,
  MANIFEST_FORMAT,
  type Manifest,
} from '../src/contract/generation';
import { encryptTo } from '../src/crypto/age';
import { privateDirectory } from '../src/host/files';
import {
  listGenerations,
  publishGeneration as publish,
  readCopy,
  replicateGeneration as replicate,
  stageGenerationFiles,
  verifyCopy,
} from '../src/repository/generations';
import { applyRetention as apply, planRetention } from '../src/repository/retention';
import { SnapshotVerifier, type SnapshotSummary } from '../src/vault/snapshot-archive';
import { VERSION } from '../src/version';
import { beatBytes, cancellation, whileBeating } from './context';
import type { Controller } from './controller-context';

/** What the run needs of the configuration, read once: a run in flight keeps its plan when the file changes. */
export async function planBackup(controller: Controller, input: { cluster: string }): Promise<BackupPlan> {
  const cluster = controller.cluster(input.cluster);
  if (!controller.config.signing.privateKey) {
    throw new DrError(
      'InvalidConfiguration',
      'Backups need signing.privateKey, which the configuration does not name.',
      {
        advice: 'Make one with `openssl genpkey -algorithm ed25519`, name it, and restart the controller.',
      },
    );
  }
  const { encryption } = cluster.backup;
  return {
    cluster: input.cluster,
    nodes: cluster.nodes.map(({ name, address }) => ({ name, address })),
    encryption:
      encryption === 'none' ? { method: 'none', recipients: [] } : { method: 'age', recipients: encryption.age },
    repositories: cluster.repositories,
    retention: cluster.backup.retention,
  };
}

/** Every peer answers, one leads, autopilot is content; what doesn't keep a backup from being made becomes a warning. */
export async function checkHealth(controller: Controller, input: { plan: BackupPlan }): Promise<ClusterHealth> {
  const { cluster } = input.plan;
  return controller.withLeader(cluster, async (view) => {
    const leader = view.leader.node;
    const autopilot = await controller.withLogin(cluster, leader, (vault) => vault.autopilotState());
    const warnings = view.nodes.flatMap((node) => (node.problem === null ? [] : [`${node.node}: ${node.problem}`]));
    if (!autopilot.healthy) warnings.push('autopilot calls the cluster unhealthy');
    return { ...view, leader, warnings };
  });
}

/**
 * Captures from the leader's own address in one pass: socket → verify → encrypt → staging file. A generation exists only
 * after the whole archive was verified; a cut, empty or error body leaves nothing behind.
 */
export async function captureSnapshot(
  controller: Controller,
  input: { plan: BackupPlan; health: ClusterHealth; run: string },
): Promise<StagedGeneration> {
  const { plan, health, run } = input;
  const runDirectory = await privateDirectory(stagingDirectory(controller, plan.cluster, run));
  // What an attempt before this one left; if it still writes, it fails on the missing directory.
  for (const name of await readdir(runDirectory)) await rm(join(runDirectory, name), { recursive: true, force: true });
  const directory = await privateDirectory(runDirectory, randomBytes(4).toString('hex'));
  try {
    const captured = await capture(controller, plan, health, directory);
    return await describeCapture(controller, plan, health, run, directory, captured);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

interface Captured {
  file: string;
  capturedAt: string;
  summary: SnapshotSummary;
  stored: FileDigest;
}

async function capture(
  controller: Controller,
  plan: BackupPlan,
  health: ClusterHealth,
  directory: string,
): Promise<Captured> {
  const encrypted = plan.encryption.method === 'age';
  const file = encrypted ? 'snapshot.snap.age' : 'snapshot.snap';
  const verifier = new SnapshotVerifier();
  const stored = new DigestMeter(beatBytes('capture'));
  const encrypt = async function* (source: AsyncIterable<Uint8Array>) {
    yield* encrypted
      ? await encryptTo(Readable.from(source, { objectMode: false }), plan.encryption.recipients)
      : source;
  };
  const capturedAt = new Date().toISOString();
  await controller.withLogin(plan.cluster, health.leader, async (vault) => {
    const { body } = await vault.snapshot({ signal: cancellation() });
    const target = createWriteStream(join(directory, file), { mode: 0o600, flags: 'wx', flush: true });
    await pipeline(body, verifier, encrypt, stored, target, { signal: cancellation() });
  });
  return { file, capturedAt, summary: verifier.summary, stored: stored.digest() };
}

async function describeCapture(
  controller: Controller,
  plan: BackupPlan,
  health: ClusterHealth,
  run: string,
  directory: string,
  { file, capturedAt, summary, stored }: Captured,
): Promise<StagedGeneration> {
  const leader = plan.nodes.find((node) => node.name === health.leader);
  const previous = await whileBeating('look up the generation before', () => newestManifest(controller, plan));
  const manifest: Manifest = {
    format: MANIFEST_FORMAT,
    generation: generationId(capturedAt, summary.raft.index, randomBytes(4).toString('hex')),
    cluster: plan.cluster,
    capturedAt,
    serverVersion: health.serverVersion,
    leader: { node: health.leader, address: leader?.address ?? '' },
    clusterId: health.clusterId,
    clusterName: health.clusterName,
    raft: summary.raft,
    seal: summary.seal,
    recovery: summary.recovery,
    archive: summary.archive,
    stored: { file, ...stored },
    keys: summary.keys,
    encryption: plan.encryption,
    previousManifestSha256: previous,
    warnings: health.warnings,
    createdBy: { product: `vault-dr ${VERSION}`, run },
  };
  const { privateKey, publicKeyFile } = controller.config.signing;
  if (!privateKey)
    throw new DrError('InvalidConfiguration', `Backups need signing.privateKey beside ${publicKeyFile}.`);
  const { manifestSha256 } = await stageGenerationFiles(directory, manifest, {
    privateKeyPem: await readSecret(privateKey, 'signing.privateKey'),
    publicKeyPem: await controller.publicKey(),
  });
  return { generation: manifest.generation, directory, manifest, manifestSha256 };
}

/** Of the first repository that answers; a chain with a gap is better than no backup. */
async function newestManifest(controller: Controller, plan: BackupPlan): Promise<string | null> {
  const publicKey = await controller.publicKey();
  for (const name of plan.repositories) {
    try {
      const { copies } = await listGenerations(await controller.repository(name), plan.cluster, publicKey);
      return copies[0]?.manifestSha256 ?? null;
    } catch {
      cancellation().throwIfAborted();
    }
  }
  return null;
}

/** Stores what was staged, write-once, and reads it back. */
export async function publishGeneration(
  controller: Controller,
  input: { staged: StagedGeneration; repository: string },
): Promise<PublishedCopy> {
  const options = { signal: cancellation(), onProgress: beatBytes(`publish to ${input.repository}`) };
  const repository = await controller.repository(input.repository);
  const copy = await publish(repository, input.staged.directory, options);
  return published(await verifyCopy(repository, copy, options));
}

/** Copies from one repository to another and reads it back from there. */
export async function replicateGeneration(
  controller: Controller,
  input: { cluster: string; generation: string; from: string; to: string },
): Promise<PublishedCopy> {
  const [from, to, publicKey] = await Promise.all([
    controller.repository(input.from),
    controller.repository(input.to),
    controller.publicKey(),
  ]);
  const options = { signal: cancellation(), onProgress: beatBytes(`copy to ${input.to}`) };
  return published(await replicate(from, to, input.cluster, input.generation, publicKey, options));
}

/** Generations that retention keeps in one repository and that another one, which was down, doesn't have. */
export async function listCatchUps(
  controller: Controller,
  input: { cluster: string; from: string; to: string },
): Promise<string[]> {
  const publicKey = await controller.publicKey();
  const list = async (name: string) => listGenerations(await controller.repository(name), input.cluster, publicKey);
  const [source, target] = await Promise.all([list(input.from), list(input.to)]);
  const { last } = controller.cluster(input.cluster).backup.retention;
  const wanted = planRetention(source.copies, { last }, new Date()).keep.map((item) => item.generation);
  const there = new Set([...target.copies, ...target.unreadable].map((item) => item.generation));
  return wanted.filter((generation) => !there.has(generation)).reverse();
}

/** Removes what the policy gives up; only after this very run has stored a verified generation there. */
export async function applyRetention(
  controller: Controller,
  input: { cluster: string; repository: string; last: number; newest: string },
): Promise<RetentionReport> {
  return whileBeating(`retention in ${input.repository}`, async () => {
    const repository = await controller.repository(input.repository);
    const publicKey = await controller.publicKey();
    await readCopy(repository, input.cluster, input.newest, publicKey);
    const { copies } = await listGenerations(repository, input.cluster, publicKey);
    const known = copies.map((copy): GenerationCopy =>
      copy.generation === input.newest ? { ...copy, check: 'hashed' } : copy,
    );
    const now = new Date();
    const plan = planRetention(known, { last: input.last }, now);
    return apply(repository, input.cluster, plan, now, { signal: cancellation() });
  });
}

export async function discardStaging(controller: Controller, input: { cluster: string; run: string }): Promise<void> {
  await rm(stagingDirectory(controller, input.cluster, input.run), { recursive: true, force: true });
}

function stagingDirectory(controller: Controller, cluster: string, run: string): string {
  return join(controller.config.stateDir, 'staging', cluster, run);
}

function published(copy: GenerationCopy): PublishedCopy {
  const { sha256, sizeBytes } = copy.manifest.stored;
  return { repository: copy.repository, check: copy.check, stored: { sha256, sizeBytes } };
}

/** Counts and hashes what goes through. */
class DigestMeter extends Transform {
  readonly #hash = createHash('sha256');
  #sizeBytes = 0;

  constructor(private readonly onProgress: (bytes: number) => void) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error: null, chunk: Buffer) => void): void {
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
    this.onProgress(this.#sizeBytes);
    done(null, chunk);
  }

  digest(): FileDigest {
    return { sha256: this.#hash.digest('hex'), sizeBytes: this.#sizeBytes };
  }
}
