import { createHash } from 'node:crypto';
import type { Header } from 'tar-stream';
import { DrError } from '../../contract/failures';
import type { SealConfig } from '../../contract/generation';
import { ARCHIVE_FORMAT } from '../archive/format';
import type { Member as ArchiveMember } from './archive-verifier';
import { INDISPENSABLE, type KeyTally, RECOVERY_CONFIG, SEAL_CONFIG, STORED_KEYS, WATCHED } from './key-tally';
import { checkSums, type Member, parseMeta, parseSealConfig, type RaftMeta } from './snapshot-members';

/** For members other than `state.bin`; the largest has a few kilobytes. */
const MAX_SMALL_MEMBER_BYTES = 64 * 1024;
const USTAR_AT = 257;
const WITHOUT_GZIP = 'is an uncompressed tar, which no server accepts: compress it with `gzip FILE`';

export const AGAIN =
  'Take the snapshot again. If the error persists, check the log of the leader and of any proxy in between.';
export const UNUSABLE = "Don't use this archive; take the snapshot again, or choose another copy.";

/** Consumes the bytes of `state.bin`. */
export interface StateSink {
  push(chunk: Buffer): void;
  end(): void;
  /** Bytes taken so far. */
  readonly sizeBytes: number;
}

/** Whose snapshot is expected. */
export interface SnapshotKind {
  /** As a sentence names it: `a Raft snapshot`. */
  is: string;
  members: readonly Member[];
  /** Receives the first bytes of `state.bin`, or all if there are fewer. @throws DrError for another kind of snapshot. */
  checkState: (head: Buffer) => void;
}

/** The first bytes of `state.bin` tell whose it is. */
const STATE_HEAD_BYTES = 16;

/**
 * Reads the members of a snapshot of Raft, Vault's own or Consul's, and compares their sums.
 * @throws DrError SnapshotIncomplete | SnapshotCorrupt
 */
export async function readParts(
  members: AsyncIterable<ArchiveMember>,
  state: StateSink,
  kind: SnapshotKind,
): Promise<RaftMeta> {
  const small = new Map<Member, Buffer>();
  const stateHash = createHash('sha256');
  const seen = new Set<Member>();

  for await (const { header, content } of members) {
    const member = memberOf(header, kind);
    if (seen.has(member)) throw corrupt(`has ${member} twice`);
    seen.add(member);
    if (member === 'state.bin') {
      for await (const chunk of checkedHead(content, kind.checkState)) {
        stateHash.update(chunk);
        state.push(chunk);
      }
      state.end();
    } else {
      small.set(member, await readSmall(content, member, header.size));
    }
  }

  const missing = kind.members.find((member) => !seen.has(member));
  if (missing) throw incomplete(`has no ${missing}`);
  if (small.get('SHA256SUMS.sealed')?.length === 0) {
    throw incomplete('has an empty SHA256SUMS.sealed: Vault could not reach its seal');
  }
  const metaJson = small.get('meta.json') ?? Buffer.alloc(0);
  checkSums(String(small.get('SHA256SUMS')), {
    'meta.json': createHash('sha256').update(metaJson).digest('hex'),
    'state.bin': stateHash.digest('hex'),
  });
  const meta = parseMeta(metaJson.toString('utf8'));
  if (meta.stateBytes !== state.sizeBytes) {
    throw corrupt(`has ${state.sizeBytes} bytes of state, its meta.json says ${meta.stateBytes}`);
  }
  return meta;
}

async function* checkedHead(content: AsyncIterable<Buffer>, check: (head: Buffer) => void): AsyncGenerator<Buffer> {
  let held: Buffer | null = Buffer.alloc(0);
  for await (const chunk of content) {
    if (held === null) {
      yield chunk;
      continue;
    }
    held = Buffer.concat([held, chunk]);
    if (held.length < STATE_HEAD_BYTES) continue;
    check(held.subarray(0, STATE_HEAD_BYTES));
    yield held;
    held = null;
  }
  if (held === null || held.length === 0) return;
  check(held);
  yield held;
}

export interface Unseal {
  seal: SealConfig;
  /** Recovery keys of an auto-unseal cluster; they never unseal. */
  recoveryConfig: SealConfig | null;
  /** Which of the keys that an unseal may need are there; `core/keyring` and `core/seal-config` always are. */
  requiredKeys: string[];
}

/**
 * What an unseal of this data takes.
 * @param valueOf of the seal configuration and the recovery configuration, which are plaintext
 * @throws DrError SnapshotCorrupt when no unseal can succeed.
 */
export function unsealOf({ present }: KeyTally, valueOf: (key: string) => Buffer | undefined): Unseal {
  const lacking = INDISPENSABLE.find((key) => !present.has(key));
  if (lacking) throw corrupt(`has no ${lacking}, so a cluster restored from it could not be unsealed`);
  const recoveryConfig = valueOf(RECOVERY_CONFIG);
  const seal = parseSealConfig(String(valueOf(SEAL_CONFIG)), SEAL_CONFIG);
  if (seal.type !== 'shamir' && !present.has(STORED_KEYS)) {
    throw corrupt(`has no ${STORED_KEYS}, so its ${seal.type} seal could not unseal a cluster restored from it`);
  }
  return {
    seal,
    recoveryConfig: recoveryConfig ? parseSealConfig(String(recoveryConfig), RECOVERY_CONFIG) : null,
    requiredKeys: WATCHED.filter((key) => present.has(key)),
  };
}

function memberOf({ name, type, pax }: Header, kind: SnapshotKind): Member {
  if ((pax as { comment?: unknown } | null)?.comment === ARCHIVE_FORMAT) {
    throw new DrError('SnapshotCorrupt', `The archive is a copy of a data directory, not ${kind.is}.`, {
      advice: 'Restore it by the method that made it: filesystem.',
    });
  }
  const member = kind.members.find((item) => item === name);
  if (!member) throw corrupt(`has an unknown member ${JSON.stringify(name.slice(0, 60))}`);
  if (type !== 'file') throw corrupt(`has a ${member} that is not a file`);
  return member;
}

async function readSmall(content: AsyncIterable<Buffer>, member: Member, size: number): Promise<Buffer> {
  if (size > MAX_SMALL_MEMBER_BYTES) throw corrupt(`has a ${member} of ${size} bytes`);
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Shows what came instead only if it is an error of Vault's: anything else may be secret. */
export function notAnArchive(head: Buffer): DrError {
  const errors = vaultErrors(head.toString('utf8'));
  return errors === null
    ? corrupt(head.toString('latin1', USTAR_AT, USTAR_AT + 5) === 'ustar' ? WITHOUT_GZIP : 'is not a gzip archive')
    : new DrError('SnapshotCorrupt', `Vault sent an error instead of a snapshot: ${errors}.`, { advice: AGAIN });
}

function vaultErrors(text: string): string | null {
  try {
    const { errors } = JSON.parse(text) as { errors?: unknown };
    const shown = Array.isArray(errors) ? errors.join('; ').replace(/\s+/g, ' ').trim() : '';
    return /^[\x20-\x7e]+$/.test(shown) ? shown.slice(0, 300) : null;
  } catch {
    return null;
  }
}

export function incomplete(what: string, cause?: unknown): DrError {
  return new DrError('SnapshotIncomplete', `The snapshot ${what}.`, { advice: AGAIN, cause });
}

export function corrupt(what: string, cause?: unknown): DrError {
  return new DrError('SnapshotCorrupt', `The snapshot ${what}.`, { advice: UNUSABLE, cause });
}
