import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { DrError, isDrError } from '../contract/failures';
import { syncDirectory } from '../files/files';
import { type AuditFinding, auditFindings } from './audit-findings';
import { type AuditLine, conflictOf, contentHash, type WitnessedRecord } from './audit-record';

export interface TrailReport {
  records: number;
  /** SHA-256 of the last line: stored elsewhere, it proves later that no lines were cut off the end. */
  head: string | null;
  /** SHA-256 of each line, in order. */
  hashes: string[];
  /** Empty if no line was changed, removed, inserted or moved. */
  problems: { line: number; problem: string }[];
  /** Contradictions between unchanged lines: forged and missing ones. */
  findings: AuditFinding[];
  /** What could be read, in order. */
  entries: AuditLine[];
}

/** `conflict`: its id is taken by a different record; both are kept. */
export type Appended = 'written' | 'already-there' | 'conflict';

const LINE_END = 0x0a;
const LOCK_TIMEOUT_MS = 30_000;

/**
 * Adds a record and returns once it is on disk. Safe with any number of writers on this host.
 * @throws DrError DiskFull (nothing was added), NotYet if another writer holds the file for too long, PermissionDenied.
 */
export async function appendRecord(file: string, record: WitnessedRecord): Promise<Appended> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await openLocked(file);
    try {
      return await appendLocked(handle, file, record);
    } finally {
      // Also releases the lock.
      await handle.close();
    }
  } catch (error) {
    throw toAuditError(error, file);
  }
}

/** The last line and the first; null for an empty trail. */
export async function trailHead(
  file: string,
): Promise<{ trail: string; seq: number; sha256: string; at: string } | null> {
  const { lines } = split(await readTrail(file));
  const [first, last] = [lines[0], lines.at(-1)];
  if (first === undefined || last === undefined) return null;
  return { trail: sha256(first), seq: lines.length, sha256: sha256(last), at: parseLine(last)?.at ?? '' };
}

/** The whole lines, without their ends; none for a file that isn't there. */
export async function readLines(file: string): Promise<Buffer[]> {
  return split(await readTrail(file)).lines;
}

/**
 * @param others lines of other controllers' trails
 * @throws DrError if the file can't be read; a file that isn't there is an empty trail.
 */
export async function verifyTrail(file: string, others: readonly AuditLine[] = []): Promise<TrailReport> {
  const { lines, tail } = split(await readTrail(file));
  const ids = new Set<string>();
  const problems = lines.flatMap((line, index) => {
    const problem = problemOf(line, index + 1, lines[index - 1], ids);
    return problem === null ? [] : [{ line: index + 1, problem }];
  });
  if (tail.length > 0) problems.push({ line: lines.length + 1, problem: 'is half written' });
  const hashes = lines.map((line) => sha256(line));
  const entries = lines.flatMap((line, index) => {
    const entry = parseLine(line);
    // By position: its own number may be wrong, which is reported separately.
    return entry === null ? [] : [{ ...entry, seq: index + 1 }];
  });
  return {
    records: lines.length,
    head: hashes.at(-1) ?? null,
    hashes,
    problems,
    findings: auditFindings(entries, others),
    entries,
  };
}

async function readTrail(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw toAuditError(error, file);
  }
}

function problemOf(line: Buffer, seq: number, previous: Buffer | undefined, ids: Set<string>): string | null {
  const entry = parseLine(line);
  if (entry === null) return 'is not a record';
  if (entry.prev !== hashOf(previous))
    return 'does not follow the line before it: one of the two was changed, removed or moved';
  if (entry.seq !== seq) return `has the number ${entry.seq} instead of ${seq}`;
  if (ids.has(entry.id)) return `repeats the record ${entry.id}`;
  ids.add(entry.id);
  return null;
}

async function appendLocked(handle: FileHandle, file: string, record: WitnessedRecord): Promise<Appended> {
  const { lines, tail } = split(await handle.readFile());
  const known = findRecord(lines, record.id);
  const conflict = known && contentHash(known) !== contentHash(record) ? conflictOf(known, record) : null;
  if (conflict === null && known) return 'already-there';
  if (conflict && findRecord(lines, conflict.id)) return 'conflict';
  if (tail.length > 0) lines.push(await setAside(handle, file, lines, tail, record));
  await appendLine(handle, lines, conflict ?? record);
  if (lines.length === 0) await syncDirectory(dirname(file));
  return conflict ? 'conflict' : 'written';
}

