import { createHash } from 'node:crypto';
import { z } from 'zod';
import { DrError, isDrError } from '../contract/failures';
import { formatCount } from '../contract/format';
import { digestOf } from '../repository/digest';
import { fromBytes, readSmall, type Repository, type TransferOptions } from '../repository/types';
import type { AuditHead } from './audit-heads';
import type { AuditLine } from './audit-record';
import { readLines } from './audit-trail';

/*
 * The lines of each controller's trail, copied to the repositories of a cluster: so that the trails of all controllers are
 * read as one, and those of a host that is lost for good are not lost with it. Lines of other clusters stay out; only their
 * hashes are there, because the chain goes through them.
 */

/** A line, or of one of another cluster its hash alone. */
interface CopiedLine {
  sha256: string;
  line: AuditLine | null;
}

/** The trail of one controller, as far as the repositories have it. */
export interface CopiedTrail {
  /** Name of the controller. */
  controller: string;
  /** First digits of the SHA-256 of its first line: which trail it is. */
  trail: string;
  lines: Map<number, CopiedLine>;
  problems: string[];
}

const ID_DIGITS = 8;
const MOST_BYTES = 4 * 1024 * 1024;
const LIMIT_BYTES = 4 * MOST_BYTES;
const KEY = /^[^/]+\/trail\/([a-z0-9][a-z0-9-]{0,62})\.([0-9a-f]{8})\/(\d{9})-(\d{9})-[0-9a-f]{8}\.jsonl$/;

const hashed = z.strictObject({ seq: z.number().int().positive(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const whole = z.looseObject({
  seq: z.number().int().positive(),
  id: z.string(),
  at: z.string(),
  prev: z.string().nullable(),
});

/**
 * Copies the lines that the repository does not have yet. May be repeated.
 * @param copied that it has so many, if that is known
 * @returns how many it has now
 */
export async function copyLines(
  file: string,
  repository: Repository,
  cluster: string,
  controller: string,
  options: TransferOptions = {},
  copied?: number,
): Promise<number> {
  const lines = await readLines(file);
  const [first] = lines;
  if (first === undefined) return 0;
  const directory = `${directoryOf(cluster)}${controller}.${sha256(first).slice(0, ID_DIGITS)}/`;
  let done = copied ?? 0;
  if (copied === undefined) {
    for await (const { key } of repository.list(directory, options)) {
      done = Math.max(done, Number(KEY.exec(key)?.[4] ?? 0));
    }
  }
  while (done < lines.length) {
    const part: string[] = [];
    let bytes = 0;
    for (let next = done; next < lines.length && (bytes === 0 || bytes < MOST_BYTES); next++) {
      const text = copyOf(lines[next] as Buffer, next + 1, cluster);
      part.push(text);
      bytes += text.length;
    }
    const last = done + part.length;
    const content = Buffer.from(`${part.join('\n')}\n`);
    const name = `${digits(done + 1)}-${digits(last)}-${sha256(content).slice(0, ID_DIGITS)}.jsonl`;
    // Its name says what is in it.
    const settings = { signal: options.signal, absent: true };
    await repository.put(`${directory}${name}`, fromBytes(content), digestOf(content), settings);
    done = last;
  }
  return done;
}

/** The trails that a repository has copies of. @throws DrError if it doesn't answer. */
export async function readCopies(repository: Repository, cluster: string): Promise<CopiedTrail[]> {
  const trails = new Map<string, CopiedTrail>();
  for await (const { key } of repository.list(directoryOf(cluster))) {
    const [, controller = '', trail = ''] = KEY.exec(key) ?? [];
    const known: CopiedTrail = trails.get(`${controller}.${trail}`) ?? {
      controller,
      trail,
      lines: new Map(),
      problems: [],
    };
    trails.set(`${controller}.${trail}`, known);
    try {
      if (controller === '') throw notOurs(key);
      takeLines(known, String(await readSmall(repository, key, LIMIT_BYTES)), key);
    } catch (error) {
      if (!isDrError(error) || error.retryable) throw error;
      known.problems.push(`${repository.name}: ${error.message}`);
    }
  }
  return [...trails.values()];
}

/** Of one trail all that any repository has of it. */
export function joinCopies(copies: readonly CopiedTrail[]): CopiedTrail[] {
  const joined = new Map<string, CopiedTrail>();
  for (const { controller, trail, lines, problems } of copies) {
    const key = `${controller}.${trail}`;
    const all: CopiedTrail = joined.get(key) ?? { controller, trail, lines: new Map(), problems: [] };
    joined.set(key, all);
    all.problems.push(...problems);
    for (const [seq, line] of lines) add(all, seq, line);
  }
  return [...joined.values()];
}

/** What speaks against a trail, as far as its copies go. @param heads of any trail */
export function checkCopy({ controller, trail, lines, problems }: CopiedTrail, heads: readonly AuditHead[]) {
  const found = [...problems];
  const last = Math.max(0, ...lines.keys());
  const missing = Array.from({ length: last }, (_, index) => index + 1).filter((seq) => !lines.has(seq));
  if (missing.length > 0)
    found.push(`${formatCount(missing.length, 'line is', 'lines are')} missing, the first of them line ${missing[0]}`);
  for (const [seq, { line }] of lines) {
    if (line === null) continue;
    const before = seq === 1 ? null : lines.get(seq - 1)?.sha256;
    if (line.seq !== seq) found.push(`line ${seq} has the number ${line.seq}`);
    else if (before !== undefined && line.prev !== before) found.push(`line ${seq} does not follow the line before it`);
  }
  const own = heads.filter((head) => head.trail.startsWith(trail));
  for (const head of own) {
    const { seq, sha256: wanted } = head;
    const copied = lines.get(seq)?.sha256;
    if (copied !== undefined && copied !== wanted) found.push(`line ${seq} was rewritten since ${head.at}`);
  }
  return {
    controller,
    trail,
    records: lines.size,
    /** Lines that exist, according to the heads, and are in no repository. */
    behind: Math.max(0, ...own.map(({ seq }) => seq - last)),
    problems: [...new Set(found)],
  };
}

function takeLines(trail: CopiedTrail, content: string, key: string): void {
  for (const text of content.split('\n')) {
    if (text === '') continue;
    const parsed = parsedOrNull(text);
    const stub = hashed.safeParse(parsed);
    const line = whole.safeParse(parsed);
    if (stub.success) add(trail, stub.data.seq, { sha256: stub.data.sha256, line: null });
    else if (line.success) {
      add(trail, line.data.seq, { sha256: sha256(Buffer.from(text)), line: line.data as unknown as AuditLine });
    } else throw notOurs(key);
  }
}

function add(trail: CopiedTrail, seq: number, line: CopiedLine): void {
  const known = trail.lines.get(seq);
  if (known && known.sha256 !== line.sha256) trail.problems.push(`two copies of line ${seq} differ`);
  else if (!known?.line) trail.lines.set(seq, line);
}

/** @returns the line as it is, if it is about the cluster. */
function copyOf(line: Buffer, seq: number, cluster: string): string {
  const text = line.toString('utf8');
  const parsed = whole.safeParse(parsedOrNull(text));
  const isWhole = parsed.success && parsed.data['cluster'] === cluster && Buffer.from(text).equals(line);
  return isWhole ? text : JSON.stringify({ seq, sha256: sha256(line) });
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function directoryOf(cluster: string): string {
  return `${cluster}/trail/`;
}

function digits(seq: number): string {
  return String(seq).padStart(9, '0');
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function notOurs(key: string): DrError {
  return new DrError('CopyDamaged', `${key} is no copy of an audit trail: find out who wrote it.`);
}
