import type { Reach } from '../../contract/generation';

/**
 * Static roles of the engines that have them: database, LDAP, AWS. The storage path of an engine begins with the id of
 * its mount, in a namespace with that of the namespace.
 */
const STATIC_ROLE = /^(?:namespaces\/[^/]+\/)?logical\/[^/]+\/static-roles?\/./;
const UNFINISHED = /^(?:namespaces\/[^/]+\/)?logical\/[^/]+\/wal\/./;
/** A disabled device leaves its salt behind; the device table tells whether any is enabled. */
const AUDIT_DEVICE = /^(?:namespaces\/[^/]+\/)?audit\/[^/]+\/salt$/;
const AUDIT_TABLE = /^(?:namespaces\/[^/]+\/)?core\/(?:local-)?audit(?:\/.+)?$/;
/** An empty table has 90 bytes (Vault 1.21), one with a device about 260. */
const EMPTY_TABLE_BYTES = 120;
const PLUGIN = /^core\/plugin-catalog\/([\w.-]{1,100})\/([\w.-]{1,100})(?:\/|$)/;
const MOST_PLUGINS = 100;
/** Vault and OpenBao record each version that has run on the data. */
const VERSION = /^core\/versions\/(\d{1,4}\.\d{1,4}\.\d{1,4}[\w.+-]{0,40})$/;

/** Facts from the plaintext keys of a snapshot, in constant memory. */
export class SnapshotKeys {
  #staticRoles = 0;
  #unfinished = 0;
  #auditSalts = 0;
  #auditTables = 0;
  readonly #plugins = new Set<string>();
  #newestVersion: string | null = null;

  note(key: string, valueBytes: number): void {
    if (STATIC_ROLE.test(key)) this.#staticRoles++;
    else if (UNFINISHED.test(key)) this.#unfinished++;
    else if (AUDIT_DEVICE.test(key)) this.#auditSalts++;
    else if (AUDIT_TABLE.test(key) && valueBytes > EMPTY_TABLE_BYTES) this.#auditTables++;
    else this.#noteCatalogue(key);
  }

  reach(): Reach {
    return {
      staticRoles: this.#staticRoles,
      unfinished: this.#unfinished,
      auditDevices: this.#auditTables === 0 ? 0 : Math.max(this.#auditSalts, this.#auditTables),
      plugins: [...this.#plugins].toSorted(),
    };
  }

  /** The newest version that ever ran on this data; null if the snapshot does not say. */
  newestVersion(): string | null {
    return this.#newestVersion;
  }

  #noteCatalogue(key: string): void {
    const [, type, name] = PLUGIN.exec(key) ?? [];
    if (type !== undefined && name !== undefined && this.#plugins.size < MOST_PLUGINS) {
      this.#plugins.add(`${type}/${name}`);
    }
    const [, version] = VERSION.exec(key) ?? [];
    if (version === undefined) return;
    const newest = this.#newestVersion;
    if (newest === null || isNewer(version, newest)) this.#newestVersion = version;
  }
}

function isNewer(version: string, than: string): boolean {
  const [left, right] = [numbersOf(version), numbersOf(than)];
  const at = left.findIndex((number, index) => number !== right[index]);
  return at >= 0 && (left[at] ?? 0) > (right[at] ?? 0);
}

function numbersOf(version: string): number[] {
  return (version.split(/[^\d.]/)[0] ?? '').split('.').slice(0, 3).map(Number);
}