function findRecord(lines: readonly Buffer[], id: string): AuditLine | null {
  // Not parsed: there may be many lines.
  const written = JSON.stringify(id);
  for (const line of lines) {
    const entry = line.includes(written) ? parseLine(line) : null;
    if (entry?.id === id) return entry;
  }
  return null;
}

/** A line cut off by a crash or a full disk is kept as evidence in a separate file, which the chain names. */
async function setAside(
  handle: FileHandle,
  file: string,
  lines: Buffer[],
  tail: Buffer,
  { at, cluster, run }: WitnessedRecord,
): Promise<Buffer> {
  const digest = sha256(tail);
  const evidence = `${file}.torn-${digest.slice(0, 16)}`;
  await writeFile(evidence, tail, { mode: 0o600, flush: true });
  await syncDirectory(dirname(file));
  await handle.truncate((await handle.stat()).size - tail.length);
  return appendLine(handle, lines, {
    id: `torn-${digest}`,
    at,
    actor: 'vault-dr',
    action: 'audit.setAside',
    cluster,
    run,
    outcome: 'info',
    details: { file: basename(evidence), bytes: tail.length, sha256: digest },
  });
}

/** Writes the whole line or, as far as possible, nothing. */
async function appendLine(handle: FileHandle, lines: Buffer[], record: WitnessedRecord): Promise<Buffer> {
  const { id, at, actor, action, cluster, run, outcome, details, workflow, recordedAt } = record;
  const seq = lines.length + 1;
  const witness = { ...(workflow && { workflow }), ...(recordedAt !== undefined && { recordedAt }) };
  const prev = hashOf(lines.at(-1));
  const entry: AuditLine = { seq, at, id, actor, action, cluster, run, outcome, details, ...witness, prev };
  const line = Buffer.from(JSON.stringify(entry));
  const { size } = await handle.stat();
  try {
    await handle.writeFile(Buffer.concat([line, Buffer.of(LINE_END)]));
    await handle.sync();
    return line;
  } catch (error) {
    await handle.truncate(size).catch(() => undefined);
    throw error;
  }
}

/**
 * flock(2): the kernel gives the lock back at any kind of death, so there is no stale owner to check. Node can't call it;
 * flock(1) locks the open file that it inherits, and the lock stays with that open file when flock(1) has ended.
 */
async function openLocked(file: string): Promise<FileHandle> {
  const handle = await open(file, 'a+', 0o600);
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn('flock', ['-x', '3'], {
        stdio: ['ignore', 'ignore', 'ignore', handle.fd],
        timeout: LOCK_TIMEOUT_MS,
      });
      child.once('error', () => reject(noFlock()));
      child.once('close', (status) => (status === 0 ? resolve() : reject(heldByAnother(file))));
    });
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function split(content: Buffer): { lines: Buffer[]; tail: Buffer } {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = content.indexOf(LINE_END); end !== -1; end = content.indexOf(LINE_END, start)) {
    lines.push(content.subarray(start, end));
    start = end + 1;
  }
  return { lines, tail: content.subarray(start) };
}

function parseLine(line: Buffer): AuditLine | null {
  try {
    const parsed: unknown = JSON.parse(line.toString('utf8'));
    const isRecord = typeof parsed === 'object' && parsed !== null && 'id' in parsed && typeof parsed.id === 'string';
    return isRecord ? (parsed as AuditLine) : null;
  } catch {
    return null;
  }
}

function hashOf(line: Buffer | undefined): string | null {
  return line === undefined ? null : sha256(line);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function noFlock(): DrError {
  return new DrError('InvalidConfiguration', 'The audit trail needs the command flock, which is not there.', {
    advice: 'Install util-linux (or busybox) on this host.',
  });
}

function heldByAnother(file: string): DrError {
  return new DrError('NotYet', `Another process has held the audit trail ${file} for ${LOCK_TIMEOUT_MS / 1000} s.`, {
    where: file,
    advice: 'Look for a frozen vault-dr process on this host (`lslocks`) and end it.',
  });
}

function toAuditError(error: unknown, file: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (isDrError(error) || syscall === undefined) return error;
  const about = { where: file, cause: error };
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DrError('DiskFull', `There is no room for the audit trail ${file}.`, {
      ...about,
      advice: 'Make room there.',
    });
  }
  const failed = `The audit trail ${file} can't be used: ${syscall} failed with ${code}.`;
  return new DrError(code === 'EACCES' || code === 'EROFS' ? 'PermissionDenied' : 'Internal', failed, {
    ...about,
    advice: 'The user that vault-dr runs as must be able to read and write it; look at the disk, too.',
  });
}
