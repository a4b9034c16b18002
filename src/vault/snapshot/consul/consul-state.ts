import { DrError } from '../../../contract/failures';
import type { KeyCount } from '../../../contract/generation';
import { KeyTally, OTHER_PREFIXES, RECOVERY_CONFIG, SEAL_CONFIG, WATCHED } from '../key-tally';
import { type Found, type Measured, MsgpackError, MsgpackWalk, type Wish } from '../msgpack-walk';

/** The record types of Consul that matter here, by type byte (agent/structs, MessageType); types are only ever added. */
const TYPES = {
  registration: 0,
  kv: 2,
  session: 3,
  preparedQuery: 7,
  legacyIntention: 12,
  connectRoot: 13,
  token: 17,
  policy: 19,
  configEntry: 22,
  role: 23,
  bindingRule: 25,
  authMethod: 27,
  peering: 35,
} as const;
/** Types from here on are Enterprise's; the community edition restores no snapshot that contains one. */
const FIRST_ENTERPRISE_TYPE = 64;
/** Each is one byte, and no MessagePack. */
const LAST_TYPE = 127;

const WISHES: Readonly<Record<number, Wish>> = {
  [TYPES.registration]: { Service: { Service: 'scalar' }, Check: {} },
  [TYPES.kv]: { Key: 'scalar', Value: 'both', Session: 'scalar' },
  [TYPES.connectRoot]: { ID: 'scalar', Active: 'scalar' },
  [TYPES.token]: { AccessorID: 'scalar' },
  [TYPES.configEntry]: 'both',
};

/** Only counted. */
const COUNTED: Readonly<Record<number, string>> = {
  [TYPES.session]: 'sessions',
  [TYPES.preparedQuery]: 'preparedQueries',
  [TYPES.legacyIntention]: 'intentions',
  [TYPES.connectRoot]: 'connectRoots',
  [TYPES.token]: 'aclTokens',
  [TYPES.policy]: 'aclPolicies',
  [TYPES.role]: 'aclRoles',
  [TYPES.bindingRule]: 'aclBindingRules',
  [TYPES.authMethod]: 'aclAuthMethods',
  [TYPES.peering]: 'peerings',
};

/** The service of Consul's own servers. */
const OWN_SERVICE = 'consul';
const INTENTIONS = 'service-intentions';
const HA_LOCK = 'core/lock';
const KEYRING = 'core/keyring';
/** Names of services, and first segments of keys. */
const MAX_NAMES = 100;
const MAX_VAULTS = 5;
/** Characters of ordinary names; anything else is counted but not shown. */
const NAME = /^[\w.:@-]{1,100}$/;

export interface ConsulContents {
  /** Vault's HA lock below its prefix: who holds it is the active Vault; `free` has the key, and no session that holds it. */
  lock: 'none' | 'free' | 'held';
  /** Everything else by kind, including Consul's own: nodes, the anonymous token, built-in policies, the Connect root. */
  others: Record<string, number>;
  /** Keys outside of Vault's prefix by first segment; `(other)` if there are too many, or it is not an ordinary name. */
  elsewhere: Record<string, KeyCount>;
  /** Instances by service name, except Consul's own. */
  services: Record<string, number>;
  /** Fingerprint of Connect's signing certificate. */
  connectRoot: string | null;
  /** Those of the requested ACL tokens that it contains. */
  accessors: string[];
}

export interface ConsulQuestion {
  /** `path` of Vault's storage, with a slash at the end. */
  prefix: string;
  /** Accessor ids of the ACL tokens to look for. */
  accessors?: readonly string[];
}

/**
 * Walks a `state.bin` of Consul: a header map, then records, each a type byte and a MessagePack value. Accepts chunks that
 * end anywhere; keeps only those of Vault's values that are plaintext and needed.
 */
export class ConsulStateReader {
  readonly tally = new KeyTally(WATCHED);
  readonly #prefix: string;
  readonly #accessors: ReadonlySet<string>;
  readonly #found = new Set<string>();
  readonly #values = new Map<string, Buffer>();
  readonly #others = new Map<string, number>();
  readonly #elsewhere = new Map<string, KeyCount>();
  readonly #services = new Map<string, number>();
  /** Other prefixes that look like a Vault's. */
  readonly #vaults: string[] = [];
  #lock: ConsulContents['lock'] = 'none';
  #connectRoot: string | null = null;
  #betweenRecords = false;
  readonly #bytes = new MsgpackWalk();
  readonly #walk: Generator<void, never, void>;

  constructor({ prefix, accessors = [] }: ConsulQuestion) {
    this.#prefix = prefix;
    this.#accessors = new Set(accessors);
    this.#walk = this.#records();
    this.#walk.next();
  }

  /** Bytes taken so far. */
  get sizeBytes(): number {
    return this.#bytes.position;
  }

  /** @throws DrError SnapshotCorrupt */
  push(chunk: Buffer): void {
    this.#bytes.feed(chunk);
    try {
      this.#walk.next();
    } catch (error) {
      throw error instanceof MsgpackError ? this.#corrupt(error.message) : error;
    }
  }

