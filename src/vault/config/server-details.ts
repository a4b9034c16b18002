import { basename, isAbsolute } from 'node:path';
import type { Source } from './config-sources';
import type { HclValue } from './hcl';
import { type Block, blocksOf, innerBlocks, textIn, textOf, textOutside } from './hcl-blocks';
import { fromEnvironment, type ServerStart } from './server-start';
import { withoutUserinfo } from './vault-config';

/** A `retry_join` block, by which a blank node looks for a cluster. */
export interface RetryJoin {
  /** As configured; of `auto_join` only the provider, because the rest may contain credentials. */
  text: string;
  file: string;
  /** Null for `auto_join`: only its provider knows. */
  address: string | null;
}

export interface NamedFile {
  path: string;
  setting: string;
}

export function retryJoins(sources: readonly Source[]): RetryJoin[] {
  return sources.flatMap(({ file, body }) =>
    blocksOf([body], 'storage', 'backend')
      .flatMap((storage) => innerBlocks(storage, 'retry_join'))
      .flatMap((join) => targetsOf(join).map((target) => ({ ...target, file }))),
  );
}

function targetsOf(join: Block): Omit<RetryJoin, 'file'>[] {
  const [address, auto] = [textIn(join, 'leader_api_addr'), textIn(join, 'auto_join')];
  const provider = auto === null ? undefined : (/\bprovider=([\w-]+)/.exec(auto)?.[1] ?? 'unknown');
  return [
    ...(address ? [{ text: `leader_api_addr = "${withoutUserinfo(address)}"`, address }] : []),
    ...(provider === undefined ? [] : [{ text: `auto_join = "provider=${provider} …"`, address: null }]),
  ];
}

/** OpenBao: with it a blank server forms a cluster of its own. @returns the file; null if there is none */
export function initializeStanza(sources: readonly Source[]): string | null {
  return sources.find(({ body }) => body.items.some(({ key }) => key === 'initialize'))?.file ?? null;
}

/**
 * The address by which peers know it: the environment overrides the file (command/server.go).
 * @returns `host:port`; null if Vault works it out at its start, because it is missing or a template
 */
export function clusterAddressOf(sources: readonly Source[], start: ServerStart): string | null {
  const text = fromEnvironment(start, 'CLUSTER_ADDR') || textOutside(bodiesOf(sources), 'cluster_addr');
  if (!text || text.includes('{{') || !URL.canParse(text)) return null;
  const { hostname, port } = new URL(text);
  return hostname === '' ? null : `${hostname}:${port || '443'}`;
}

export function pluginDirectory(sources: readonly Source[]): string | null {
  return textOutside(bodiesOf(sources), 'plugin_directory') || null;
}

const LISTENER_FILES = ['tls_cert_file', 'tls_key_file', 'tls_client_ca_file'];
const SEAL_FILES = ['tls_ca_cert', 'tls_client_cert', 'tls_client_key'];
const SEAL_VALUES = ['token', 'current_key', 'previous_key'];

/** Files without which Vault does not start. */
export function neededFiles(sources: readonly Source[], start: ServerStart): NamedFile[] {
  const bodies = bodiesOf(sources);
  const licence = fromEnvironment(start, 'LICENSE_PATH') ?? textOutside(bodies, 'license_path');
  const listeners = blocksOf(bodies, 'listener').filter(
    (block) => textOf(block.settings.get('tls_disable')) !== 'true',
  );
  const named = [
    ...listeners.flatMap((block) => LISTENER_FILES.map((setting) => ({ setting, path: textIn(block, setting) }))),
    ...blocksOf(bodies, 'seal', 'kms').flatMap((block) => [
      ...SEAL_FILES.map((setting) => ({ setting, path: textIn(block, setting) })),
      ...SEAL_VALUES.map((setting) => ({ setting, path: pathInUrl(textIn(block, setting)) })),
    ]),
    { setting: 'license_path', path: licence },
  ];
  return named.flatMap(({ setting, path }) => (path && isAbsolute(path) ? [{ setting, path }] : []));
}

const CERTIFICATES = ['tls_cert_file', 'tls_client_ca_file', 'tls_ca_cert', 'tls_client_cert'];

/** Of those, the ones that hold certificates. */
export function certificateFiles(sources: readonly Source[], start: ServerStart): NamedFile[] {
  return neededFiles(sources, start).filter(({ setting }) => CERTIFICATES.includes(setting));
}

/** Vault creates them, or a new host does not need them. */
const NOT_CONFIGURATION = ['log_file', 'pid_file', 'path', 'plugin_directory', 'plugin_tmpdir', 'lib', 'file_path'];

/** The configuration files, and every absolute path in them that may be a file. */
export function namedPaths(sources: readonly Source[], start: ServerStart): NamedFile[] {
  const licence = fromEnvironment(start, 'LICENSE_PATH');
  const own = sources.map(({ file }) => ({ path: file, setting: '-config' }));
  const found = sources.flatMap(({ body }) => body.items.flatMap(({ key, value }) => pathsIn(key, value)));
  return [...own, ...found, ...(licence === null ? [] : [{ path: licence, setting: 'license_path' }])];
}

function pathsIn(setting: string, value: HclValue): NamedFile[] {
  if (NOT_CONFIGURATION.includes(setting)) return [];
  if (typeof value === 'string') {
    const path = pathInUrl(value) ?? value;
    return isAbsolute(path) && basename(path) !== '' ? [{ path, setting }] : [];
  }
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(setting, item));
  if (typeof value !== 'object' || value === null) return [];
  return value.items.flatMap((item) => pathsIn(item.key, item.value));
}

function pathInUrl(value: string | null): string | null {
  return value?.startsWith('file://') ? value.slice('file://'.length) : null;
}

function bodiesOf(sources: readonly Source[]) {
  return sources.map(({ body }) => body);
}
