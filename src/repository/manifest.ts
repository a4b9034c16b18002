import { z } from 'zod';
import { DrError } from '../contract/failures';
import { GENERATION_PATTERN, type Manifest, MANIFEST_FORMAT } from '../contract/generation';
import { NAME_PATTERN } from '../contract/names';
import { content } from '../contract/step-input/content';

/** Shape of a manifest read from a repository. */
export const manifestSchema: z.ZodType<Manifest> = z.object({
  format: z.literal(MANIFEST_FORMAT),
  generation: z.string().regex(GENERATION_PATTERN),
  cluster: z.string().regex(NAME_PATTERN),
  capturedAt: z.iso.datetime(),
  serverVersion: z.string().nullable(),
  product: z.enum(['vault', 'openbao']).optional(),
  leader: z.object({ node: z.string(), address: z.string() }).nullable(),
  clusterId: z.string().nullable(),
  clusterName: z.string().nullable(),
  imported: z
    .object({
      by: z.string(),
      at: z.iso.datetime(),
      from: z.string(),
      capturedAtBy: z.enum(['operator', 'name', 'file']),
      serverVersionBy: z.enum(['operator', 'snapshot']).nullable(),
    })
    .optional(),
  content: content.optional(),
  raft: z.object({
    index: z.number().int().nonnegative(),
    term: z.number().int().nonnegative(),
    peers: z.array(
      z.object({ id: z.string(), address: z.string(), suffrage: z.enum(['voter', 'nonvoter', 'staging']) }),
    ),
    nonVoters: z.array(z.string()).optional(),
  }),
  seal: z.object({ type: z.string(), secretShares: z.number().int(), secretThreshold: z.number().int() }),
  recovery: z
    .object({ type: z.string(), secretShares: z.number().int(), secretThreshold: z.number().int() })
    .nullable(),
  archive: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), sizeBytes: z.number().int().positive() }),
  stored: z.object({
    file: z.string().regex(/^[a-z0-9.-]+$/),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    sizeBytes: z.number().int().positive(),
  }),
  keys: z.object({
    count: z.number().int(),
    bytes: z.number().int(),
    byPrefix: z.record(z.string(), z.object({ count: z.number().int(), bytes: z.number().int() })),
  }),
  leases: z
    .object({
      total: z.number().int().nonnegative(),
      byMount: z.record(z.string(), z.number().int().nonnegative()),
    })
    .nullable()
    .default(null),
  reach: z
    .object({
      staticRoles: z.number().int().nonnegative(),
      unfinished: z.number().int().nonnegative(),
      auditDevices: z.number().int().nonnegative(),
      plugins: z.array(z.string()),
    })
    .optional(),
  ownSeals: z.array(z.object({ id: z.string(), path: z.string().nullable() })).optional(),
  credential: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable()
    .default(null),
  encryption: z.object({ method: z.enum(['age', 'openpgp', 'none']), recipients: z.array(z.string()) }),
  canary: z.object({ path: z.string(), sha256: z.string(), writtenAt: z.iso.datetime() }).nullable().default(null),
  bundles: z
    .array(
      z.object({
        node: z.string().regex(NAME_PATTERN),
        file: z.string().regex(/^config-[a-z0-9.-]+$/),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        sizeBytes: z.number().int().positive(),
        signature: z
          .string()
          .regex(/^[A-Za-z0-9+/]{86}==$/)
          .optional(),
      }),
    )
    .default([]),
  sumsSha256: z.string().regex(/^[0-9a-f]{64}$/),
  previous: z
    .object({ generation: z.string().regex(GENERATION_PATTERN), manifestSha256: z.string().regex(/^[0-9a-f]{64}$/) })
    .nullable(),
  warnings: z.array(z.string()),
  createdBy: z.object({ product: z.string(), run: z.string() }),
});

/** The bytes that are signed and stored: equal manifests give equal bytes, in whatever order their keys were set. */
export function serializeManifest(manifest: Manifest): Buffer {
  // The schema determines the order of all other keys.
  const ordered = manifestSchema.parse(manifest);
  ordered.keys.byPrefix = byName(ordered.keys.byPrefix);
  if (ordered.content?.method === 'consul') ordered.content.others = byName(ordered.content.others);
  if (ordered.leases) ordered.leases.byMount = byName(ordered.leases.byMount);
  return Buffer.from(`${JSON.stringify(ordered, null, 2)}\n`);
}

function byName<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/** @throws DrError CopyDamaged that names the first fields that are wrong. */
export function parseManifest(bytes: Uint8Array): Manifest {
  const result = manifestSchema.safeParse(parseJson(bytes));
  if (result.success) return result.data;
  const problems = result.error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`);
  throw new DrError('CopyDamaged', `This version can't read the manifest: ${problems.join('; ')}.`, {
    advice: 'If a newer vault-dr wrote it, use that version. Its RESTORE.md works without vault-dr.',
  });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
