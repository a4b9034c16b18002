import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { passedEnvironment } from '../../child-environment';
import type { HostedNode, ServiceConfig } from '../../config/schema';
import { DrError } from '../../contract/failures';
import { formatSeconds } from '../../contract/format';
import type { ServiceCheck } from '../../contract/host';
import { cut } from '../../contract/retry-notice';
import { unitName } from '../../contract/unit-name';
import { printable } from '../../contract/printable';
import { readClaim } from '../run/claim';
import { hasProgram } from './check-programs';
import { logLineFit } from '../../vault/errors/log-line';
import type { Fence, ServiceDriver } from './service-driver';
import { isMissing, journalCommand, type NamedUnit, parseShow, programsOf, showCommand } from './systemd-unit';
import { plainProblem, proofCommand, UnitFence } from './unit-fence';
import { UnitHold } from './unit-hold';
import { programOfUnit, startOfUnit } from './unit-start';
import { isIdle, parseUnitState, startProblem, stopProblem, type UnitProblem, type UnitState } from './unit-state';

type SystemdConfig = Extract<ServiceConfig, { driver: 'systemd' }>;

/** For what only explains something. */
const ASK_WITHIN_MS = 10_000;
const RELOAD_WITHIN_MS = 60_000;
const PROVE_WITHIN_MS = 30_000;
const REPORT_EVERY_MS = 1_000;
const LOG_WITHIN_MS = 10_000;
const LOG_AGAIN_MS = 500;

/**
 * Starts and stops a unit through systemd: its jobs by `systemctl`, its state by properties. A unit that a run has stopped is held:
 * nobody starts it until the run does, or is over.
 */
