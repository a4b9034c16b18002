import { z } from 'zod';
import { DrError } from '../../contract/failures';
import type { RaftPeer, SealConfig } from '../../contract/generation';

export const MEMBERS = ['meta.json', 'state.bin', 'SHA256SUMS', 'SHA256SUMS.sealed'] as const;
export type Member = (typeof MEMBERS)[number];

/** The members that `SHA256SUMS` covers. */
const SUMMED = ['meta.json', 'state.bin'] as const;

const SUFFRAGE = ['voter', 'nonvoter', 'staging'] as const;

const metaSchema = z.object({
  Index: z.number().int().nonnegative(),
  Term: z.number().int().nonnegative(),
  Size: z.number().int().nonnegative(),
  Configuration: z.object({
    Servers: z.array(
      z.object({
        ID: z.string(),
        Address: z.string(),
        Suffrage: z
          .number()
          .int()
          .min(0)
          .max(SUFFRAGE.length - 1),
      }),
    ),
  }),
});

/** Clusters of old versions have no type in it; Vault takes that for `shamir`. */
const sealSchema = z.object({
  type: z
    .string()
    .default('')
    .transform((type) => type || 'shamir'),
  secret_shares: z.number().int().nonnegative(),
  secret_threshold: z.number().int().nonnegative(),
});

export interface RaftMeta {
  index: number;
  term: number;
  peers: RaftPeer[];
  /** Size of `state.bin` as it should be. */
  stateBytes: number;
}

/** @throws DrError SnapshotCorrupt */
export function parseMeta(text: string): RaftMeta {
  const meta = parseJson(metaSchema, text, 'meta.json');
  return {
    index: meta.Index,
    term: meta.Term,
    stateBytes: meta.Size,
    peers: meta.Configuration.Servers.map((server) => ({
      id: server.ID,
      address: server.Address,
      suffrage: SUFFRAGE[server.Suffrage] ?? 'staging',
    })),
  };
}

/** @throws DrError SnapshotCorrupt */
export function parseSealConfig(text: string, key: string): SealConfig {
  const seal = parseJson(sealSchema, text, key);
  return { type: seal.type, secretShares: seal.secret_shares, secretThreshold: seal.secret_threshold };
}

/**
 * Compares the hashes that were computed with the archive's own list.
 * @throws DrError SnapshotCorrupt
 */
export function checkSums(list: string, computed: Record<(typeof SUMMED)[number], string>): void {
  const listed = new Map(
    list
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [, sum, file] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
        if (!sum || !file)
          throw new DrError('SnapshotCorrupt', "The snapshot's SHA256SUMS is not a list of checksums.");
        return [file, sum] as const;
      }),
  );
  for (const member of SUMMED) {
    const sum = listed.get(member);
    if (sum === computed[member]) continue;
    const problem = sum === undefined ? 'has no line for' : 'does not match';
    throw new DrError('SnapshotCorrupt', `The snapshot's SHA256SUMS ${problem} ${member}.`);
  }
  if (listed.size > SUMMED.length) {
    throw new DrError('SnapshotCorrupt', "The snapshot's SHA256SUMS lists files that are not in it.");
  }
}

function parseJson<T>(schema: z.ZodType<T>, text: string, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DrError('SnapshotCorrupt', `The snapshot's ${what} is not JSON.`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join('.') || what).join(', ');
  throw new DrError('SnapshotCorrupt', `The snapshot's ${what} is not in Vault's format: ${fields}.`);
}
