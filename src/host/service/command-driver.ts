import { execFile } from 'node:child_process';
import type { ServiceConfig } from '../../config/schema';
import { DrError } from '../../contract/failures';
import type { ServiceCheck, UnitReport } from '../../contract/host';
import { cut } from '../../contract/retry-notice';
import { passedEnvironment } from '../../child-environment';
import { hasProgram } from './check-programs';
import { logLineFit } from '../../vault/errors/log-line';
import type { Fence, ServiceDriver } from './service-driver';
import { programOfRunning, programOfUnit, startOfRunning, startOfUnit } from './unit-start';
import { isMissing, journalCommand, parseShow, programsOf, showCommand, stateOf, unitIn } from './systemd-unit';
import { notice } from '../../contract/notice';

type CommandConfig = Extract<ServiceConfig, { driver: 'command' }>;
type Verb = 'start' | 'stop' | 'status';

/** For commands that only explain something. */
const EXPLAIN_WITHIN_MS = 4_000;
const LONGEST_LINE = 300;

/** Runs the operator's own commands, such as `systemctl stop vault`. */
export function createCommandDriver(config: CommandConfig): ServiceDriver {
  const timeoutMs = config.timeoutSeconds * 1_000;
  const unit = unitIn(config.start);

  async function show(): Promise<{ output: string; stderr: string }> {
    if (!unit) return { output: '', stderr: '' };
    const { exitCode, stdout, output } = await run(showCommand(unit), EXPLAIN_WITHIN_MS);
    return exitCode === 0 ? { output: stdout, stderr: '' } : { output: '', stderr: `${exitCode}: ${output}` };
  }

  async function expectSuccess(verb: Exclude<Verb, 'status'>, fence?: Fence): Promise<void> {
    fence?.assertCurrent();
    const { exitCode, output } = await run(config[verb], timeoutMs);
    if (exitCode !== 0) throw await failed(verb, exitCode, output);
  }

  /** With the state of the unit and the end of the log: the reader may be on another host, at night. */
  async function failed(verb: Verb, exitCode: number | string, output: string): Promise<DrError> {
    const ended = notice('service-command-failed', `\`${config[verb].join(' ')}\` ended with ${exitCode}`);
    const said = `${ended}${output ? `: ${output}` : '.'}`;
    const known = unit && parseShow(unit.name, (await show()).output);
    if (!known) return new DrError('ServiceFailed', said, { advice: BY_HAND });
    const line = verb === 'start' && known.loadState === 'loaded' ? await lastLogLine() : null;
    return new DrError(
      'ServiceFailed',
      `${said.replace(/[.\s]*$/, '.')} systemd reports ${known.name} as ${stateOf(known)}.${line === null ? '' : ` The log ends with: ${line}`}`,
      { advice: adviceFor(known, unit.typed) },
    );
  }

  async function lastLogLine(): Promise<string | null> {
    const command = config.log ?? (unit && journalCommand(unit));
    if (!command) return null;
    const { exitCode, stdout } = await run(command, EXPLAIN_WITHIN_MS);
    return exitCode === 0 ? logLineFit(stdout) : null;
  }

  return {
    async status() {
      const { exitCode, output } = await run(config.status, timeoutMs);
      if (exitCode === 0) return 'running';
      if (exitCode === 3) return 'stopped';
      throw await failed('status', exitCode, output);
    },
    start: (fence) => expectSuccess('start', fence),
    stop: (fence) => expectSuccess('stop', fence),
    serverStart: (dataDir) => (unit ? startOfUnit(unit) : startOfRunning(dataDir)),
    programRun: (dataDir) => (unit ? programOfUnit(unit) : programOfRunning(dataDir)),
    async recentLog() {
      if (!config.log) return null;
      const { exitCode, stdout } = await run(config.log, timeoutMs);
      return exitCode === 0 ? stdout : null;
    },
    async check(): Promise<ServiceCheck> {
      const missing: string[] = [];
      for (const verb of ['start', 'stop', 'status'] as const) {
        if (!(await hasProgram(config[verb]))) missing.push(`${verb}: ${config[verb][0]}`);
      }
      const { output, stderr } = await show();
      const known = unit && parseShow(unit.name, output);
      if (!unit || !known) {
        const why = stderr === '' ? 'it names no systemd unit' : cut(stderr, LONGEST_LINE);
        const start = config.start.join(' ');
        return { unit: null, missingCommands: missing, unchecked: [`whether \`${start}\` would start Vault (${why})`] };
      }
      const programs = programsOf(output);
      const gone = await Promise.all(programs.map(isMissing));
      const missingPrograms = programs.filter((_path, index) => gone[index]);
      return { unit: { ...known, missingPrograms }, missingCommands: missing, unchecked: uncheckedRights() };
    },
  };

  /** Unless the agent is root, polkit or sudo decides only when the command runs. */
  function uncheckedRights(): string[] {
    const uid = process.geteuid?.() ?? 0;
    if (uid === 0 || !unit || unit.options.includes('--user')) return [];
    return [`whether the agent may start and stop ${unit.name}: it runs as uid ${uid}, not as root`];
  }
}

const BY_HAND = 'Run the command on that host as the agent’s user to see the reason.';

function adviceFor(unit: Omit<UnitReport, 'missingPrograms'>, typed: string): string {
  const { loadState, fileState, activeState, result } = unit;
  if (loadState === 'masked') {
    return `Run \`systemctl unmask ${fileState === 'masked-runtime' ? '--runtime ' : ''}${typed}\` on that host, unless it was masked on purpose; the step is then retried.`;
  }
  if (loadState === 'not-found')
    return `Install Vault and its unit ${unit.name} on that host, or correct the commands of its service in the configuration.`;
  if (loadState !== 'loaded') return `Fix the unit (\`systemctl status ${typed}\`), then \`systemctl daemon-reload\`.`;
  if (activeState === 'failed' && result === 'start-limit-hit') {
    return `It was started too often${unit.startLimit ? ` (${unit.startLimit.starts} times within ${unit.startLimit.interval})` : ''}, and systemd refuses another start for now. To start it now: \`systemctl reset-failed ${typed}\`. To avoid this, set StartLimitIntervalSec=0 for it.`;
  }
  return `Check \`systemctl status ${typed}\` and \`journalctl --unit=${typed}\` on that host.`;
}

interface Ended {
  exitCode: number | string;
  output: string;
  stdout: string;
}

function run(command: readonly string[], timeoutMs: number): Promise<Ended> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    // SIGKILL: a command that ignores SIGTERM would never come back.
    execFile(
      program,
      args,
      { timeout: timeoutMs, killSignal: 'SIGKILL', env: passedEnvironment() },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : (error.code ?? (error.killed ? 'time-out' : 'signal'));
        resolve({ exitCode, output: `${stdout}${stderr}`.trim().slice(-500), stdout });
      },
    );
  });
}