export function createSystemdDriver(
  config: SystemdConfig,
  { name: node, stateDir }: Pick<HostedNode, 'name' | 'stateDir'>,
  hold = new UnitHold(),
  wall = new UnitFence(),
): ServiceDriver {
  const limitMs = config.timeoutSeconds * 1_000;
  const unit: NamedUnit = { program: 'systemctl', options: [], typed: config.unit, name: unitName(config.unit) };

  /** @throws DrError ServiceFailed when systemd does not answer. */
  async function show(): Promise<{ state: UnitState; output: string }> {
    const { ok, stdout, stderr } = await run(showCommand(unit), ASK_WITHIN_MS);
    const state = ok ? parseUnitState(stdout) : null;
    if (state) return { state, output: stdout };
    throw failure({
      notice: 'systemd-not-answering',
      text: `systemd did not say how ${unit.name} is: ${shortened(stderr)}`,
      advice: `Run \`systemctl status ${unit.typed}\` on that host as the agent’s user to see the reason.`,
    });
  }

  /** As systemd itself calls it: what is typed may be an alias. */
  const ownName = ({ id }: UnitState) => id || unit.name;

  async function keepStopped(fence?: Fence): Promise<void> {
    const claim = await readClaim(stateDir);
    if (claim === null || (await hold.problem()) !== null) return;
    const { state } = await show();
    fence?.assertCurrent();
    const isNew = await hold.place(ownName(state), claim.run);
    // Also one of an agent that was killed before systemd read it.
    if (isNew || state.needsReload) await reload();
  }

  async function letStart(fence?: Fence): Promise<void> {
    const { state } = await show();
    fence?.assertCurrent();
    if (await hold.release(ownName(state))) await reload();
  }

  /** Without it a hold has no effect, or one that has no file any more is only listed. */
  async function reload(): Promise<void> {
    await run([unit.program, 'daemon-reload'], RELOAD_WITHIN_MS);
  }

  /** Whether a drop-in of that name counts. Systemd does not notice a new one in a directory that is new as well. */
  async function hasRead(name: string): Promise<boolean> {
    const { ok, stdout } = await run([unit.program, 'show', '--property=DropInPaths', '--', unit.name], ASK_WITHIN_MS);
    return (
      ok &&
      stdout
        .trim()
        .split(/[= ]/)
        .some((path) => path.endsWith(`/${name}`))
    );
  }

  /** @throws DrError ServiceFailed: of a fence nothing may be guessed */
  async function mustReload(): Promise<void> {
    const { ok, stderr } = await run([unit.program, 'daemon-reload'], RELOAD_WITHIN_MS);
    if (ok) return;
    throw failure({
      notice: 'systemd-not-answering',
      text: `systemd did not load its units again: ${shortened(stderr)}`,
      advice: 'Run `systemctl daemon-reload` on that host to see the reason.',
    });
  }

  /** Waits for the job, and says how it is getting on. */
  async function job(verb: 'start' | 'stop', fence?: Fence): Promise<void> {
    const over = new AbortController();
    fence?.assertCurrent();
    const began = Date.now();
    const running = run([unit.program, verb, '--', unit.name], limitMs);
    const reports = reportWait(verb, over.signal, fence);
    const { ok, stderr } = await running.finally(() => over.abort());
    await reports;
    const { state } = await show();
    const said = ok ? '' : shortened(stderr);
    const problem = verb === 'start' ? startProblem(unit, state, said) : stopProblem(unit, state, said, limitMs);
    if (problem !== null) throw failure(problem, verb === 'start' ? await lastLogLine(state, began) : null);
  }

  async function reportWait(verb: string, signal: AbortSignal, fence?: Fence): Promise<void> {
    const began = Date.now();
    for (;;) {
      await sleep(REPORT_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const { activeState, subState } = (await show().catch(() => null))?.state ?? {};
      if (signal.aborted || activeState === undefined) continue;
      const seconds = formatSeconds(Math.round((Date.now() - began) / 1_000));
      fence?.onWait?.(`${verb} of ${unit.name} for ${seconds}, which is ${activeState} (${subState})`);
    }
  }

  /**
   * Of what this start has run; where nothing was started, what systemd says about it. By unit and time: of a process that
   * has ended before the journal reads its line, the invocation is not known any more.
   */
  async function lastLogLine(state: UnitState, began: number): Promise<string | null> {
    if (state.loadState !== 'loaded') return null;
    const command = ['journalctl', '--no-pager', '--quiet', '--output=cat', '--lines=1'];
    const of =
      state.invocation === null
        ? [`--unit=${unit.name}`]
        : [`--since=@${Math.floor(began / 1_000)}`, `_SYSTEMD_UNIT=${ownName(state)}`];
    const until = Date.now() + LOG_WITHIN_MS;
    // The journal may still be about to write it.
    for (;;) {
      const { ok, stdout } = await run([...command, ...of], ASK_WITHIN_MS);
      if (!ok || stdout !== '') return ok ? logLineFit(stdout) : null;
      if (Date.now() > until) return null;
      await sleep(LOG_AGAIN_MS);
    }
  }

  function failure({ text, advice, notice, retryable = true }: UnitProblem, line: string | null = null): DrError {
    const log = line === null ? '' : ` The log ends with: ${line}`;
    return new DrError('ServiceFailed', `${text}${log}`, { where: node, notice, advice, retryable });
  }

  return {
    async status() {
      const { state } = await show();
      if (!isIdle(state)) return 'running';
      // Of a unit by another name Vault may run.
      if (state.loadState === 'not-found') throw failure(stopProblem(unit, state, '', limitMs)!);
      return 'stopped';
    },
    async start(fence) {
      const { state } = await show();
      if (state.activeState === 'active') return letStart(fence);
      await letStart(fence);
      fence?.assertCurrent();
      // A recovery starts it more often than its limit may allow; who may not reset that sees why the start fails.
      if (state.activeState === 'failed') fence?.onWait?.(`reset of ${unit.name}, which had failed (${state.result})`);
      if (state.loadState === 'loaded') await run([unit.program, 'reset-failed', '--', unit.name], ASK_WITHIN_MS);
      await job('start', fence);
    },
    async stop(fence) {
      await keepStopped(fence);
      const { state } = await show();
      // There is nothing to stop in a unit that systemd does not have.
      if (state.loadState === 'not-found' && isIdle(state)) throw failure(stopProblem(unit, state, '', limitMs)!);
      await job('stop', fence);
    },
    async settle(isOver) {
      const { state } = await show();
      const run = await hold.heldBy(ownName(state));
      if (run === null || !(await isOver(run))) return [];
      // Only its own: another run may have begun meanwhile.
      if (!(await hold.release(ownName(state), run))) return [];
      await reload();
      return [run];
    },
    quiet: {
      async problem(cut) {
        if (process.geteuid?.() !== 0) return 'its agent does not run as root';
        const obstacle = plainProblem() ?? (await wall.problem());
        if (obstacle !== null) return obstacle;
        const { ok, stderr } = await run(proofCommand(cut), PROVE_WITHIN_MS);
        return ok ? null : shortened(stderr) || 'systemd-run has failed';
      },
      async place(run, cut, fence) {
        const { state } = await show();
        fence?.assertCurrent();
        const isNew = await wall.place(ownName(state), run, cut);
        // Also one of an agent that was killed before systemd read it.
        if (isNew || state.needsReload || !(await hasRead(wall.name))) await mustReload();
      },
      placedBy: async () => wall.heldBy(ownName((await show()).state)),
      async lift(fence, run) {
        const { state } = await show();
        fence?.assertCurrent();
        const isReleased = await wall.release(ownName(state), run);
        if (!isReleased && (await wall.heldBy(ownName(state))) !== null) return;
        if (isReleased || (await hasRead(wall.name))) await mustReload();
      },
    },
    serverStart: () => startOfUnit(unit),
    programRun: () => programOfUnit(unit),
    async recentLog() {
      const { ok, stdout } = await run(journalCommand(unit, 500), ASK_WITHIN_MS);
      return ok ? stdout : null;
    },
    async check(): Promise<ServiceCheck> {
      if (!(await hasProgram([unit.program]))) {
        return { unit: null, missingCommands: [`systemd: ${unit.program}`], unchecked: [] };
      }
      const { state, output } = await show();
      const known = parseShow(unit.name, output);
      const programs = programsOf(output);
      const gone = await Promise.all(programs.map(isMissing));
      const managed = {
        alsoStops: state.alsoStops,
        triggeredBy: state.triggeredBy,
        holdProblem: await hold.problem(),
        heldBy: await hold.heldBy(ownName(state)),
      };
      return {
        unit: known && { ...known, missingPrograms: programs.filter((_path, index) => gone[index]), managed },
        missingCommands: [],
        unchecked: uncheckedRights(),
      };
    },
  };

  /** Unless the agent is root, polkit decides only when it is asked. */
  function uncheckedRights(): string[] {
    const uid = process.geteuid?.() ?? 0;
    if (uid === 0) return [];
    return [`whether the agent may start and stop ${unit.name}: it runs as uid ${uid}, not as root`];
  }
}

function shortened(text: string): string {
  return cut(printable(text.trim().replaceAll('\n', ' ')), 300);
}

interface Ended {
  ok: boolean;
  stdout: string;
  stderr: string;
}

/** Ends the client at its limit: what it has asked systemd for continues. */
function run([program = '', ...args]: readonly string[], timeoutMs: number): Promise<Ended> {
  const options = { timeout: timeoutMs, killSignal: 'SIGKILL' as const, env: { ...passedEnvironment(), LC_ALL: 'C' } };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) =>
      resolve({ ok: error === null, stdout, stderr: stderr || (error?.killed ? '' : (error?.message ?? '')) }),
    );
  });
}
