import { lookup } from 'node:dns/promises';
import { access, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { HostedNode, NodeConfig } from '../../config/schema';
import type { JoinTarget, ServerDetails, VaultConfig } from '../../contract/host';
import {
  certificateFiles,
  clusterAddressOf,
  initializeStanza,
  namedPaths,
  neededFiles,
  pluginDirectory,
  type RetryJoin,
  retryJoins,
} from '../../vault/config/server-details';
import { certificateValidity } from '../../vault/reach/certificate-validity';
import { hashesIn } from './plugin-hashes';
import type { ServerStart } from '../../vault/config/server-start';
import { enabledSeals, type ServerConfig } from '../../vault/config/vault-config';
import { HIDDEN } from '../service/systemd-unit';

type Place = Pick<NodeConfig, 'name' | 'address' | 'clusterAddress' | 'localAddress'>;

const MAX_PLUGINS = 500;
const RESOLVE_WITHIN_MS = 3_000;

/** The configuration of this host's Vault, with facts that only this host can check. */
export async function serverFacts(
  server: ServerConfig,
  start: ServerStart,
  node: HostedNode,
  nodes: readonly Place[],
): Promise<VaultConfig> {
  const sources = server.files.all();
  const path = server.facts.storage?.path ?? null;
  const [ownDataDir, retryJoin, missing, plugins] = await Promise.all([
    path === null ? true : isSamePlace(path, node.dataDir),
    Promise.all(retryJoins(sources).map((join) => targetOf(join, nodes))),
    missingOf(neededFiles(sources, start)),
    pluginsIn(pluginDirectory(sources)),
  ]);
  const details: ServerDetails = {
    files: sources.map(({ file }) => file),
    unseen: [
      ...start.unknown,
      ...(start.environmentKnown || start.unknown.length > 0 ? [] : ['the environment of its Vault']),
    ],
    ownDataDir,
    clusterAddress: clusterAddressOf(sources, start),
    seals: enabledSeals(sources.map(({ body }) => body)).map(({ type }) => type.toLowerCase()),
    retryJoin,
    initialize: initializeStanza(sources),
    missing,
    plugins,
    certificates: certificateFiles(sources, start).map(({ setting, path }) => certificateValidity(setting, path)),
  };
  return { ...server.facts, server: details };
}

/** Existing files that the configuration names and that are not collected: a restored host would lack them. */
export async function leftOutFiles(server: ServerConfig, start: ServerStart, node: HostedNode): Promise<string[]> {
  const taken = await Promise.all(node.configFiles.map(realPlace));
  const found = new Map<string, string>();
  for (const { path, setting } of namedPaths(server.files.all(), start)) {
    const place = await realPlace(path);
    const isTaken = taken.some((root) => place === root || place.startsWith(`${root}${sep}`));
    if (!isTaken && (await isFile(path))) found.set(path, setting);
  }
  return [...found].map(
    ([path, setting]) => `${path}, named in Vault's configuration (${setting}), is not under configFiles`,
  );
}

/** Whether two paths mean the same place: also with a trailing slash, through a link, or if nothing exists there. */
export async function isSamePlace(left: string, right: string): Promise<boolean> {
  return (await realPlace(left)) === (await realPlace(right));
}

/** The path without links, as far as it exists. */
async function realPlace(path: string): Promise<string> {
  const whole = resolve(path);
  try {
    return await realpath(whole);
  } catch {
    const parent = dirname(whole);
    return parent === whole ? whole : join(await realPlace(parent), basename(whole));
  }
}

async function targetOf({ text, file, address }: RetryJoin, nodes: readonly Place[]): Promise<JoinTarget> {
  return { text, file, node: address === null ? null : await nodeAt(address, nodes) };
}

/** By address, otherwise by what both names resolve to here: a node may have several names. */
async function nodeAt(address: string, nodes: readonly Place[]): Promise<string | null> {
  const wanted = urlOf(address);
  if (wanted === null) return null;
  const same = nodes.find((node) => urlOf(node.address)?.origin === wanted.origin);
  if (same) return same.name;
  const places = await addressesOf(wanted.hostname);
  for (const node of nodes) {
    const urls = [node.address, ...(node.localAddress === undefined ? [] : [node.localAddress])].flatMap(
      (item) => urlOf(item) ?? [],
    );
    if (!urls.some((url) => portOf(url) === portOf(wanted))) continue;
    const hosts = [
      ...urls.map(({ hostname }) => hostname),
      node.clusterAddress.slice(0, node.clusterAddress.lastIndexOf(':')),
    ];
    const own = (await Promise.all(hosts.map(addressesOf))).flat();
    if (places.some((place) => own.includes(place))) return node.name;
  }
  return null;
}

function urlOf(address: string): URL | null {
  const whole = address.includes('://') ? address : `https://${address}`;
  return URL.canParse(whole) ? new URL(whole) : null;
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80');
}

async function addressesOf(host: string): Promise<string[]> {
  const late = new Promise<[]>((done) => setTimeout(done, RESOLVE_WITHIN_MS, []).unref());
  const found = lookup(host.replace(/^\[|\]$/g, ''), { all: true }).catch(() => []);
  return (await Promise.race([found, late])).map(({ address }) => address);
}

async function missingOf(files: readonly { path: string; setting: string }[]): Promise<ServerDetails['missing']> {
  const gone = await Promise.all(files.map(({ path }) => isMissing(path)));
  return files.filter((_file, index) => gone[index]);
}

/** Without permission this is unknown. If the agent's own unit may hide it, at least its directory must be visible. */
async function isMissing(path: string): Promise<boolean> {
  if (!(await isGone(path))) return false;
  return !HIDDEN.test(path) || !(await isGone(dirname(path)));
}

async function isGone(path: string): Promise<boolean> {
  return access(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT' || error.code === 'ENOTDIR',
  );
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}

async function pluginsIn(directory: string | null): Promise<ServerDetails['plugins']> {
  if (directory === null) return null;
  try {
    const names = await readdir(directory);
    return { directory, files: names.slice(0, MAX_PLUGINS), ...(await hashesIn(directory, names)) };
  } catch {
    return { directory, files: null };
  }
}