  /** @throws DrError SnapshotIncomplete when the last record is cut. */
  end(): void {
    if (this.#betweenRecords) return;
    throw new DrError(
      'SnapshotIncomplete',
      `The snapshot's state.bin ends inside a record (at byte ${this.sizeBytes}).`,
    );
  }

  valueOf(key: string): Buffer | undefined {
    return this.#values.get(key);
  }

  contents(): ConsulContents {
    return {
      lock: this.#lock,
      others: Object.fromEntries(this.#others),
      elsewhere: Object.fromEntries(this.#elsewhere),
      services: Object.fromEntries(this.#services),
      connectRoot: this.#connectRoot,
      accessors: [...this.#found],
    };
  }

  /** Other prefixes that have a Vault's keyring below them. */
  otherVaults(): string[] {
    return [...this.#vaults];
  }

  *#records(): Generator<void, never, void> {
    const header = mapOf(yield* this.#bytes.value({ LastIndex: 'scalar' }));
    if (typeof header['LastIndex'] !== 'number') throw this.#corrupt("does not begin with Consul's header");
    for (;;) {
      this.#betweenRecords = true;
      const type = yield* this.#bytes.byte();
      this.#betweenRecords = false;
      if (type > LAST_TYPE) throw this.#corrupt(`has a record of the unknown type ${type}`);
      this.#note(type, yield* this.#bytes.value(WISHES[type]));
    }
  }

  #note(type: number, record: Found): void {
    if (type >= FIRST_ENTERPRISE_TYPE) this.#count('enterprise');
    const kind = COUNTED[type];
    if (kind !== undefined) this.#count(kind);
    if (type === TYPES.kv) this.#noteKey(mapOf(record));
    else if (type === TYPES.registration) this.#noteRegistration(mapOf(record));
    else if (type === TYPES.token) this.#noteToken(mapOf(record));
    else if (type === TYPES.connectRoot) this.#noteRoot(mapOf(record));
    else if (type === TYPES.configEntry) this.#count(isIntentions(record) ? 'intentions' : 'configEntries');
  }

  #noteKey({ Key: key, Value: value, Session: session }: Record<string, Found>): void {
    if (typeof key !== 'string') throw this.#corrupt('has a key that is no text, or too long');
    const { bytes, value: kept } = measured(value);
    if (!key.startsWith(this.#prefix)) {
      this.#noteElsewhere(key, bytes);
      return;
    }
    const own = key.slice(this.#prefix.length);
    this.tally.note(own, bytes);
    if (own === SEAL_CONFIG || own === RECOVERY_CONFIG) {
      if (kept === null) throw this.#corrupt(`has ${bytes} bytes under ${own}`);
      // A copy: the bytes may be a slice of a large chunk.
      this.#values.set(own, Buffer.from(kept));
    }
    if (own === HA_LOCK) this.#lock = typeof session === 'string' && session !== '' ? 'held' : 'free';
  }

  #noteElsewhere(key: string, bytes: number): void {
    this.#count('kv');
    const name = roomFor(this.#elsewhere, key.split('/', 1)[0] ?? '');
    const counted = this.#elsewhere.get(name) ?? { count: 0, bytes: 0 };
    counted.count += 1;
    counted.bytes += Buffer.byteLength(key) + bytes;
    this.#elsewhere.set(name, counted);
    if (!key.endsWith(`/${KEYRING}`) || this.#vaults.length === MAX_VAULTS) return;
    const vault = key.slice(0, -KEYRING.length);
    if (/^[\w./-]{1,100}$/.test(vault)) this.#vaults.push(vault);
  }

  /** One record registers a node, and one each of its services and checks. */
  #noteRegistration({ Service: service, Check: check }: Record<string, Found>): void {
    if (service === null && check === null) this.#count('nodes');
    const { Service: name } = mapOf(service);
    if (typeof name !== 'string' || name === OWN_SERVICE) return;
    this.#count('services');
    const known = roomFor(this.#services, name);
    this.#services.set(known, (this.#services.get(known) ?? 0) + 1);
  }

  #noteToken({ AccessorID: accessor }: Record<string, Found>): void {
    if (typeof accessor === 'string' && this.#accessors.has(accessor)) this.#found.add(accessor);
  }

  #noteRoot({ ID: id, Active: active }: Record<string, Found>): void {
    if (active === true && typeof id === 'string' && NAME.test(id)) this.#connectRoot = id;
  }

  #count(kind: string): void {
    this.#others.set(kind, (this.#others.get(kind) ?? 0) + 1);
  }

  #corrupt(what: string): DrError {
    return new DrError('SnapshotCorrupt', `The snapshot's state.bin ${what} (near byte ${this.sizeBytes}).`);
  }
}

function mapOf(found: Found): Record<string, Found> {
  return typeof found === 'object' && found !== null ? (found as Record<string, Found>) : {};
}

/** Nothing for nil. */
function measured(found: Found): Measured {
  const { bytes, value } = mapOf(found) as Partial<Measured>;
  return typeof bytes === 'number' ? { bytes, value: value ?? null } : { bytes: 0, value: Buffer.alloc(0) };
}

/** A configuration entry is a byte string that begins with its kind (agent/structs, ConfigEntryRequest.MarshalBinary). */
function isIntentions(record: Found): boolean {
  const { value } = measured(record);
  if (value === null || value.length === 0) return false;
  const entry = new MsgpackWalk();
  entry.feed(value);
  try {
    return entry.value('scalar').next().value === INTENTIONS;
  } catch {
    return false;
  }
}

function roomFor(counts: ReadonlyMap<string, unknown>, name: string): string {
  return counts.has(name) || (counts.size < MAX_NAMES && NAME.test(name)) ? name : OTHER_PREFIXES;
}
