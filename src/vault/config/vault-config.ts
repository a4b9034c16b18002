import type { VaultConfig, VaultListener } from '../../contract/host';
import { type Listener, listenerOf } from '../reach/listener';
import { readSources, type Source } from './config-sources';
import { durationMs } from './go-duration';
import type { HclBody } from './hcl';
import { type Block, blocksOf, booleanIn, booleanOf, textIn, textOf } from './hcl-blocks';
import { fromEnvironment, type ServerStart, UNKNOWN_START } from './server-start';

/** The configuration of a host's Vault server. */
export interface ServerConfig {
  /** Contains no secret: may be shown and stored. */
  facts: VaultConfig;
  /** The whole stanza of the active seal, including secrets; null without one. */
  seal: SealSettings | null;
  /** Its listeners. */
  listeners: Listener[];
  files: ConfigSources;
}

/** The sources, including secrets, and therefore neither in JSON nor in a log. */
export class ConfigSources {
  readonly #sources: readonly Source[];

  constructor(sources: readonly Source[]) {
    this.#sources = sources;
  }

  all(): readonly Source[] {
    return this.#sources;
  }
}

/** Settings of a seal that may be secret: read one by one, never in JSON or a log. */
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

  /** Settings known not to be secret. */
  shown(): Record<string, string> {
    return Object.fromEntries(SHOWN_SETTINGS.flatMap((name) => this.#entry(name)));
  }

  #entry(name: string): [string, string][] {
    const value = this.get(name);
    return value === undefined ? [] : [[name, withoutUserinfo(value)]];
  }
}

/**
 * Settings that the seals of Vault 1.21 (internalshared/configutil/env_var_util.go and the wrappers of go-kms-wrapping)
 * and OpenBao accept to select their key. Any other setting is treated as a secret.
 */
const SHOWN_SETTINGS = [
  'address',
  'auth_type_api_key',
  'client_id',
  'crypto_endpoint',
  'crypto_key',
  'current_key_id',
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
  'previous_key_id',
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

/**
 * Reads the configuration that Vault is started with, and merges it as Vault does (command/server/config.go, LoadConfigDir and
 * Merge): the last storage counts, listeners and seals add up, and the environment goes before all of it. Of the seals the
 * enabled one counts, of several the one that goes first.
 * @param replaced text by file that counts instead of what is in it: the configuration as it would be
 * @returns null when there is none. What can't be read or understood is among the `problems`.
 */
export async function readServerConfig(
  configFiles: readonly string[],
  start: ServerStart = UNKNOWN_START,
  replaced?: ReadonlyMap<string, string>,
): Promise<ServerConfig | null> {
  const { sources, problems } = await readSources(configFiles, start, replaced);
  if (sources.length === 0 && problems.length === 0) return null;
  const bodies = sources.map(({ body }) => body);
  const seal = activeSeal(bodies, fromEnvironment(start, 'SEAL_TYPE'));
  return {
    facts: {
      storage: storageOf(bodies, start),
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
    files: new ConfigSources(sources),
  };
}

/** The environment goes before the file: physical/raft/config.go. */
function storageOf(bodies: readonly HclBody[], start: ServerStart): VaultConfig['storage'] {
  const block = blocksOf(bodies, 'storage', 'backend').at(-1);
  if (!block) return null;
  const isRaft = block.type === 'raft';
  const outside = (name: 'RAFT_PATH' | 'RAFT_NODE_ID') => (isRaft ? fromEnvironment(start, name) : null);
  return {
    type: block.type,
    path: outside('RAFT_PATH') ?? textIn(block, 'path'),
    nodeId: outside('RAFT_NODE_ID') ?? (textIn(block, 'node_id') || null),
  };
}

/** The enabled seals, by priority. */
export function enabledSeals(bodies: readonly HclBody[]): Block[] {
  const enabled = blocksOf(bodies, 'seal', 'kms').filter((block) => booleanIn(block, 'disabled') !== true);
  const priority = (block: Block): number => Number(textIn(block, 'priority') ?? 1);
  return enabled.toSorted((left, right) => priority(left) - priority(right));
}

/** @param outside what the environment sets for the type of the first one, with or without a stanza */
function activeSeal(bodies: readonly HclBody[], outside: string | null): SealSettings | null {
  const [block] = enabledSeals(bodies);
  const type = outside ?? block?.type;
  if (type === undefined || type.toLowerCase() === 'shamir') return null;
  const texts = [...(block?.settings ?? [])].map(([name, value]): [string, string | null] => [name, textOf(value)]);
  return new SealSettings(
    type.toLowerCase(),
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

/** Vault treats zero and less as "not set" (command/server.go). */
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

/** An address may contain a password. */
export function withoutUserinfo(value: string): string {
  return value.replace(/\/\/[^/@\s]*@/, '//');
}
