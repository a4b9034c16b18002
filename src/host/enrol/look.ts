import { execFile } from 'node:child_process';
import { lstat, readFile, stat, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, isAbsolute, resolve } from 'node:path';
import { promisify } from 'node:util';
import { passedEnvironment } from '../../child-environment';
import type { ServiceConfig } from '../../config/schema';
import { readIfThere } from '../../files/files';
import { loginName } from '../../login-name';
import { clusterAddressOf, namedPaths } from '../../vault/config/server-details';
import { programIn, type ServerStart, UNKNOWN_START } from '../../vault/config/server-start';
import { readServerConfig, type ServerConfig } from '../../vault/config/vault-config';
import { shownAddress } from '../../vault/reach/listener';
import { VERSION } from '../../version';
import { nameOfId } from '../config/accounts';
import { setAsideProblem } from '../data/rights';
import { createProcessDriver } from '../service/process-driver';
import { type NamedUnit, parseShow, showCommand, stateOf } from '../service/systemd-unit';
import { serversOf, startOfProcess, startOfUnit } from '../service/unit-start';
import { serviceOfUnit } from './unit-service';

const run = promisify(execFile);
const WITHIN_MS = 5_000;
/** As HashiCorp's, OpenBao's and distributions' packages call it. */
const USUAL_UNITS = ['vault', 'openbao', 'bao'];
const USUAL_USERS = ['vault', 'openbao'];

/** What somebody says because it can't be found. */
export interface Hints {
  unit?: string | undefined;
  service?: ServiceConfig | undefined;
  dataDir?: string | undefined;
  configFiles?: string[] | undefined;
}

/** What is on a Vault host. */
export interface HostView {
  parts: { dataDir: string | null; configFiles: string[]; service: ServiceConfig | null };
  seen: {
    host: string;
    version: string;
    server: string | null;
    unit: string | null;
    owner: string | null;
    mode: string | null;
    freeBytes: number | null;
    listeners: string[];
    clusterAddress: string | null;
    nodeId: string | null;
    user: string;
    problems: string[];
  };
}

/** Looks at the host of a Vault node, and changes nothing. */
export async function lookAtHost(hints: Hints): Promise<HostView> {
  const running = await runningServers();
  const unit = hints.service === undefined ? await unitOf(hints.unit, running) : null;
  const start = await startOf(unit, hints, running);
  const server = await readServerConfig(hints.configFiles ?? [], start).catch(() => null);
  const dataDir = hints.dataDir ?? server?.facts.storage?.path ?? null;
  const service = hints.service ?? (unit && serviceOfUnit(unit.typed));
  const problems = [
    ...start.unknown.map((what) => `not seen: ${what}`),
    ...(server?.facts.problems ?? []),
    ...(dataDir === null ? ["Vault's data directory was not found: give --config-file or --data-dir"] : []),
    ...(service === null ? ['no systemd unit of Vault was found: give --unit or --service'] : []),
    ...(await problemsOfUnit(unit)),
    ...(await problemsOfData(dataDir)),
  ];
  return {
    parts: { dataDir, configFiles: await configFilesOf(hints.configFiles ?? [], server, start), service },
    seen: {
      host: hostname(),
      version: VERSION,
      server: await versionOf(running, unit),
      unit: unit && (await stateOfUnit(unit)),
      ...(await dataFacts(dataDir)),
      listeners: (server?.listeners ?? []).map((listener) => `${listener.type} ${shownAddress(listener)}`).slice(0, 20),
      clusterAddress: server === null ? null : clusterAddressOf(server.files.all(), start),
      nodeId: server?.facts.storage?.nodeId ?? null,
      user: loginName(),
      problems: problems.slice(0, 50).map((text) => text.slice(0, 1_000)),
    },
  };
}

async function runningServers(): Promise<number[]> {
  const users = await Promise.all(USUAL_USERS.map(userId));
  return serversOf([0, process.geteuid?.() ?? 0, ...users.flat()]);
}

async function userId(name: string): Promise<number[]> {
  const line = ((await readIfThere('/etc/passwd')) ?? '').split('\n').find((text) => text.startsWith(`${name}:`));
  return line === undefined ? [] : [Number(line.split(':')[2])];
}

async function unitOf(asked: string | undefined, running: readonly number[]): Promise<NamedUnit | null> {
  if (asked !== undefined) return named(asked);
  const ofProcesses = (await Promise.all(running.map(unitOfProcess))).flat();
  for (const name of new Set([...ofProcesses, ...USUAL_UNITS])) {
    const unit = named(name);
    if ((await show(unit))?.loadState === 'loaded') return unit;
  }
  return null;
}

function named(typed: string): NamedUnit {
  const short = typed.replace(/\.service$/, '');
  return { program: 'systemctl', options: [], typed: short, name: `${short}.service` };
}

