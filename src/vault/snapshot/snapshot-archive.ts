import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { DrError } from '../../contract/failures';
import { ARCHIVE_FORMAT } from '../archive/format';
import { type ArchiveFormat, ArchiveVerifier, type Member as ArchiveMember } from './archive-verifier';
import type { FileDigest, RaftPeer, SealConfig } from '../../contract/generation';
import { INDISPENSABLE, type KeySummary, RECOVERY_CONFIG, SEAL_CONFIG, STORED_KEYS, WATCHED } from './key-tally';
import { checkSums, type Member, MEMBERS, parseMeta, parseSealConfig } from './snapshot-members';
import { StateReader } from './snapshot-state';

export interface SnapshotSummary extends KeySummary {
  /** The archive as it came, gzip and all. */
  archive: FileDigest;
  raft: { index: number; term: number; peers: RaftPeer[] };
  seal: SealConfig;
  /** Recovery keys of an auto-unseal cluster; they never unseal. */
  recoveryConfig: SealConfig | null;
  /** Which of the keys that an unseal may need are there; `core/keyring` and `core/seal-config` always are. */
  requiredKeys: string[];
}

/** For the members other than `state.bin`; the largest has some kilobytes. */
const MAX_SMALL_MEMBER_BYTES = 64 * 1024;
const USTAR_AT = 257;
const WITHOUT_GZIP = 'is an uncompressed tar, which no server accepts: compress it with `gzip FILE`';

const AGAIN =
  'Take the snapshot again. If the error persists, check the log of the leader and of any proxy in between.';
const UNUSABLE = "Don't use this archive; take the snapshot again, or choose another copy.";

type Contents = Omit<SnapshotSummary, 'archive'>;

const FORMAT: ArchiveFormat<Contents> = {
  subject: 'The snapshot',
  advice: { incomplete: AGAIN, corrupt: UNUSABLE },
  read: readMembers,
  isLast: (_header, count) => count === MEMBERS.length,
  notGzip: notAnArchive,
};

/**
 * Passes a Raft snapshot archive on unchanged and verifies it on the way: gzip to its very end, the tar members, the inner SHA-256
 * sums, every entry of `state.bin`. It can't check `SHA256SUMS.sealed`: only the seal can decrypt it.
 */
export class SnapshotVerifier extends ArchiveVerifier<Contents> {
  constructor() {
    super(FORMAT);
  }
}

async function readMembers(members: AsyncIterable<ArchiveMember>): Promise<Contents> {
  const small = new Map<Member, Buffer>();
  const state = new StateReader(WATCHED, [SEAL_CONFIG, RECOVERY_CONFIG]);
  const stateHash = createHash('sha256');
  const seen = new Set<Member>();

  for await (const { header, content } of members) {
    const member = memberOf(header);
    if (seen.has(member)) throw corrupt(`has ${member} twice`);
    seen.add(member);
    if (member === 'state.bin') {
      for await (const chunk of content) {
        stateHash.update(chunk);
        state.push(chunk);
      }
      state.end();
    } else {
      small.set(member, await readSmall(content, member, header.size));
    }
  }

  const missing = MEMBERS.find((member) => !seen.has(member));
  if (missing) throw incomplete(`has no ${missing}`);
  if (small.get('SHA256SUMS.sealed')?.length === 0) {
    throw incomplete('has an empty SHA256SUMS.sealed: Vault could not reach its seal');
  }
  const metaJson = small.get('meta.json') ?? Buffer.alloc(0);
  checkSums(String(small.get('SHA256SUMS')), {
    'meta.json': createHash('sha256').update(metaJson).digest('hex'),
    'state.bin': stateHash.digest('hex'),
  });
  return contentsOf(metaJson.toString('utf8'), state);
}

/**
 * Reads an archive for nothing but its summary.
 * @throws DrError SnapshotIncomplete | SnapshotCorrupt; errors of the source as they are.
 */
export async function readSnapshotArchive(source: AsyncIterable<Uint8Array>): Promise<SnapshotSummary> {
  const verifier = new SnapshotVerifier();
  await pipeline(source, verifier, new Writable({ write: (_chunk, _encoding, done) => done() }));
  return verifier.summary;
}

function contentsOf(metaJson: string, state: StateReader): Contents {
  const { stateBytes, ...raft } = parseMeta(metaJson);
  const { present } = state.tally;
  if (stateBytes !== state.sizeBytes) {
    throw corrupt(`has ${state.sizeBytes} bytes of state, its meta.json says ${stateBytes}`);
  }
  const lacking = INDISPENSABLE.find((key) => !present.has(key));
  if (lacking) throw corrupt(`has no ${lacking}, so a cluster restored from it could not be unsealed`);
  const recoveryConfig = state.valueOf(RECOVERY_CONFIG);
  const seal = parseSealConfig(String(state.valueOf(SEAL_CONFIG)), SEAL_CONFIG);
  if (seal.type !== 'shamir' && !present.has(STORED_KEYS)) {
    throw corrupt(`has no ${STORED_KEYS}, so its ${seal.type} seal could not unseal a cluster restored from it`);
  }
  return {
    raft,
    seal,
    recoveryConfig: recoveryConfig ? parseSealConfig(String(recoveryConfig), RECOVERY_CONFIG) : null,
    ...state.tally.summary(),
    requiredKeys: WATCHED.filter((key) => present.has(key)),
  };
}

function memberOf({ name, type, pax }: Header): Member {
  if ((pax as { comment?: unknown } | null)?.comment === ARCHIVE_FORMAT) {
    throw new DrError('SnapshotCorrupt', 'The archive is a copy of a data directory, not a Raft snapshot.', {
      advice: 'Restore it by the method that made it: filesystem.',
    });
  }
  const member = MEMBERS.find((item) => item === name);
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
function notAnArchive(head: Buffer): DrError {
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

function incomplete(what: string, cause?: unknown): DrError {
  return new DrError('SnapshotIncomplete', `The snapshot ${what}.`, { advice: AGAIN, cause });
}

function corrupt(what: string, cause?: unknown): DrError {
  return new DrError('SnapshotCorrupt', `The snapshot ${what}.`, { advice: UNUSABLE, cause });
}
