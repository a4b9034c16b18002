import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RetentionPolicy } from '../../src/contract/backup';
import { generationId, type Manifest, MANIFEST_FORMAT } from '../../src/contract/generation';
import { signManifest } from '../../src/crypto/signature';
import { sha256Hex } from '../../src/repository/digest';
import { stageGenerationFiles } from '../../src/repository/generations';
import { serializeManifest } from '../../src/repository/manifest';

export interface SigningPair {
  privateKeyPem: string;
  publicKeyPem: string;
}

export function signingPair(): SigningPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { privateKeyPem: privateKey, publicKeyPem: publicKey };
}

/** A manifest as a three-node Shamir cluster gives it, for a snapshot with these bytes. */
export function sampleManifest(snapshot: Uint8Array, overrides: Partial<Manifest> = {}): Manifest {
  const capturedAt = overrides.capturedAt ?? '2026-11-23T04:00:00.000Z';
  const sha256 = createHash('sha256').update(snapshot).digest('hex');
  return {
    format: MANIFEST_FORMAT,
    generation: generationId(capturedAt, 4711, sha256.slice(0, 8)),
    cluster: 'prod',
    capturedAt,
    serverVersion: '1.21.1',
    leader: { node: 'vault-1', address: 'https://vault-1.example.com:8200' },
    clusterId: '6f7a3f0e-0000-4000-8000-000000000001',
    clusterName: 'vault-cluster-1',
    raft: {
      index: 4711,
      term: 3,
      peers: [1, 2, 3].map((n) => ({ id: `vault-${n}`, address: `vault-${n}.example.com:8201`, suffrage: 'voter' })),
    },
    seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
    recovery: null,
    archive: { sha256: 'a'.repeat(64), sizeBytes: 1234 },
    stored: { file: 'snapshot.snap.age', sha256, sizeBytes: snapshot.length },
    keys: { count: 2, bytes: 20, byPrefix: { 'core/': { count: 1, bytes: 10 }, 'sys/': { count: 1, bytes: 10 } } },
    leases: { total: 3, byMount: { 'auth/token': 1, database: 2 } },
    credential: 'c'.repeat(64),
    encryption: { method: 'age', recipients: ['age16s6qjslwd035z6ug3nqllmpugk7vq7nsfyaes3qlx55jnzsmn5xqc5690t'] },
    canary: null,
    bundles: [],
    sumsSha256: '0'.repeat(64),
    previous: null,
    warnings: [],
    createdBy: { product: 'vault-dr 0.1.0', run: 'backup-prod' },
    ...overrides,
  };
}

/**
 * The files of many backups, the newest first, each after the one before: as they are listed, and nothing to read end to
 * end. One bundle each.
 */
export function manyBackups(
  keys: SigningPair,
  count: number,
  { newest = Date.now(), everyMs = 60 * 60 * 1000 } = {},
): { generation: string; files: Map<string, Buffer> }[] {
  const bundle = { node: 'vault-1', file: 'config-vault-1.tar.gz.age', sha256: 'b'.repeat(64), sizeBytes: 4 };
  let previous: Manifest['previous'] = null;
  const all: { generation: string; files: Map<string, Buffer> }[] = [];
  for (let index = 0; index < count; index++) {
    const capturedAt = new Date(newest - (count - 1 - index) * everyMs).toISOString();
    const snapshot = Buffer.from(String(index).padStart(8, '0'));
    const manifest = sampleManifest(snapshot, { capturedAt, previous, bundles: [bundle] });
    const bytes = serializeManifest(manifest);
    const files = new Map<string, Buffer>([
      ['RESTORE.md', Buffer.from('text')],
      ['SHA256SUMS', Buffer.from('sums')],
      [bundle.file, Buffer.from('tar.')],
      ['manifest.json', bytes],
      ['manifest.json.sig', signManifest(bytes, keys.privateKeyPem)],
      [manifest.stored.file, snapshot],
    ]);
    previous = { generation: manifest.generation, manifestSha256: sha256Hex(bytes) };
    all.push({ generation: manifest.generation, files });
  }
  return all.toReversed();
}

/** Keeps the newest `last` and nothing else, unless told otherwise. */
export function keepLast(last: number, overrides: Partial<RetentionPolicy> = {}): RetentionPolicy {
  const none = { hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, maxAgeSeconds: null, minimum: 1 };
  return { last, ...none, ...overrides };
}

/** Stages a whole generation in a new directory below `parent`, as a backup does before it publishes. */
export async function stageSample(
  parent: string,
  keys: SigningPair,
  snapshot: Uint8Array,
  overrides: Partial<Manifest> = {},
): Promise<{ directory: string; manifest: Manifest; manifestSha256: string }> {
  const draft = sampleManifest(snapshot, overrides);
  const directory = join(parent, draft.generation);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, draft.stored.file), snapshot);
  return { directory, ...(await stageGenerationFiles(directory, draft, keys)) };
}
