import { formatSeconds } from '../../contract/format';
import type { NoticeCode } from '../../contract/notice';
import { cut } from '../../contract/retry-notice';

/** What decides whether a unit runs, and why not: properties of `systemctl show`, by their own names. */
export interface UnitState {
  /** Its own name, where what was asked for is an alias. */
  id: string;
  loadState: string;
  loadError: string;
  unitFileState: string;
  activeState: string;
  subState: string;
  result: string;
  mainPid: number;
  execMainStatus: string;
  /** Of its last start. */
  conditionsMet: boolean;
  assertsMet: boolean;
  /** Of its last start, for its log; null if it was never started. */
  invocation: string | null;
  stopTimeout: string;
  /** Its files are others than those that systemd has read. */
  needsReload: boolean;
  requires: string[];
  /** Units that systemd stops with it. */
  alsoStops: string[];
  /** Sockets, timers and paths that start it. */
  triggeredBy: string[];
}

export const STATE_PROPERTIES = [
  'Id',
  'MainPID',
  'ExecMainStatus',
  'ConditionResult',
  'ConditionTimestampMonotonic',
  'AssertResult',
  'AssertTimestampMonotonic',
  'InvocationID',
  'TimeoutStopUSec',
  'Requires',
  'RequiredBy',
  'BoundBy',
  'ConsistsOf',
  'TriggeredBy',
];
const MOST_UNITS = 20;

/** @returns null when that is nothing of a unit */
export function parseUnitState(output: string): UnitState | null {
  const properties = new Map(
    output.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1).trim()] as const;
    }),
  );
  const get = (name: string) => properties.get(name) ?? '';
  const units = (...names: string[]) =>
    [...new Set(names.flatMap((name) => get(name).split(' ')))]
      .filter((unit) => unit !== '')
      .toSorted()
      .slice(0, MOST_UNITS);
  if (get('LoadState') === '' || get('ActiveState') === '') return null;
  return {
    id: get('Id'),
    loadState: get('LoadState'),
    loadError: cut(/"(.*)"$/.exec(get('LoadError'))?.[1] ?? get('LoadError'), 300),
    unitFileState: get('UnitFileState'),
    activeState: get('ActiveState'),
    subState: get('SubState'),
    result: get('Result'),
    mainPid: Number(get('MainPID')) || 0,
    execMainStatus: get('ExecMainStatus'),
    // By systemd's own word nothing is met before it was evaluated.
    conditionsMet: get('ConditionResult') !== 'no' || isNever(get('ConditionTimestampMonotonic')),
    assertsMet: get('AssertResult') !== 'no' || isNever(get('AssertTimestampMonotonic')),
    invocation: /^[0-9a-f]{32}$/.test(get('InvocationID')) ? get('InvocationID') : null,
    stopTimeout: get('TimeoutStopUSec'),
    needsReload: get('NeedDaemonReload') === 'yes',
    // Others are what every unit requires.
    requires: units('Requires').filter(
      (unit) => /\.(service|mount|socket|device|path)$/.test(unit) && unit !== '-.mount',
    ),
    alsoStops: units('RequiredBy', 'BoundBy', 'ConsistsOf'),
    triggeredBy: units('TriggeredBy'),
  };
}

function isNever(monotonic: string): boolean {
  return monotonic === '' || monotonic === '0';
}

/** Nothing of it runs: also between two of systemd's own starts. */
export function isIdle({ activeState, subState, mainPid }: UnitState): boolean {
  return mainPid === 0 && (['inactive', 'failed'].includes(activeState) || subState.startsWith('auto-restart'));
}

/** Of a unit, and as the configuration has it. */
interface Names {
  name: string;
  typed: string;
}

export interface UnitProblem {
  notice: NoticeCode;
  text: string;
  advice: string;
  /** Default: true. */
  retryable?: boolean;
}

