import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { VaultConfig, VaultListener } from '../../contract/host';
import { type Listener, listenerOf } from '../reach/listener';
import { durationMs } from './go-duration';
import { type HclBody, type HclValue, isBody, parseHcl } from './hcl';

/** The configuration of a host's Vault server. */
export interface ServerConfig {
  /** May be shown and kept: it holds no secret. */
  facts: VaultConfig;
  /** Everything of the active seal's stanza, secrets and all; null without one. */
  seal: SealSettings | null;
  /** How clients get to it. */
  listeners: Listener[];
}

/** Settings of a seal that may be secret: they come out one by one, and neither in JSON nor in a log. */
export class SealSettings {
  readonly #values: ReadonlyMap<string, string>;

  constructor(
    readonly type: string,
    values: ReadonlyMap<string, string>,
  ) {
    this.#values = values;
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** Those that are known not to be secret. */
  shown(): Record<string, string> {
    return Object.fromEntries(SHOWN_SETTINGS.flatMap((name) => this.#entry(name)));
  }

  #entry(name: string): [string, string][] {
    const value = this.get(name);
    return value === undefined ? [] : [[name, withoutUserinfo(value)]];
  }
}

/**
 * What the seals of Vault 1.21 (internalshared/configutil/env_var_util.go and the wrappers of go-kms-wrapping) and OpenBao
 * are told that says which key they use. Whatever is not in this list is taken for a secret.
 */
const SHOWN_SETTINGS = [
  'address',
  'auth_type_api_key',
  'client_id',
  'crypto_endpoint',
  'crypto_key',
  'disable_renewal',
  'domain',
  'endpoint',
  'environment',
  'key_id',
  'key_label',
  'key_name',
  'key_ring',
  'kms_key_id',
  'lib',
  'management_endpoint',
  'mechanism',
  'mount_path',
  'namespace',
  'project',
  'region',
  'resource',
  'role_arn',
  'slot',
  'tenant_id',
  'tls_ca_cert',
  'tls_server_name',
  'tls_skip_verify',
  'token_label',
  'vault_name',
] as const;

/** A block of one of these makes a file a server's. */
const SERVER_KEYS = ['storage', 'backend', 'listener', 'seal', 'kms', 'disable_mlock', 'api_addr', 'cluster_addr'];
/** An agent and a proxy have listeners as well. */
const OTHER_KEYS = ['auto_auth', 'vault', 'template'];
/** Configuration is small; what is larger is something else. */
const MAX_FILE_BYTES = 1024 * 1024;

/** As `readServerConfig`, for whoever reports it. */
export async function readVaultConfig(configFiles: readonly string[]): Promise<VaultConfig | null> {
  return (await readServerConfig(configFiles))?.facts ?? null;
}

/**
 * Reads the `*.hcl` and `*.json` among the files, and directly in the directories, that look like a server's, and merges
 * them as Vault does (command/server/config.go, LoadConfigDir and Merge): the last storage counts, listeners and seals add
 * up. Of the seals the enabled one counts, of several the one that goes first.
 * @returns null when there is none. What can't be read or understood is among the `problems`.
 */
export async function readServerConfig(configFiles: readonly string[]): Promise<ServerConfig | null> {
  const problems: string[] = [];
  const bodies: HclBody[] = [];
  for (const file of await candidates(configFiles, problems)) {
    const body = await read(file, problems);
    if (body && isServer(body)) bodies.push(body);
  }
  if (bodies.length === 0 && problems.length === 0) return null;
  const seal = activeSeal(bodies);
  return {
    facts: {
      storage: storageOf(bodies),
      seal: seal && { type: seal.type, settings: seal.shown() },
      listeners: listenersOf(bodies),
      disableMlock: mlockOf(bodies),
      ...(allowsRootTokenByKeys(bodies) ? { rootTokenByKeys: true } : {}),
      problems,
    },
    seal,
    listeners: blocksOf(bodies, 'listener').map((block) =>
      listenerOf({
        type: block.type,
        text: (name) => textIn(block, name),
        flag: (name) => booleanIn(block, name),
      }),
    ),
  };
}

async function candidates(paths: readonly string[], problems: string[]): Promise<string[]> {
  const found = new Map<string, string>();
  for (const path of paths) {
    try {
      const inside = (await stat(path)).isDirectory()
        ? (await readdir(path)).toSorted().map((name) => join(path, name))
        : [path];
      for (const file of inside.filter((item) => isConfigName(basename(item)))) {
        if ((await stat(file)).isFile()) found.set(await realpath(file), file);
      }
    } catch (error) {
      problems.push(`${path} can't be read (${(error as NodeJS.ErrnoException).code ?? 'failed'})`);
    }
  }
  return [...found.values()];
}

/** Vault skips what editors leave behind. */
function isConfigName(name: string): boolean {
  return /\.(hcl|json)$/.test(name) && !name.startsWith('.#');
}

async function read(file: string, problems: string[]): Promise<HclBody | null> {
  try {
    if ((await stat(file)).size > MAX_FILE_BYTES) return null;
    return parseHcl(await readFile(file, 'utf8'));
  } catch (error) {
    const { code, name, message } = error as NodeJS.ErrnoException;
    problems.push(
      name === 'HclError' ? `${file} can't be understood: ${message}` : `${file} can't be read (${code ?? name})`,
    );
    return null;
  }
}

function isServer({ items }: HclBody): boolean {
  const keys = items.map(({ key }) => key);
  return keys.some((key) => SERVER_KEYS.includes(key)) && !keys.some((key) => OTHER_KEYS.includes(key));
}

interface Block {
  type: string;
  settings: ReadonlyMap<string, HclValue>;
}

/** `storage "raft" { … }`, and the JSON forms of it: `{"storage": {"raft": {…}}}`, with lists wherever one likes. */
function blocksOf(bodies: readonly HclBody[], ...names: string[]): Block[] {
  return bodies
    .flatMap(({ items }) => items)
    .filter(({ key }) => names.includes(key))
    .flatMap(({ key, labels, value }) => {
      const [type] = labels;
      if (type !== undefined) return bodiesIn(value).map((body) => ({ type, settings: settingsOf(body) }));
      const inner = bodiesIn(value).flatMap(({ items }) => items);
      const named = inner.filter((item) => bodiesIn(item.value).length > 0 && !isSetting(item.key));
      if (named.length === 0) return [{ type: key, settings: settingsOf({ items: inner }) }];
      return named.flatMap((item) =>
        bodiesIn(item.value).map((body) => ({ type: item.key, settings: settingsOf(body) })),
      );
    });
}

/** Settings that are objects themselves, in a block whose type is missing. */
function isSetting(key: string): boolean {
  return key === 'retry_join' || key === 'telemetry';
}

function bodiesIn(value: HclValue): HclBody[] {
  if (Array.isArray(value)) return value.flatMap(bodiesIn);
  return isBody(value) ? [value] : [];
}

function settingsOf({ items }: HclBody): ReadonlyMap<string, HclValue> {
  return new Map(items.map(({ key, value }) => [key, value]));
}

function storageOf(bodies: readonly HclBody[]): VaultConfig['storage'] {
  const block = blocksOf(bodies, 'storage', 'backend').at(-1);
  return block ? { type: block.type, path: textIn(block, 'path'), nodeId: textIn(block, 'node_id') } : null;
}

function activeSeal(bodies: readonly HclBody[]): SealSettings | null {
  const enabled = blocksOf(bodies, 'seal', 'kms').filter((block) => booleanIn(block, 'disabled') !== true);
  const priority = (block: Block): number => Number(textIn(block, 'priority') ?? 1);
  const [block] = enabled.toSorted((left, right) => priority(left) - priority(right));
  if (!block) return null;
  const texts = [...block.settings].map(([name, value]): [string, string | null] => [name, textOf(value)]);
  return new SealSettings(
    block.type.toLowerCase(),
    new Map(texts.filter((entry) => entry[1] !== null) as [string, string][]),
  );
}

function listenersOf(bodies: readonly HclBody[]): VaultListener[] {
  const attributes = bodies.flatMap(({ items }) => items).filter(({ key }) => key === 'default_max_request_duration');
  const byDefault = positive(Math.max(0, ...attributes.map(({ value }) => durationMs(value) ?? 0)));
  return blocksOf(bodies, 'listener').map((block) => ({
    type: block.type,
    address: textIn(block, 'address'),
    httpReadTimeoutMs: positive(durationMs(block.settings.get('http_read_timeout'))),
    maxRequestDurationMs: positive(durationMs(block.settings.get('max_request_duration'))) ?? byDefault,
  }));
}

/** Vault takes zero and less for "not set" (command/server.go). */
function positive(milliseconds: number | null): number | null {
  return milliseconds !== null && milliseconds > 0 ? milliseconds : null;
}

function mlockOf(bodies: readonly HclBody[]): boolean | null {
  const set = bodies
    .flatMap(({ items }) => items)
    .filter(({ key }) => key === 'disable_mlock')
    .map(({ value }) => booleanOf(value));
  return set.length === 0 ? null : set.includes(true);
}

/** Vault's own setting, from 2.0 on, and OpenBao's, from 2.5.3 on. */
function allowsRootTokenByKeys(bodies: readonly HclBody[]): boolean {
  const open = bodies
    .flatMap(({ items }) => items)
    .filter(({ key }) => key === 'enable_unauthenticated_access')
    .flatMap(({ value }) => (Array.isArray(value) ? value : [value]))
    .some((value) => textOf(value) === 'generate-root');
  const setting = 'disable_unauthed_generate_root_endpoints';
  return open || blocksOf(bodies, 'listener').some((block) => booleanIn(block, setting) === false);
}

function textIn({ settings }: Block, name: string): string | null {
  return textOf(settings.get(name));
}

function booleanIn({ settings }: Block, name: string): boolean | null {
  return booleanOf(settings.get(name));
}

function textOf(value: HclValue | undefined): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** As parseutil.ParseBool: what strconv.ParseBool takes, and numbers. */
function booleanOf(value: HclValue | undefined): boolean | null {
  const text = textOf(value)?.toLowerCase();
  if (text === 'true' || text === 't' || text === '1') return true;
  return text === 'false' || text === 'f' || text === '0' || text === '' ? false : null;
}

/** An address may hold a password. */
function withoutUserinfo(value: string): string {
  return value.replace(/\/\/[^/@\s]*@/, '//');
}
