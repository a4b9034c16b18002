import { z } from 'zod';
import { DrError } from '../../contract/failures';
import type { RaftPeer, SealConfig } from '../../contract/generation';
import type { KeySummary } from '../snapshot/key-tally';

/**
 * The archive of a stopped node's data directory: a gzipped tar that any `tar` unpacks. In this order `meta.json`, the directory
 * as `data/…` (each directory before its contents, names ascending), and `SHA256SUMS`, which `sha256sum -c` checks. Owner, mode and
 * time are kept; files with large holes are in the sparse format 1.0 of GNU tar (in pax headers), which bsdtar knows as well.
 */
export const ARCHIVE_FORMAT = 'vault-dr/data-archive/v1';
export const META = 'meta.json';
export const SUMS = 'SHA256SUMS';
export const DATA = 'data';

/** Vault's own storage has three levels; `storage "file"` as many as a path of a secret has. */
export const MAX_DEPTH = 48;
/** Of files and directories together. `storage "file"` has one for each key. */
export const MAX_ENTRIES = 1_000_000;
export const MAX_NAME_BYTES = 255;
export const MAX_META_BYTES = 1024 * 1024;

export type StorageKind = 'raft' | 'file';

/** What the archive says of itself. */
export interface ArchiveMeta extends KeySummary {
  format: typeof ARCHIVE_FORMAT;
  storage: StorageKind;
  /** The id of the member; null if unknown, and for `storage "file"`. */
  nodeId: string | null;
  /** Null of `storage "file"`. `index` and `term`: of the last entry that is applied; `lastLog…`: of the last one in the log. */
  raft: {
    index: number;
    term: number;
    lastLogIndex: number | null;
    lastLogTerm: number | null;
    peers: RaftPeer[];
  } | null;
  seal: SealConfig;
  recoveryConfig: SealConfig | null;
  requiredKeys: string[];
  files: number;
  /** Without the data directory itself. */
  directories: number;
  /** Of all files, including holes. */
  bytes: number;
  /** The first hundred entries that were left out, such as lock files. */
  leftOut: string[];
}

const count = z.number().int().nonnegative();
const seal = z.object({ type: z.string().min(1), secretShares: count, secretThreshold: count });

const metaSchema: z.ZodType<ArchiveMeta> = z
  .object({
    format: z.literal(ARCHIVE_FORMAT),
    storage: z.enum(['raft', 'file']),
    nodeId: z.string().nullable(),
    raft: z
      .object({
        index: count,
        term: count,
        lastLogIndex: count.nullable(),
        lastLogTerm: count.nullable(),
        peers: z.array(
          z.object({ id: z.string(), address: z.string(), suffrage: z.enum(['voter', 'nonvoter', 'staging']) }),
        ),
      })
      .nullable(),
    seal,
    recoveryConfig: seal.nullable(),
    requiredKeys: z.array(z.string()),
    keys: z.object({
      count,
      bytes: count,
      byPrefix: z.record(z.string(), z.object({ count, bytes: count })),
    }),
    leases: z.object({ total: count, byMount: z.record(z.string(), count) }),
    reach: z.object({ staticRoles: count, unfinished: count, auditDevices: count, plugins: z.array(z.string()) }),
    newestVersion: z.string().nullable(),
    ownSeals: z.array(z.string()),
    files: count,
    directories: count,
    bytes: count,
    leftOut: z.array(z.string()),
  })
  .refine(({ storage, raft }) => (storage === 'raft') === (raft !== null), { path: ['raft'] });

export function serializeMeta(meta: ArchiveMeta): Buffer {
  return Buffer.from(`${JSON.stringify(metaSchema.parse(meta), null, 2)}\n`);
}

/** @throws DrError SnapshotCorrupt that names a snapshot of Raft or Consul, where it is one, by its `meta.json`. */
export function parseArchiveMeta(text: string): ArchiveMeta {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw corrupt(`has a ${META} that is not JSON`);
  }
  const parsed = metaSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { format, Index, Term } = (value ?? {}) as Record<string, unknown>;
  if (format === undefined && typeof Index === 'number' && typeof Term === 'number') {
    throw new DrError(
      'SnapshotCorrupt',
      'The archive is a snapshot of Raft or Consul, not a copy of a data directory.',
      {
        advice: 'Restore it by the method that made it: raft or consul.',
      },
    );
  }
  if (typeof format === 'string' && format !== ARCHIVE_FORMAT && format.startsWith('vault-dr/')) {
    throw new DrError('SnapshotCorrupt', 'The archive has a format that this version does not know.', {
      advice: 'If a newer vault-dr wrote it, use that version.',
    });
  }
  const fields = parsed.error.issues.slice(0, 3).map((issue) => issue.path.join('.') || META);
  throw corrupt(`has a ${META} with wrong fields: ${fields.join(', ')}`);
}

/**
 * A line of `SHA256SUMS` as `sha256sum` writes it.
 * @param path of the member
 */
export function sumLine(sha256: string, path: string): string {
  const isPlain = !/[\\\n\r]/.test(path);
  const shown = isPlain ? path : path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `${isPlain ? '' : '\\'}${sha256}  ${shown}\n`;
}

/** Whether a name is that of a direct entry of its directory. */
export function isEntryName(name: string): boolean {
  return (
    name !== '' &&
    name !== '.' &&
    name !== '..' &&
    !/[/\0\ufffd]/.test(name) &&
    Buffer.byteLength(name) <= MAX_NAME_BYTES
  );
}

export const ADVICE = {
  incomplete: 'Archive the data directory again, or choose another copy.',
  corrupt: "Don't use this archive; choose another copy, or archive the data directory again.",
};

export function corrupt(what: string, cause?: unknown): DrError {
  return new DrError('SnapshotCorrupt', `The archive ${what}.`, { advice: ADVICE.corrupt, cause });
}

export function incomplete(what: string, cause?: unknown): DrError {
  return new DrError('SnapshotIncomplete', `The archive ${what}.`, { advice: ADVICE.incomplete, cause });
}