/** Why a unit is not active after its start; null if it is. @param said what `systemctl` said, empty if it was content */
export function startProblem({ name, typed }: Names, state: UnitState, said: string): UnitProblem | null {
  const { activeState, subState, result, execMainStatus } = state;
  if (['active', 'reloading'].includes(activeState)) return null;
  const unloaded = loadProblem({ name, typed }, state);
  if (unloaded) return unloaded;
  if (isDenied(said)) return denied(name, 'start');
  if (activeState === 'activating' && !isIdle(state)) {
    return {
      notice: 'unit-not-started',
      text: `${name} is still starting (${subState}).`,
      advice: `Vault opens its data, or does not notify systemd: read \`journalctl --unit=${typed}\`. The step is retried; to give it more time at once, raise service.timeoutSeconds.`,
    };
  }
  if (activeState === 'inactive' && /dependency/i.test(said)) {
    const { requires } = state;
    return {
      notice: 'unit-not-started',
      text: `${name} was not started, because a unit that it requires failed (${requires.join(', ') || 'unknown'}).`,
      advice: `\`systemctl list-dependencies ${typed}\` shows which one. Fix it; the step is then retried.`,
    };
  }
  // What is skipped is no failure to `systemctl`; and of a unit that nobody needs systemd forgets the result at once.
  const wasSkipped = said === '' && state.invocation === null;
  if (isIdle(state) && (wasSkipped || !state.assertsMet || !state.conditionsMet)) {
    const what = state.assertsMet ? 'a condition' : 'an assertion';
    return {
      notice: 'unit-condition',
      text: `systemd did not start ${name}, because ${what} of its unit is not met.`,
      advice: `\`systemctl status ${typed}\` names it, such as ConditionFileNotEmpty= of a configuration file that is missing.`,
    };
  }
  const why = [result === '' || result === 'success' ? activeState : result, ...statusOf(result, execMainStatus)];
  return {
    notice: 'unit-not-started',
    text: `${name} did not start (${why.join(', ')}).`,
    advice: `Read \`journalctl --unit=${typed}\` on that host. The step is retried.`,
  };
}

/** Why something of a unit still runs after its stop; null if nothing does. */
export function stopProblem(
  { name, typed }: Names,
  state: UnitState,
  said: string,
  limitMs: number,
): UnitProblem | null {
  if (state.loadState === 'not-found' && isIdle(state)) return loadProblem({ name, typed }, state);
  if (isIdle(state)) return null;
  if (isDenied(said)) return denied(name, 'stop');
  const { activeState, subState, stopTimeout } = state;
  if (activeState === 'deactivating') {
    const kills = stopTimeout === 'infinity' ? 'never kills it' : `kills it after TimeoutStopSec=${stopTimeout}`;
    return {
      notice: 'unit-still-stopping',
      text: `${name} is still stopping after ${formatSeconds(Math.round(limitMs / 1_000))} (${subState}); systemd ${kills}.`,
      advice: `vault-dr kills no Vault. Find out what it waits for (\`journalctl --unit=${typed}\`, its disk); the step is retried and waits on. To end it by force: \`systemctl kill --signal=SIGKILL ${typed}\`.`,
    };
  }
  return {
    notice: 'unit-not-stopped',
    text: `${name} was not stopped: it is ${activeState} (${subState})${said === '' ? '' : `: ${said}`}.`,
    advice: `Run \`systemctl stop ${typed}\` on that host to see the reason.`,
  };
}

function loadProblem({ name, typed }: Names, state: UnitState): UnitProblem | null {
  const { loadState, loadError, unitFileState } = state;
  switch (loadState) {
    case 'loaded':
      return null;
    case 'masked': {
      const runtime = unitFileState === 'masked-runtime' ? '--runtime ' : '';
      return {
        notice: 'unit-not-started',
        text: `${name} is masked, by somebody else than vault-dr.`,
        advice: `Run \`systemctl unmask ${runtime}${typed}\` on that host, unless it was masked on purpose; the step is then retried.`,
      };
    }
    case 'not-found':
      return {
        notice: 'unit-not-started',
        text: `systemd has no unit ${name}.`,
        advice: 'Install Vault and its unit on that host, or correct `service.unit` in the configuration.',
      };
    default:
      return {
        notice: 'unit-not-started',
        text: `systemd can't load ${name} (${loadState}${loadError === '' ? '' : `: ${loadError}`}).`,
        advice: `Fix the unit (\`systemctl status ${typed}\`), then \`systemctl daemon-reload\`.`,
      };
  }
}

/** polkit has no property that says so. */
function isDenied(said: string): boolean {
  return /access denied|authentication (is )?required|not authorized|permission denied/i.test(said);
}

function denied(name: string, verb: string): UnitProblem {
  return {
    notice: 'unit-denied',
    text: `systemd does not allow the agent to ${verb} ${name}: it runs as uid ${process.geteuid?.() ?? '?'}.`,
    advice: 'Run the agent as root, or give its user a polkit rule: `vault-dr install agent --user NAME` writes it.',
  };
}

function statusOf(result: string, status: string): string[] {
  return result === 'exit-code' && status !== '' && status !== '0' ? [`exit status ${status}`] : [];
}
