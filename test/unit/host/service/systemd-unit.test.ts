import {
  isMissing,
  parseShow,
  programsOf,
  showCommand,
  stateOf,
  unitIn,
} from '../../../../src/host/service/systemd-unit';
import { SHOWN, type Shown } from '../../../support/systemd-outputs';

const parsed = (state: Shown) => parseShow('vault.service', SHOWN[state])!;

test.each([
  [['systemctl', 'start', 'vault'], { program: 'systemctl', options: [], typed: 'vault', name: 'vault.service' }],
  [
    ['/usr/bin/systemctl', '--user', '--no-block', 'start', 'bao.service'],
    { program: '/usr/bin/systemctl', options: ['--user'], typed: 'bao.service', name: 'bao.service' },
  ],
  [
    ['sudo', '-n', 'systemctl', 'restart', 'vault@1'],
    { program: 'systemctl', options: [], typed: 'vault@1', name: 'vault@1.service' },
  ],
])('knows the unit that a command names: %j', (command, unit) => {
  expect(unitIn(command)).toEqual(unit);
});

test.each([
  [['/opt/start-vault.sh']],
  [['sh', '-c', 'systemctl start vault']],
  [['systemctl', 'start', 'vault', 'consul']],
  [['systemctl', 'isolate', 'vault.target']],
  [['systemctl', 'start']],
  [['systemctl', 'start', 'a b']],
])('takes nothing for a unit that is none: %j', (command) => {
  expect(unitIn(command)).toBeNull();
});

test('asks for what it reads, and with the operator’s own systemctl', () => {
  const command = showCommand(unitIn(['/usr/bin/systemctl', '--user', 'start', 'vault'])!);

  expect(command.slice(0, 3)).toEqual(['/usr/bin/systemctl', '--user', 'show']);
  expect(command.at(-1)).toBe('vault.service');
  const asked = /--property=(\S+)/.exec(command.join(' '))?.[1]?.split(',');
  const shown = Object.values(SHOWN).flatMap((text) => text.split('\n').map((line) => line.split('=')[0] ?? ''));
  expect(asked).toEqual(expect.arrayContaining([...new Set(shown)].filter((key) => key !== '')));
});

test('reads a unit that runs', () => {
  expect(parsed('running')).toEqual({
    name: 'vault.service',
    loadState: 'loaded',
    loadError: null,
    fileState: 'enabled',
    activeState: 'active',
    subState: 'running',
    result: 'success',
    restarts: 0,
    startLimit: null,
    needsReload: false,
    refusesManual: { start: false, stop: false },
  });
});

test.each<[Shown, object, string]>([
  ['packaged', { startLimit: { starts: 3, interval: '1min' } }, 'active (running)'],
  ['stopped', { fileState: 'disabled' }, 'inactive (dead)'],
  ['limited', { result: 'start-limit-hit', restarts: 3 }, 'failed (start-limit-hit)'],
  ['failed', { result: 'exit-code' }, 'failed (exit-code)'],
  ['changed', { needsReload: true, refusesManual: { start: false, stop: true } }, 'active (running)'],
  ['masked', { fileState: 'masked', loadError: 'Unit vault.service is masked.', restarts: null }, 'masked'],
  ['maskedUntilReboot', { fileState: 'masked-runtime' }, 'masked'],
  ['notFound', { fileState: null, loadError: 'Unit vault.service not found.' }, 'not-found'],
  ['badSetting', { loadError: 'Unit vault.service has a bad unit file setting.' }, 'bad-setting'],
])('reads a unit that is %s', (state, facts, words) => {
  expect(parsed(state)).toMatchObject(facts);
  expect(stateOf(parsed(state))).toBe(words);
});

test.each(['', 'Failed to connect to bus: Host is down\n', 'ActiveState=active\n'])('is not told by %j', (output) => {
  expect(parseShow('vault.service', output)).toBeNull();
});

test('knows what it starts, unless that lies in a root of its own', () => {
  expect(programsOf(SHOWN.running)).toEqual(['/bin/sh']);
  expect(programsOf(SHOWN.ownRoot)).toEqual([]);
  expect(programsOf(SHOWN.masked)).toEqual([]);
});

test('calls a program missing that is not there, not one that may be hidden from an agent alone', async () => {
  expect(await isMissing('/opt/none/vault')).toBe(true);
  expect(await isMissing('/bin/sh/vault')).toBe(true);
  expect(await isMissing('/bin/sh')).toBe(false);
  expect(await isMissing('/home/nobody-there/vault')).toBe(false);
});
