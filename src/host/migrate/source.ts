import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MigrationReport } from '../../contract/host';
import type { MigrationSource } from '../../contract/method';
import { blocksOf, textOf } from '../../vault/config/hcl-blocks';
import type { ServerConfig } from '../../vault/config/vault-config';

/** Variables by which Vault's Consul storage finds and opens its Consul, besides its stanza. */
const CONSUL_VARIABLE = /^CONSUL_[A-Z_]+$/;

/**
 * The storage that a server uses now, as `vault operator migrate` needs it. Includes secrets, and is therefore neither in
 * JSON nor in a log.
 */
export class SourceStorage {
  readonly #settings: ReadonlyMap<string, string>;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(
    readonly type: MigrationSource,
    settings: ReadonlyMap<string, string>,
    environment: Readonly<Record<string, string>>,
  ) {
    this.#settings = settings;
    this.#environment = environment;
  }

  get(name: string): string | undefined {
    return this.#settings.get(name);
  }

  settings(): Record<string, string> {
    return Object.fromEntries(this.#settings);
  }

  environment(): Readonly<Record<string, string>> {
    return this.#environment;
  }

  /** The same with another directory. */
  at(path: string): SourceStorage {
    return new SourceStorage(this.type, new Map([...this.#settings, ['path', path]]), this.#environment);
  }

  /** A text without the secrets of this storage. */
  redacted(text: string): string {
    const secrets = [...this.#settings, ...Object.entries(this.#environment)]
      .filter(([name]) => /token|password|secret|auth|_pass/i.test(name))
      .map(([, value]) => value)
      .filter((value) => value.length > 3);
    return secrets.reduce((left, secret) => left.replaceAll(secret, '…'), text);
  }
}

/** @returns null if the configuration names no storage that can be migrated */
export function sourceStorage(
  server: ServerConfig | null,
  environment: Readonly<Record<string, string | undefined>>,
): SourceStorage | null {
  const block = blocksOf(server?.files.all().map(({ body }) => body) ?? [], 'storage', 'backend').at(-1);
  if (block?.type !== 'consul' && block?.type !== 'file') return null;
  const settings = [...block.settings].flatMap(([name, value]): [string, string][] => {
    const text = textOf(value);
    return text === null ? [] : [[name, text]];
  });
  const variables = Object.entries(environment).flatMap(([name, value]): [string, string][] =>
    value !== undefined && block.type === 'consul' && CONSUL_VARIABLE.test(name) ? [[name, value]] : [],
  );
  return new SourceStorage(block.type, new Map(settings), Object.fromEntries(variables));
}

/** Its public part. */
export function describeSource(
  server: ServerConfig | null,
  environment: Readonly<Record<string, string | undefined>>,
): MigrationReport['source'] {
  const source = sourceStorage(server, environment);
  const storage = server?.facts.storage;
  if (!source) return storage ? { type: storage.type, path: storage.path, token: 'none' } : null;
  const { CONSUL_HTTP_TOKEN: token, CONSUL_HTTP_TOKEN_FILE: tokenFile } = source.environment();
  return {
    type: source.type,
    path: source.get('path') ?? null,
    token: source.get('token') ? 'configuration' : (token ?? tokenFile) ? 'environment' : 'none',
  };
}

/** Keys of locks, meaningless elsewhere: `vault operator migrate` omits them. */
const NOT_COPIED = ['core/lock', 'core/_lock', 'core/migration', 'core/_migration'];

export function isCopied(key: string): boolean {
  return !NOT_COPIED.includes(key);
}

/** Number of keys in the directory of `storage "file"`: each is a file whose name begins with `_` (physical/file). */
export async function countFiles(
  directory: string,
  onCount: (keys: number) => void = () => undefined,
): Promise<number> {
  let count = 0;
  async function inside(path: string, prefix: string): Promise<void> {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isDirectory()) await inside(join(path, entry.name), `${prefix}${entry.name}/`);
      else if (entry.isFile() && entry.name.startsWith('_') && isCopied(`${prefix}${entry.name}`)) onCount(++count);
    }
  }
  await inside(directory, '');
  return count;
}
