import type { KeyCount, LeaseCount, Reach } from '../../contract/generation';
import { SnapshotKeys } from './snapshot-keys';

export const SEAL_CONFIG = 'core/seal-config';
export const RECOVERY_CONFIG = 'core/recovery-config';
/** Without them nothing can be unsealed. */
export const INDISPENSABLE = ['core/keyring', SEAL_CONFIG];
export const STORED_KEYS = 'core/hsm/barrier-unseal-keys';
export const WATCHED = [...INDISPENSABLE, STORED_KEYS, 'core/shamir-kek'];

/** Prefixes, and mounts. What exceeds it is counted together, so that memory stays constant whatever the keys are. */
const MAX_PREFIXES = 1000;
export const OTHER_PREFIXES = '(other)';

/**
 * The first two segments, as `vault operator raft snapshot inspect` groups keys by default: `core/keyring`,
 * `logical/<uuid>`, `sys/policy`.
 */
export function prefixOf(key: string): string {
  const first = key.indexOf('/');
  const second = first < 0 ? -1 : key.indexOf('/', first + 1);
  return second < 0 ? key : key.slice(0, second);
}

/** Vault keeps a lease under its id (vault/expiration.go); the one of a mount in a namespace, behind that namespace's own view. */
const LEASE = /^(namespaces\/[^/]+\/)?sys\/expire\/id\/((?:auth\/)?[^/]+)/;

/** OpenBao: a namespace that is sealed by keys of its own has its seal's configuration behind its own view (encrypted). */
const OWN_SEAL = /^namespaces\/([\w-]{1,64})\/core\/seal-config$/;

/** The mount that gave the lease which is kept under this key; null when it is no lease. */
export function leaseMountOf(key: string): string | null {
  const [, namespace = '', mount] = LEASE.exec(key) ?? [];
  return mount === undefined ? null : namespace + mount;
}

/** What the storage of a Vault holds, by its plaintext keys. All counts in constant memory, whatever the keys are. */
export interface KeySummary {
  keys: KeyCount & { byPrefix: Record<string, KeyCount> };
  leases: LeaseCount;
  reach: Reach;
  /** The newest version that has ever run on this data; null where the keys do not say. */
  newestVersion: string | null;
  /** Ids of OpenBao's namespaces that are sealed by keys of their own. */
  ownSeals: string[];
}

/** Counts the keys of a Vault's storage, whatever the source. */
export class KeyTally {
  readonly #byPrefix = new Map<string, KeyCount>();
  readonly #leases = new Map<string, number>();
  readonly #facts = new SnapshotKeys();
  readonly #ownSeals: string[] = [];
  /** Watched keys that were found. */
  readonly present = new Set<string>();
  readonly #watched: ReadonlySet<string>;

  /** @param watched keys whose presence is recorded */
  constructor(watched: Iterable<string>) {
    this.#watched = new Set(watched);
  }

  note(key: string, valueBytes: number): void {
    if (this.#watched.has(key)) this.present.add(key);
    this.#facts.note(key, valueBytes);
    const [, namespace] = OWN_SEAL.exec(key) ?? [];
    if (namespace !== undefined && this.#ownSeals.length < MAX_PREFIXES) this.#ownSeals.push(namespace);
    const prefix = prefixOf(key);
    const name = roomFor(this.#byPrefix, prefix);
    const counted = this.#byPrefix.get(name) ?? { count: 0, bytes: 0 };
    counted.count += 1;
    counted.bytes += Buffer.byteLength(key) + valueBytes;
    this.#byPrefix.set(name, counted);
    const mount = leaseMountOf(key);
    if (mount === null) return;
    const lease = roomFor(this.#leases, mount);
    this.#leases.set(lease, (this.#leases.get(lease) ?? 0) + 1);
  }

  summary(): KeySummary {
    const total = { count: 0, bytes: 0 };
    for (const { count, bytes } of this.#byPrefix.values()) {
      total.count += count;
      total.bytes += bytes;
    }
    return {
      keys: { ...total, byPrefix: Object.fromEntries(this.#byPrefix) },
      leases: {
        total: [...this.#leases.values()].reduce((sum, count) => sum + count, 0),
        byMount: Object.fromEntries(this.#leases),
      },
      reach: this.#facts.reach(),
      newestVersion: this.#facts.newestVersion(),
      ownSeals: [...this.#ownSeals],
    };
  }
}

function roomFor(counts: ReadonlyMap<string, unknown>, name: string): string {
  return counts.has(name) || counts.size < MAX_PREFIXES ? name : OTHER_PREFIXES;
}
