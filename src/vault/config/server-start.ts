import { basename } from 'node:path';

/** How the Vault of a host is started, as far as visible. */
export interface ServerStart {
  /** The paths of `-config`, in its order; null if unknown. */
  paths: readonly string[] | null;
  /** The part of its environment that decides where its data is and how it is sealed; nothing that may be secret. */
  environment: Readonly<Record<string, string>>;
  /** Whether `environment` is complete. */
  environmentKnown: boolean;
  /** What could not be determined, and why. */
  unknown: readonly string[];
}

export const UNKNOWN_START: ServerStart = { paths: null, environment: {}, environmentKnown: false, unknown: [] };

/** Without the product's prefix: OpenBao reads `BAO_`, then `VAULT_`; Vault only the latter. */
const NAMES = [
  'API_ADDR',
  'CLUSTER_ADDR',
  'CONFIG_PATH',
  'LICENSE_PATH',
  'RAFT_NODE_ID',
  'RAFT_PATH',
  'REDIRECT_ADDR',
  'SEAL_TYPE',
] as const;
export type EnvironmentName = (typeof NAMES)[number];

/** The variables known not to be secret. */
export function structural(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const names = NAMES.flatMap((name) => [`BAO_${name}`, `VAULT_${name}`]);
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

export function fromEnvironment({ environment }: ServerStart, name: EnvironmentName): string | null {
  return environment[`BAO_${name}`] ?? environment[`VAULT_${name}`] ?? null;
}

/** `vault server …`, perhaps behind `env NAME=value` or the like. */
export function isServerCommand(argv: readonly string[]): boolean {
  return serverAt(argv) >= 0;
}

/** The configuration that a command line names; null if it starts no server. */
export function configPathsOf(argv: readonly string[], environment: Readonly<Record<string, string>>): string[] | null {
  const at = serverAt(argv);
  if (at < 0) return null;
  const paths: string[] = [];
  const words = argv.slice(at + 1);
  for (const [index, word] of words.entries()) {
    const [, value] = /^--?config(?:=(.*))?$/s.exec(word) ?? [];
    if (value !== undefined) paths.push(value);
    else if (/^--?config$/.test(word)) paths.push(...words.slice(index + 1, index + 2));
  }
  const named = environment['BAO_CONFIG_PATH'] ?? environment['VAULT_CONFIG_PATH'];
  return paths.length === 0 && named !== undefined ? [named] : paths;
}

/** The part of a command line that runs the server's program, such as `[vault]`; null if it starts no server. */
export function programIn(argv: readonly string[]): string[] | null {
  const at = serverAt(argv);
  return at < 0 ? null : argv.slice(0, at);
}

/** What follows `server` in a command line. */
export function optionsIn(argv: readonly string[]): string[] {
  const at = serverAt(argv);
  return at < 0 ? [] : argv.slice(at + 1);
}

/** Variables that a command line sets: `env VAULT_RAFT_PATH=/data vault server`. */
export function assignmentsIn(argv: readonly string[]): Record<string, string> {
  const words = argv.slice(0, Math.max(0, serverAt(argv)));
  return Object.fromEntries(
    words.flatMap((word) => {
      const [, name, value] = /^([A-Z_]+)=(.*)$/s.exec(word) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
}

function serverAt(argv: readonly string[]): number {
  return argv.findIndex(
    (word, index) => word === 'server' && /^(vault|bao|openbao)$/.test(basename(argv[index - 1] ?? '')),
  );
}