/** By its control group: `0::/system.slice/vault.service`. */
async function unitOfProcess(pid: number): Promise<string[]> {
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  const [, unit] = /\/system\.slice\/(?:[^/]+\.slice\/)*([A-Za-z0-9:_.@-]+)\.service$/m.exec(groups) ?? [];
  return unit === undefined ? [] : [unit];
}

async function show(unit: NamedUnit) {
  const [program = '', ...args] = showCommand(unit);
  const { stdout } = await run(program, args, { timeout: WITHIN_MS, env: passedEnvironment() }).catch(() => ({
    stdout: '',
  }));
  return parseShow(unit.name, stdout);
}

async function stateOfUnit(unit: NamedUnit): Promise<string | null> {
  const report = await show(unit);
  return report && `${unit.name}: ${stateOf(report)}${report.fileState === null ? '' : `, ${report.fileState}`}`;
}

async function problemsOfUnit(unit: NamedUnit | null): Promise<string[]> {
  if (unit === null) return [];
  const report = await show(unit);
  if (report === null) return [`systemd does not answer about ${unit.name}`];
  if (report.loadState !== 'loaded') return [`${unit.name} is ${report.loadState}`];
  return report.refusesManual.start || report.refusesManual.stop
    ? [`${unit.name} can't be started and stopped by hand`]
    : [];
}

async function startOf(unit: NamedUnit | null, hints: Hints, running: readonly number[]): Promise<ServerStart> {
  if (hints.service?.driver === 'process') {
    const driver = createProcessDriver(hints.service, '/var/lib/vault-dr');
    return (await driver.serverStart?.(hints.dataDir ?? '/').catch(() => null)) ?? UNKNOWN_START;
  }
  if (unit !== null) return startOfUnit(unit);
  const [only, ...more] = running;
  return (only !== undefined && more.length === 0 ? await startOfProcess(only) : null) ?? UNKNOWN_START;
}

/** Directories such as /etc/vault.d as a whole; other files that the configuration names, such as TLS keys, one by one. */
async function configFilesOf(
  asked: readonly string[],
  server: ServerConfig | null,
  start: ServerStart,
): Promise<string[]> {
  const roots = (start.paths ?? []).filter(isAbsolute).map((path) => {
    const parent = dirname(path);
    return /\.(hcl|json)$/.test(path) && parent.endsWith('.d') ? parent : resolve(path);
  });
  const named = server === null ? [] : namedPaths(server.files.all(), start).map(({ path }) => resolve(path));
  const files = await Promise.all(named.map(async (path) => ((await isFile(path)) ? [path] : [])));
  const found = [...new Set([...asked, ...roots, ...files.flat()])];
  return found.filter((path) => !found.some((root) => path !== root && path.startsWith(`${root}/`))).slice(0, 100);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}

async function dataFacts(dataDir: string | null): Promise<Pick<HostView['seen'], 'owner' | 'mode' | 'freeBytes'>> {
  const stats = dataDir === null ? null : await lstat(dataDir).catch(() => null);
  if (stats === null || dataDir === null) return { owner: null, mode: null, freeBytes: null };
  const [user, group] = await Promise.all([nameOfId('passwd', stats.uid), nameOfId('group', stats.gid)]);
  const disk = await statfs(dataDir).catch(() => null);
  return {
    owner: `${user || stats.uid}:${group || stats.gid}`,
    mode: (stats.mode & 0o7777).toString(8).padStart(4, '0'),
    freeBytes: disk && disk.bavail * disk.bsize,
  };
}

async function problemsOfData(dataDir: string | null): Promise<string[]> {
  if (dataDir === null) return [];
  const problem = await setAsideProblem(dataDir).catch((error: Error) => error.message);
  return problem === null ? [] : [`${dataDir} could not be set aside: ${problem}`];
}

/** What the server's program says of itself. */
async function versionOf(running: readonly number[], unit: NamedUnit | null): Promise<string | null> {
  const programs = [
    ...(await Promise.all(running.map(programOf))).flat(),
    ...(unit ? await programOfUnitFile(unit) : []),
  ];
  const [program] = programs;
  if (program === undefined) return null;
  const { stdout } = await run(program, ['version'], { timeout: WITHIN_MS, env: passedEnvironment() }).catch(() => ({
    stdout: '',
  }));
  const line = stdout.split('\n')[0]?.trim() ?? '';
  return line === '' ? program : `${line.slice(0, 100)}, ${program}`;
}

async function programOf(pid: number): Promise<string[]> {
  const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  const last = programIn(argv)?.at(-1);
  return last !== undefined && isAbsolute(last) ? [last] : [];
}

async function programOfUnitFile(unit: NamedUnit): Promise<string[]> {
  const args = [...unit.options, 'show', '--no-pager', '--property=ExecStart', '--', unit.name];
  const { stdout } = await run(unit.program, args, { timeout: WITHIN_MS, env: passedEnvironment() }).catch(() => ({
    stdout: '',
  }));
  const [, path] = /\bpath=(\/\S+)/.exec(stdout) ?? [];
  return path === undefined ? [] : [path];
}
