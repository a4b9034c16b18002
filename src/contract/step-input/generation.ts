import { z } from 'zod';
import type { CollectedConfig } from '../backup';
import {
  type Canary,
  type ChainLink,
  type CheckLevel,
  type ConfigBundle,
  type Encryption,
  type FileDigest,
  type GenerationCopy,
  type Import,
  type KeyCount,
  type LeaseCount,
  type Manifest,
  MANIFEST_FORMAT,
  type OwnSeal,
  type RaftPeer,
  type Reach,
  type SealConfig,
} from '../generation';
import type { Product } from '../product';
import { content } from './content';
import {
  BUNDLE_PATTERN,
  byKey,
  count,
  fileName,
  generation,
  kvPath,
  listOf,
  name,
  oneOf,
  sha256,
  short,
  strict,
  texts,
  time,
} from './values';

const digest = { sha256, sizeBytes: count };
export const fileDigest = strict<FileDigest>(digest);

export const product = oneOf<Product>({ vault: true, openbao: true });

export const raftPeer = strict<RaftPeer>({
  id: short,
  address: short,
  suffrage: oneOf<RaftPeer['suffrage']>({ voter: true, nonvoter: true, staging: true }),
});

export const sealConfig = strict<SealConfig>({ type: short, secretShares: count, secretThreshold: count });

export const keyCount = strict<KeyCount>({ count, bytes: count });

export const leaseCount = strict<LeaseCount>({ total: count, byMount: byKey(count) });

export const reach = strict<Reach>({
  staticRoles: count,
  unfinished: count,
  auditDevices: count,
  plugins: listOf(short),
});

export const encryption = {
  method: oneOf<Encryption['method']>({ age: true, openpgp: true, none: true }),
  recipients: listOf(short),
};

export const canary = strict<Canary>({ path: kvPath, sha256, writtenAt: time });

const bundle = {
  ...digest,
  node: name,
  file: z.string().max(200).regex(BUNDLE_PATTERN),
  signature: z.base64().max(200).optional(),
};
export const configBundle = strict<ConfigBundle>(bundle);
export const filledBundle = strict<NonNullable<CollectedConfig['bundle']>>({ ...bundle, content: z.base64() });

export const keyCounts = z.strictObject({ count, bytes: count, byPrefix: byKey(keyCount) });

const chainLink = strict<ChainLink>({ generation, manifestSha256: sha256 });

/** As parsed by `parseManifest`. */
export const manifest = strict<Manifest>({
  format: z.literal(MANIFEST_FORMAT),
  generation,
  cluster: name,
  capturedAt: time,
  serverVersion: short.nullable(),
  product: product.optional(),
  leader: z.strictObject({ node: short, address: short }).nullable(),
  clusterId: short.nullable(),
  clusterName: short.nullable(),
  imported: strict<Import>({
    by: short,
    at: time,
    from: short,
    capturedAtBy: oneOf<Import['capturedAtBy']>({ operator: true, name: true, file: true }),
    serverVersionBy: oneOf<NonNullable<Import['serverVersionBy']>>({ operator: true, snapshot: true }).nullable(),
  }).optional(),
  content: content.optional(),
  raft: z.strictObject({ index: count, term: count, peers: listOf(raftPeer), nonVoters: listOf(short).optional() }),
  seal: sealConfig,
  recovery: sealConfig.nullable(),
  archive: fileDigest,
  stored: z.strictObject({ ...digest, file: fileName }),
  keys: z.strictObject({ count, bytes: count, byPrefix: byKey(keyCount) }),
  leases: leaseCount.nullable(),
  reach: reach.optional(),
  ownSeals: listOf(strict<OwnSeal>({ id: short, path: short.nullable() })).optional(),
  credential: sha256.nullable(),
  encryption: strict<Encryption>(encryption),
  canary: canary.nullable(),
  bundles: listOf(configBundle),
  sumsSha256: sha256,
  previous: chainLink.nullable(),
  warnings: texts,
  createdBy: z.strictObject({ product: short, run: short }),
});

export const checkLevel = oneOf<CheckLevel>({ listed: true, hashed: true, restored: true });

export const generationCopy = strict<GenerationCopy>({
  repository: name,
  generation,
  manifest,
  manifestSha256: sha256,
  check: checkLevel,
});
