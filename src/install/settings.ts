import { dirname } from 'node:path';
import {
  type NeededSecret,
  secretsOfChannels,
  secretsOfController,
  secretsOfSandbox,
  secretsOfWeb,
} from '../config/needed-secrets';
import type { Config, NodeConfig } from '../config/schema';
import { PACKAGED, type Part, type UnitSettings } from './units';

const STATE_DIR = '/var/lib/vault-dr';
const RUNTIME_DIR = '/run/vault-dr';
const SANDBOX_RUNTIME_DIR = '/run/vault-dr-sandbox';

export interface Host {
  /** Words of the command that runs vault-dr. */
  program: readonly string[];
  /** Default: that of the package. */
  user?: string | undefined;
  /** Whether a credential lies on this host encrypted. */
  isEncrypted?: (credential: string) => boolean;
}

/** What the unit of a controller needs; null for a configuration that is not there yet. */
export function controllerSettings(config: Config | null, host: Host): UnitSettings {
  return settings(
    'controller',
    host,
    config === null ? null : [...directoriesOf(config), ...besides(config.stateDir, STATE_DIR)],
    config === null ? [] : [...secretsOfController(config), ...secretsOfChannels(config)],
  );
}

/** What the unit of a sandbox host needs: it leaves marks in repositories. */
export function sandboxSettings(config: Config | null, host: Host): UnitSettings {
  const needed = config && [
    ...directoriesOf(config),
    ...besides(config.stateDir, STATE_DIR),
    ...besides(config.sandbox?.runtimeDir ?? SANDBOX_RUNTIME_DIR, SANDBOX_RUNTIME_DIR),
  ];
  return settings('sandbox', host, needed, config === null ? [] : secretsOfSandbox(config));
}

/** What the unit of the pages needs: not the files with which a controller logs in and signs. */
export function webSettings(config: Config | null, host: Host): UnitSettings {
  if (config === null) return settings('web', host, null, []);
  const needed = secretsOfWeb(config);
  const read = needed.flatMap(filesOf);
  const hidden = [...secretsOfController(config), ...secretsOfChannels(config)].flatMap(filesOf);
  return {
    ...settings('web', host, besides(config.stateDir, STATE_DIR), needed),
    hidden: [...new Set(hidden.filter((file) => !read.includes(file)))].toSorted(),
  };
}

function filesOf({ source }: NeededSecret): string[] {
  return 'file' in source ? [source.file] : [];
}

/**
 * What the unit of an agent needs. It renames in the directory above that of the data, and puts the configuration of a
 * migration in its place. @param node null as long as it is not known
 */
export function agentSettings(
  node: NodeConfig | null,
  host: Host,
  secrets: readonly NeededSecret[] = [],
): UnitSettings {
  const needed = node && [
    ...(node.dataDir === undefined ? [] : [dirname(node.dataDir)]),
    ...Object.keys(node.migration?.configFiles ?? {}).map((file) => dirname(file)),
    ...besides(node.stateDir, STATE_DIR),
    ...besides(node.runtimeDir, RUNTIME_DIR),
  ];
  return { ...settings('agent', host, needed, secrets), runsVault: node?.service?.driver === 'process' };
}

function directoriesOf({ repositories }: Config): string[] {
  return Object.values(repositories).flatMap((one) => (one.type === 'directory' ? [one.path] : []));
}

/** Those of the package as long as they do: its unit is then enough, and gets better with it. */
function settings(
  part: Part,
  { program, user, isEncrypted = () => false }: Host,
  needed: readonly string[] | null,
  secrets: readonly NeededSecret[],
): UnitSettings {
  const packaged: UnitSettings = PACKAGED[part];
  const suffices = needed === null || needed.every((path) => packaged.writable.some((above) => isIn(path, above)));
  return {
    ...packaged,
    program,
    user: user ?? packaged.user,
    credentials: [...new Set(secrets.flatMap(({ source }) => ('credential' in source ? [source.credential] : [])))]
      .toSorted()
      .map((name) => ({ name, isEncrypted: isEncrypted(name) })),
    writable: suffices ? packaged.writable : [...new Set(needed)].toSorted(),
  };
}

function besides(path: string, own: string): string[] {
  return isIn(path, own) ? [] : [path];
}

function isIn(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}/`);
}
