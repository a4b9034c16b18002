import { hostname } from 'node:os';
import { z } from 'zod';
import { DrError, isDrError } from '../contract/failures';
import { digestOf } from '../repository/digest';
import { fromBytes, readSmall, type Repository, type TransferOptions } from '../repository/types';
import { trailHead, type TrailReport } from './audit-trail';

/** What a repository stores about a trail: whoever changes the trail later would have to change this, too. */
const headSchema = z.object({
  format: z.literal('vault-dr/audit-head/v1'),
  host: z.string(),
  /** Name of the controller; absent in heads of earlier versions. */
  controller: z.string().optional(),
  /** SHA-256 of the first line: identifies the trail. */
  trail: z.string(),
  seq: z.number().int().positive(),
  /** SHA-256 of the line with that number. */
  sha256: z.string(),
  at: z.string(),
});
export type AuditHead = z.infer<typeof headSchema>;

export interface StoredHeads {
  heads: AuditHead[];
  /** Objects among the heads that are not heads, or can't be read. */
  problems: string[];
}

const MAX_HEAD_BYTES = 4 * 1024;

/** Stores the current head of a trail, write-once. Idempotent. @returns its key; null for an empty trail. */
export async function publishHead(
  file: string,
  repository: Repository,
  cluster: string,
  options: TransferOptions & { controller?: string } = {},
): Promise<string | null> {
  const last = await trailHead(file);
  if (last === null) return null;
  const head: AuditHead = { format: 'vault-dr/audit-head/v1', host: hostname(), ...by(options), ...last };
  const bytes = Buffer.from(`${JSON.stringify(head)}\n`);
  const stamp = head.at.replace(/[-:]|\.\d+/g, '');
  const key = `${directoryOf(cluster)}${stamp}-${head.seq}-${head.trail.slice(0, 8)}.json`;
  // Its name says which line it is about.
  await repository.put(key, fromBytes(bytes), digestOf(bytes), { ...options, absent: true });
  return key;
}

/**
 * A bad one never hides the others.
 * @throws DrError if the repository doesn't answer.
 */
export async function readHeads(repository: Repository, cluster: string): Promise<StoredHeads> {
  const stored: StoredHeads = { heads: [], problems: [] };
  for await (const { key } of repository.list(directoryOf(cluster))) {
    try {
      stored.heads.push(parseHead(String(await readSmall(repository, key, MAX_HEAD_BYTES)), key));
    } catch (error) {
      if (!isDrError(error) || error.retryable) throw error;
      stored.problems.push(`${repository.name}: ${error.message}`);
    }
  }
  return stored;
}

/**
 * Contradictions between heads and a trail: lines removed or rewritten since their head was stored. Heads of other trails
 * are ignored, unless this host has stored some and none belongs to this trail.
 */
export function checkHeads(
  report: Pick<TrailReport, 'hashes'>,
  heads: readonly AuditHead[],
  { host = hostname(), controller }: { host?: string; controller?: string } = {},
): { matching: number; problems: string[] } {
  const own = heads.filter((head) => head.trail === report.hashes[0]);
  const problems = own.flatMap(({ seq, sha256, at }) => {
    const found = report.hashes[seq - 1];
    if (found === sha256) return [];
    return [`line ${seq}, which was the last one at ${at}, ${found === undefined ? 'is gone' : 'was rewritten'} since`];
  });
  if (
    own.length === 0 &&
    heads.some((head) => (head.controller === undefined ? head.host === host : head.controller === controller))
  ) {
    problems.push('the repositories keep heads of another trail of this host: this file is not the one that was begun');
  }
  const matching = own.filter(({ seq, sha256 }) => report.hashes[seq - 1] === sha256).length;
  return { matching, problems: [...new Set(problems)] };
}

function by({ controller }: { controller?: string }): { controller?: string } {
  return controller === undefined ? {} : { controller };
}

function directoryOf(cluster: string): string {
  return `${cluster}/audit/`;
}

function parseHead(text: string, key: string): AuditHead {
  try {
    return headSchema.parse(JSON.parse(text));
  } catch {
    throw new DrError('CopyDamaged', `${key} is not the head of an audit trail: find out who wrote it.`);
  }
}
