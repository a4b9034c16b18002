import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { passedEnvironment } from '../../child-environment';
import { ownProcess } from '../../files/ownership';
import {
  assignmentsIn,
  configPathsOf,
  isServerCommand,
  optionsIn,
  programIn,
  type ServerStart,
  structural,
  UNKNOWN_START,
} from '../../vault/config/server-start';
import { readServerConfig } from '../../vault/config/vault-config';
import { isSamePlace } from '../config/server-facts';
import type { ServerProgramRun } from './service-driver';
import type { NamedUnit } from './systemd-unit';

const WITHIN_MS = 4_000;
const PROPERTIES = [
  'LoadState',
  'ExecStart',
  'Environment',
  'EnvironmentFiles',
  'MainPID',
  'RootDirectory',
  'RootImage',
];
const MAX_ENVIRONMENT_FILE_BYTES = 256 * 1024;

interface UnitStart {
  argv: string[] | undefined;
  /** All of it, secrets as well. */
  environment: Record<string, string>;
  problems: string[];
  mainPid: number;
}

/** @returns why it can't be seen */
async function readUnit({ program, options, name }: NamedUnit): Promise<UnitStart | string> {
  const output = await show([
    program,
    ...options,
    'show',
    '--no-pager',
    `--property=${PROPERTIES.join(',')}`,
    '--',
    name,
  ]);
  const get = (key: string) => valuesOf(output, key);
  if (get('LoadState')[0] !== 'loaded') return `how ${name} starts Vault`;
  const ownRoot = ['RootDirectory', 'RootImage'].some((key) => !['', '/'].includes(get(key)[0] ?? ''));
  if (ownRoot) return `how ${name} starts Vault, which runs in its own root directory`;
  const { environment, problems } = await environmentOf(get('Environment'), get('EnvironmentFiles'));
  const argv = get('ExecStart')
    .map((value) => words(/ argv\[\]=(.*?) ; ignore_errors=/.exec(value)?.[1] ?? ''))
    .map((command) => command.flatMap((word) => expand(word, environment)))
    .find(isServerCommand);
  return { argv, environment, problems, mainPid: Number(get('MainPID')[0]) };
}

/** What is seen of how a unit of systemd starts Vault: what it will be started with counts, not what runs. */
export async function startOfUnit(unit: NamedUnit): Promise<ServerStart> {
  const seen = await readUnit(unit);
  if (typeof seen === 'string') return unseen(seen);
  const { argv, environment, problems, mainPid } = seen;
  if (argv) {
    return {
      paths: configPathsOf(argv, environment),
      environment: structural({ ...environment, ...assignmentsIn(argv) }),
      environmentKnown: problems.length === 0,
      unknown: problems,
    };
  }
  // A script of the operator's: what it starts shows while it runs.
  return (
    (await startOfProcess(mainPid)) ?? unseen(`what ${unit.name} starts: none of its commands is \`vault server\``)
  );
}

/** By which program a unit starts Vault. */
export async function programOfUnit(unit: NamedUnit): Promise<ServerProgramRun | null> {
  const seen = await readUnit(unit);
  if (typeof seen === 'string') return null;
  const command = seen.argv && programIn(seen.argv);
  if (!command) return programOfProcess(seen.mainPid);
  return { command, options: optionsIn(seen.argv ?? []), environment: seen.environment };
}

/** The same of this node's server, while it runs. */
export async function programOfRunning(dataDir: string): Promise<ServerProgramRun | null> {
  const [only, ...more] = await ownServers(dataDir);
  return only === undefined || more.length > 0 ? null : programOfProcess(only);
}

async function programOfProcess(pid: number): Promise<ServerProgramRun | null> {
  if (!Number.isInteger(pid) || pid < 1) return null;
  const root = await readlink(`/proc/${pid}/root`).catch(() => null);
  const executable = await readlink(`/proc/${pid}/exe`).catch(() => null);
  const argv = await commandLineOf(pid);
  if (!isServerCommand(argv) || root !== '/' || executable === null) return null;
  return { command: [executable], options: optionsIn(argv), environment: await environOf(pid) };
}

async function environOf(pid: number): Promise<Record<string, string>> {
  const raw = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return Object.fromEntries(raw.split('\0').flatMap(assignment));
}

/**
 * What is seen of this node's server, while it runs. Anybody can call a program `vault server`, and what it names would
 * decide where shares are sent: so it must be of root, of the agent's own user, or of whoever owns the data, and must not
 * store elsewhere, as a development server or another cluster's node on the same host does.
 */
export async function startOfRunning(dataDir: string): Promise<ServerStart> {
  const servers = await ownServers(dataDir);
  const [only, ...more] = servers;
  const found = only === undefined || more.length > 0 ? null : await startOfProcess(only);
  return found ?? unseen(`how Vault is started (${servers.length} running server processes could be this node's)`);
}

async function ownServers(dataDir: string): Promise<number[]> {
  const owner = await stat(dataDir).then(
    ({ uid }) => [uid],
    () => [],
  );
  return withoutOthers(await serversOf([0, ownProcess().uid, ...owner]), dataDir);
}

