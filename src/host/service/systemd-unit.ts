import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { basename } from 'node:path';
import type { UnitReport } from '../../contract/host';
import { cut } from '../../contract/retry-notice';
import { STATE_PROPERTIES } from './unit-state';

/** A unit, as the operator's own commands name it. */
export interface NamedUnit {
  /** Of `systemctl`, as the commands have it. */
  program: string;
  /** What says which service manager is meant, such as `--user`. */
  options: string[];
  /** As it was typed, such as `vault`. */
  typed: string;
  /** Such as `vault.service`. */
  name: string;
}

const UNIT_PATTERN = /^[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]{0,254}$/;
const MANAGER_OPTION = /^--(user|system|machine=.*|host=.*)$/;
const TYPED = /\.(service|target|socket|scope)$/;

/** The unit that a start command such as `sudo systemctl start vault` names; null when it names none. */
export function unitIn(start: readonly string[]): NamedUnit | null {
  const at = start.findIndex((word) => basename(word) === 'systemctl');
  const program = start[at];
  if (program === undefined) return null;
  const words = start.slice(at + 1);
  const [verb, typed, ...more] = words.filter((word) => !word.startsWith('-'));
  if ((verb !== 'start' && verb !== 'restart') || typed === undefined || more.length > 0) return null;
  if (!UNIT_PATTERN.test(typed)) return null;
  const options = words.filter((word) => MANAGER_OPTION.test(word));
  return { program, options, typed, name: TYPED.test(typed) ? typed : `${typed}.service` };
}

const PROPERTIES = [
  'LoadState',
  'LoadError',
  'UnitFileState',
  'ActiveState',
  'SubState',
  'Result',
  'NRestarts',
  'StartLimitBurst',
  'StartLimitIntervalUSec',
  'NeedDaemonReload',
  'RefuseManualStart',
  'RefuseManualStop',
  'RootDirectory',
  'RootImage',
  'ExecStart',
  ...STATE_PROPERTIES,
];

/** Reads the state of a unit from systemd. Needs no rights, and changes nothing. */
export function showCommand({ program, options, name }: NamedUnit): string[] {
  return [program, ...options, 'show', '--no-pager', `--property=${PROPERTIES.join(',')}`, '--', name];
}

/** The last lines of its journal. */
export function journalCommand({ options, name }: NamedUnit, lines = 3): string[] {
  return ['journalctl', ...options, '--no-pager', '--quiet', '--output=cat', `--lines=${lines}`, `--unit=${name}`];
}

/** What `systemctl show` says; null when that is nothing of a unit. */
export function parseShow(name: string, output: string): Omit<UnitReport, 'missingPrograms'> | null {
  const get = (key: string) => valuesOf(output, key)[0] ?? '';
  const loadState = get('LoadState');
  if (loadState === '') return null;
  // As an error of D-Bus: its name, then what is meant in quotes.
  const loadError = /"(.*)"$/.exec(get('LoadError'))?.[1] ?? get('LoadError');
  return {
    name,
    loadState: word(loadState),
    loadError: loadError === '' ? null : cut(loadError, 300),
    fileState: get('UnitFileState') === '' ? null : word(get('UnitFileState')),
    activeState: word(get('ActiveState')),
    subState: word(get('SubState')),
    result: get('Result') === '' ? null : word(get('Result')),
    restarts: numberOf(get('NRestarts')),
    startLimit: startLimitOf(get('StartLimitBurst'), get('StartLimitIntervalUSec')),
    needsReload: get('NeedDaemonReload') === 'yes',
    refusesManual: {
      start: get('RefuseManualStart') === 'yes',
      stop: get('RefuseManualStop') === 'yes',
    },
  };
}

/** Programs that a unit starts, as this host sees them: none, where it is started in a root of its own. */
export function programsOf(output: string): string[] {
  const ownRoot = ['RootDirectory', 'RootImage'].some((key) => !['', '/'].includes(valuesOf(output, key)[0] ?? ''));
  if (ownRoot) return [];
  const paths = valuesOf(output, 'ExecStart').map((value) => /^\{ path=(\/.*?) ; argv\[\]=/.exec(value)?.[1]);
  return paths.filter((path) => path !== undefined);
}

/** Paths that an agent's own unit may hide from it alone. */
export const HIDDEN = /^\/(home|root|run\/user|tmp|var\/tmp)\//;

/** Whether a program is certainly not there. */
export async function isMissing(path: string): Promise<boolean> {
  if (HIDDEN.test(path)) return false;
  try {
    await access(path, constants.X_OK);
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Who is not root may just not be allowed to look.
    return code === 'ENOENT' || code === 'ENOTDIR' || (code === 'EACCES' && process.geteuid?.() === 0);
  }
}

/** Why it doesn't run, in a few words: `failed (start-limit-hit)`. */
export function stateOf({ loadState, activeState, subState, result }: Omit<UnitReport, 'missingPrograms'>): string {
  if (loadState !== 'loaded') return loadState;
  if (activeState !== 'failed') return activeState === subState ? activeState : `${activeState} (${subState})`;
  return `failed (${result ?? 'no reason given'})`;
}

function valuesOf(output: string, key: string): string[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1).trim());
}

function startLimitOf(burst: string, interval: string): UnitReport['startLimit'] {
  const starts = numberOf(burst);
  if (starts === null || starts === 0 || interval === '' || interval === '0') return null;
  return { starts, interval: word(interval) };
}

function numberOf(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}

function word(text: string): string {
  return cut(text, 40);
}
