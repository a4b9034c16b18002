import { z } from 'zod';
import type { CopiedData, CopyOutcome } from '../copied';
import type { Encryption } from '../generation';
import { encryption, fileDigest, keyCounts, leaseCount, raftPeer, reach, sealConfig } from './generation';
import { count, fileName, generation, listOf, name, oneOf, sha256, short, strict, text, time } from './values';

export const copiedData = strict<CopiedData>({
  generation,
  node: name,
  capturedAt: time,
  content: z.strictObject({
    storage: oneOf<CopiedData['content']['storage']>({ raft: true, file: true }),
    nodeId: short.nullable(),
    files: count,
  }),
  raft: z.strictObject({ index: count, term: count, peers: listOf(raftPeer) }),
  seal: sealConfig,
  recovery: sealConfig.nullable(),
  archive: fileDigest,
  stored: z.strictObject({ sha256, sizeBytes: count, file: fileName }),
  encryption: strict<Encryption>(encryption),
  keys: keyCounts,
  leases: leaseCount,
  reach,
  ownSeals: listOf(short),
  signature: z.base64().max(200),
});

export const lag = count.nullable();

export const copyOutcome: z.ZodType<CopyOutcome> = z.union([
  z.strictObject({ data: copiedData, lag, repository: name.nullable() }),
  z.strictObject({ failed: z.strictObject({ code: short, problem: text, advice: text }) }),
]);