/** Leaves out the servers that store elsewhere. */
export async function withoutOthers(servers: readonly number[], dataDir: string): Promise<number[]> {
  const elsewhere = await Promise.all(servers.map((pid) => storesElsewhere(pid, dataDir)));
  return servers.filter((_pid, index) => !elsewhere[index]);
}

/** By its configuration. One that can't be read, or names no directory, proves nothing. */
async function storesElsewhere(pid: number, dataDir: string): Promise<boolean> {
  const start = await startOfProcess(pid);
  const server = start?.paths?.every((path) => isAbsolute(path))
    ? await readServerConfig([], start).catch(() => null)
    : null;
  const path = server?.facts.storage?.path ?? null;
  return path !== null && isAbsolute(path) && !(await isSamePlace(path, dataDir));
}

/** @param users by their real ids: a program that takes another's rights is still of whoever started it */
export async function serversOf(users: readonly number[]): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const servers: number[] = [];
  for (const pid of pids) {
    if (isServerCommand(await commandLineOf(pid)) && users.includes(await userOf(pid))) servers.push(pid);
  }
  return servers;
}

/** Of `/proc/PID` itself the owner is no word: it is root for every process that hides its memory. */
async function userOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [, real] = /^Uid:\s+(\d+)/m.exec(status) ?? [];
  return real === undefined ? -1 : Number(real);
}

/** @returns null for what is no server */
export async function startOfProcess(pid: number): Promise<ServerStart | null> {
  if (!Number.isInteger(pid) || pid < 1) return null;
  const argv = await commandLineOf(pid);
  // In a container its paths are not those of this host.
  const root = await readlink(`/proc/${pid}/root`).catch(() => null);
  if (!isServerCommand(argv) || (root !== null && root !== '/')) return null;
  const raw = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => null);
  const pairs = (raw ?? '')
    .split('\0')
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
  const environment = structural(Object.fromEntries(pairs) as Record<string, string>);
  return {
    paths: configPathsOf(argv, environment),
    environment,
    environmentKnown: raw !== null,
    unknown: raw === null ? ['the environment of its Vault'] : [],
  };
}

async function commandLineOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.split('\0').slice(0, -1);
}

/** Later files go before earlier ones, and all of them before `Environment=`. */
async function environmentOf(
  assignments: readonly string[],
  files: readonly string[],
): Promise<{ environment: Record<string, string>; problems: string[] }> {
  const environment = Object.fromEntries(assignments.flatMap(words).flatMap(assignment));
  const problems: string[] = [];
  for (const value of files) {
    const [, path, mayBeMissing] = /^(\/.*?)(?: \(ignore_errors=(yes|no)\))?$/.exec(value) ?? [];
    if (path === undefined) continue;
    try {
      const text = await readFile(path, 'utf8');
      if (text.length > MAX_ENVIRONMENT_FILE_BYTES) throw new Error('too large');
      Object.assign(environment, parseEnvironmentFile(text));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' || mayBeMissing !== 'yes')
        problems.push(`${path}, an environment file of its service (${code ?? 'failed'})`);
    }
  }
  return { environment, problems };
}

/** As systemd reads it: comments begin with `#` or `;`, a value may be in quotes. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const lines = text
    .replace(/\\\r?\n/g, '')
    .split('\n')
    .map((line) => line.trim());
  return Object.fromEntries(
    lines
      .filter((line) => !/^[#;]/.test(line))
      .flatMap((line) => {
        const [, name, value = ''] = /^([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
        if (name === undefined) return [];
        return [[name, value.trim().replace(/^"(.*)"$|^'(.*)'$/, (_all, double, single) => String(double ?? single))]];
      }),
  );
}

function assignment(word: string): [string, string][] {
  const at = word.indexOf('=');
  return at > 0 ? [[word.slice(0, at), word.slice(at + 1)]] : [];
}

/** `${NAME}` anywhere, and `$NAME` as a word of its own, which may become several. */
function expand(word: string, environment: Readonly<Record<string, string>>): string[] {
  const [, alone] = /^\$([A-Za-z_]\w*)$/.exec(word) ?? [];
  if (alone !== undefined) return words(environment[alone] ?? '');
  return [word.replace(/\$\{([A-Za-z_]\w*)\}/g, (_all, name: string) => environment[name] ?? '')];
}

/** Splits at spaces, but not in quotes. */
function words(text: string): string[] {
  const found = text.match(/(?:[^\s"']|"(?:\\.|[^"\\])*"|'[^']*')+/g) ?? [];
  return found.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, (_all, double, single) => String(double ?? single)),
  );
}

function valuesOf(output: string, key: string): string[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1).trim());
}

function unseen(what: string): ServerStart {
  return { ...UNKNOWN_START, unknown: [what] };
}

function show([program = '', ...args]: string[]): Promise<string> {
  return new Promise((resolve) => {
    const options = { timeout: WITHIN_MS, killSignal: 'SIGKILL' as const, env: passedEnvironment() };
    execFile(program, args, options, (error, stdout) => resolve(error === null ? stdout : ''));
  });
}
