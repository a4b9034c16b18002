import { createHash } from 'node:crypto';
import { Transform, type TransformCallback, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { DrError, isDrError } from '../../contract/failures';
import { Gunzip, GunzipError } from './gunzip';
import type { FileDigest, KeyCount, LeaseCount, RaftPeer, Reach, SealConfig } from '../../contract/generation';
import { checkSums, type Member, MEMBERS, parseMeta, parseSealConfig } from './snapshot-members';
import { StateReader } from './snapshot-state';

export interface SnapshotSummary {
  /** The archive as it came, gzip and all. */
  archive: FileDigest;
  raft: { index: number; term: number; peers: RaftPeer[] };
  seal: SealConfig;
  /** Recovery keys of an auto-unseal cluster; they never unseal. */
  recoveryConfig: SealConfig | null;
  keys: KeyCount & { byPrefix: Record<string, KeyCount> };
  leases: LeaseCount;
  reach: Reach;
  /** The newest version that has ever run on this data; null where the snapshot does not say. */
  newestVersion: string | null;
  /** Ids of OpenBao's namespaces that are sealed by keys of their own. */
  ownSeals: string[];
  /** Which of the keys that an unseal may need are there; `core/keyring` and `core/seal-config` always are. */
  requiredKeys: string[];
}

const SEAL_CONFIG = 'core/seal-config';
const RECOVERY_CONFIG = 'core/recovery-config';
/** Without them nothing can be unsealed. */
const INDISPENSABLE = ['core/keyring', SEAL_CONFIG];
const STORED_KEYS = 'core/hsm/barrier-unseal-keys';
const WATCHED = [...INDISPENSABLE, STORED_KEYS, 'core/shamir-kek'];

/** For the members other than `state.bin`; the largest has some kilobytes. */
const MAX_SMALL_MEMBER_BYTES = 64 * 1024;
const MAX_HEAD_BYTES = 1024;
const TAR_BLOCK = 512;
/** Zeros behind the tar's end; programs that write whole records leave at most some kilobytes. */
const MAX_PADDING_BYTES = 64 * 1024;
const GZIP_MAGIC = [0x1f, 0x8b];
const USTAR_AT = 257;
const WITHOUT_GZIP = 'is an uncompressed tar, which no server accepts: compress it with `gzip FILE`';

const AGAIN =
  'Take the snapshot again. If the error persists, check the log of the leader and of any proxy in between.';
const UNUSABLE = "Don't use this archive; take the snapshot again, or choose another copy.";

type Contents = Omit<SnapshotSummary, 'archive'>;

/**
 * Passes a Raft snapshot archive on unchanged and verifies it on the way, in constant memory: gzip to its very end, the
 * tar members, the inner SHA-256 sums, every entry of `state.bin`. Bytes are passed on before all is verified, so the
 * receiver must drop them when the stream fails. It can't check `SHA256SUMS.sealed`: only the seal can decrypt it.
 *
 * Fails with DrError SnapshotIncomplete (cut) or SnapshotCorrupt (wrong bytes).
 */
export class SnapshotVerifier extends Transform {
  readonly #hash = createHash('sha256');
  readonly #gunzip = new Gunzip();
  readonly #tar = extract();
  readonly #contents: Promise<Contents>;
  #sizeBytes = 0;
  #inflatedBytes = 0;
  #membersEnd = 0;
  #membersRead = 0;
  #head: Buffer = Buffer.alloc(0);
  #summary: SnapshotSummary | undefined;

  constructor() {
    super();
    this.#contents = this.#read();
    this.#contents.catch((error: unknown) => this.destroy(error as DrError));
  }

  /** The contents of the archive; null until the stream has ended successfully. */
  get summary(): SnapshotSummary {
    if (this.#summary) return this.#summary;
    throw new DrError('Internal', 'The summary of a snapshot was requested before the snapshot was verified.');
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
    if (this.#head.length < MAX_HEAD_BYTES) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, MAX_HEAD_BYTES - this.#head.length)]);
    }
    if (!this.#startsAsGzip()) {
      // Read on, so that an error of Vault's can be shown in full.
      done(this.#head.length < MAX_HEAD_BYTES ? null : notAnArchive(this.#head), chunk);
      return;
    }
    // Called back when the reader has taken it all: that is the back-pressure. On an error the whole stream is destroyed.
    this.#gunzip.write(chunk, (error) => {
      if (!error) done(null, chunk);
    });
  }

  override _flush(done: TransformCallback): void {
    if (this.#sizeBytes === 0) {
      done(new DrError('SnapshotIncomplete', 'The snapshot is empty: no data was received.', { advice: AGAIN }));
      return;
    }
    if (!this.#startsAsGzip()) {
      done(notAnArchive(this.#head));
      return;
    }
    this.#gunzip.end();
    this.#contents.then(
      (contents) => {
        const archive = { sha256: this.#hash.digest('hex'), sizeBytes: this.#sizeBytes };
        this.#summary = { archive, ...contents };
        done();
      },
      () => undefined,
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#gunzip.destroy();
    this.#tar.destroy();
    done(error);
  }

  #startsAsGzip(): boolean {
    return GZIP_MAGIC.every((byte, index) => index >= this.#head.length || this.#head[index] === byte);
  }

  async #read(): Promise<Contents> {
    const results = await Promise.allSettled([
      this.#readMembers(),
      pipeline(this.#gunzip, (source: AsyncIterable<Buffer>) => this.#countInflated(source), this.#tar),
    ]);
    const [contents] = results;
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (contents.status === 'rejected' || reasons.length > 0) throw this.#explain(reasons);
    this.#checkEnd();
    return contents.value;
  }

  async *#countInflated(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      this.#inflatedBytes += chunk.length;
      if (this.#membersRead === MEMBERS.length && this.#inflatedBytes > this.#membersEnd + MAX_PADDING_BYTES) {
        throw trailing();
      }
      yield chunk;
    }
  }

  async #readMembers(): Promise<Contents> {
    const small = new Map<Member, Buffer>();
    const state = new StateReader(WATCHED, [SEAL_CONFIG, RECOVERY_CONFIG]);
    const stateHash = createHash('sha256');
    const seen = new Set<Member>();

    for await (const entry of this.#tar) {
      const { header, offset } = entry;
      const content = entry as AsyncIterable<Buffer>;
      const member = memberOf(header);
      if (seen.has(member)) throw corrupt(`has ${member} twice`);
      seen.add(member);
      this.#membersRead = seen.size;
      this.#membersEnd = offset + TAR_BLOCK + Math.ceil(header.size / TAR_BLOCK) * TAR_BLOCK;
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

  /** The tar reader takes a tar without its end for one. */
  #checkEnd(): void {
    if (this.#inflatedBytes < this.#membersEnd + 2 * TAR_BLOCK)
      throw incomplete('is truncated before the end of its tar');
  }

  #explain(reasons: readonly unknown[]): DrError {
    const known = reasons.find(isDrError);
    if (known) return known;
    const [cause] = reasons;
    switch (reasons.find((reason) => reason instanceof GunzipError)?.kind) {
      case 'cut':
        return incomplete(`is truncated after ${this.#sizeBytes} bytes`, cause);
      case 'damaged':
        return corrupt('has a damaged gzip stream', cause);
      case 'trailing':
        return trailing();
      default:
    }
    // tar-stream's errors have no code; where the bytes ended tells a cut from damage.
    const cutInside = this.#membersEnd > this.#inflatedBytes || this.#inflatedBytes % TAR_BLOCK !== 0;
    if (this.#gunzip.readableEnded && cutInside) return incomplete('is truncated inside its tar', cause);
    return corrupt('has a damaged tar', cause);
  }
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
  if (stateBytes !== state.sizeBytes) {
    throw corrupt(`has ${state.sizeBytes} bytes of state, its meta.json says ${stateBytes}`);
  }
  const lacking = INDISPENSABLE.find((key) => !state.present.has(key));
  if (lacking) throw corrupt(`has no ${lacking}, so a cluster restored from it could not be unsealed`);
  const recoveryConfig = state.valueOf(RECOVERY_CONFIG);
  const seal = parseSealConfig(String(state.valueOf(SEAL_CONFIG)), SEAL_CONFIG);
  if (seal.type !== 'shamir' && !state.present.has(STORED_KEYS)) {
    throw corrupt(`has no ${STORED_KEYS}, so its ${seal.type} seal could not unseal a cluster restored from it`);
  }
  return {
    raft,
    seal,
    recoveryConfig: recoveryConfig ? parseSealConfig(String(recoveryConfig), RECOVERY_CONFIG) : null,
    keys: { ...state.total(), byPrefix: Object.fromEntries(state.byPrefix) },
    leases: state.leases(),
    reach: state.keys.reach(),
    newestVersion: state.keys.newestVersion(),
    ownSeals: state.ownSeals,
    requiredKeys: WATCHED.filter((key) => state.present.has(key)),
  };
}

function memberOf({ name, type }: Header): Member {
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

function trailing(): DrError {
  return new DrError('SnapshotCorrupt', 'The snapshot has trailing data.', {
    advice:
      'The archive before it is complete; something was appended, such as a line end during a copy. Choose another copy, or take the snapshot again.',
  });
}

function incomplete(what: string, cause?: unknown): DrError {
  return new DrError('SnapshotIncomplete', `The snapshot ${what}.`, { advice: AGAIN, cause });
}

function corrupt(what: string, cause?: unknown): DrError {
  return new DrError('SnapshotCorrupt', `The snapshot ${what}.`, { advice: UNUSABLE, cause });
}
