import { isIdle, parseUnitState, startProblem, stopProblem } from '../../../../src/host/service/unit-state';
import { ASKED } from '../../../support/systemd-outputs';

const UNIT = { program: 'systemctl', options: [], typed: 'vault', name: 'vault.service' };
const of = (shown: keyof typeof ASKED) => parseUnitState(ASKED[shown])!;

test('what is no answer of systemd is no state', () => {
  expect(parseUnitState('')).toBeNull();
  expect(parseUnitState('Failed to connect to bus')).toBeNull();
});

test('reads what a unit stops with it, and what starts it', () => {
  expect(of('related')).toMatchObject({
    id: 'vault.service',
    alsoStops: ['vault-proxy.service'],
    triggeredBy: ['vault.socket', 'vault.timer'],
  });
});

test.each<[keyof typeof ASKED, boolean]>([
  ['neverStarted', true],
  ['stopped', true],
  ['failed', true],
  ['betweenStarts', true],
  ['masked', true],
  ['running', false],
  ['stopping', false],
  ['starting', false],
])('%s: nothing runs: %s', (shown, expected) => {
  expect(isIdle(of(shown))).toBe(expected);
});

test.each<[keyof typeof ASKED, string, string | null, string]>([
  ['running', '', null, ''],
  ['starting', '', 'unit-not-started', 'vault.service is still starting (start).'],
  ['failed', 'Job failed.', 'unit-not-started', 'vault.service did not start (exit-code, exit status 7).'],
  ['betweenStarts', 'Job failed.', 'unit-not-started', 'vault.service did not start (exit-code, exit status 7).'],
  ['skipped', '', 'unit-condition', 'systemd did not start vault.service, because a condition of its unit is not met.'],
  ['neverStarted', '', 'unit-condition', 'because a condition of its unit is not met.'],
  ['held', 'Assertion failed.', 'unit-condition', 'because an assertion of its unit is not met.'],
  [
    'needsDisk',
    'A dependency job for vault.service failed.',
    'unit-not-started',
    'because a unit that it requires failed (opt-vault.mount).',
  ],
  ['masked', 'Unit is masked.', 'unit-not-started', 'vault.service is masked, by somebody else than vault-dr.'],
  ['notFound', 'Unit not found.', 'unit-not-started', 'systemd has no unit vault.service.'],
  ['badSetting', 'Bad setting.', 'unit-not-started', '(bad-setting: Unit vault.service has a bad unit file setting.)'],
  ['neverStarted', 'Access denied', 'unit-denied', 'systemd does not allow the agent to start vault.service'],
])('after a start, %s (%s) is %s', (shown, said, notice, text) => {
  const problem = startProblem(UNIT, of(shown), said);

  expect(problem?.notice ?? null).toBe(notice);
  expect(problem?.text ?? '').toContain(text);
  expect(problem === null || problem.advice.length > 0).toBe(true);
});

test.each<[keyof typeof ASKED, string, string | null, string]>([
  ['stopped', '', null, ''],
  ['failed', '', null, ''],
  ['masked', '', null, ''],
  ['notFound', '', 'unit-not-started', 'systemd has no unit vault.service.'],
  [
    'stopping',
    '',
    'unit-still-stopping',
    'still stopping after 5 min 0 s (stop-sigterm); systemd kills it after TimeoutStopSec=1min 30s.',
  ],
  ['running', 'Access denied', 'unit-denied', 'systemd does not allow the agent to stop vault.service'],
  ['running', 'Job canceled.', 'unit-not-stopped', 'it is active (running): Job canceled.'],
])('after a stop, %s (%s) is %s', (shown, said, notice, text) => {
  const problem = stopProblem(UNIT, of(shown), said, 300_000);

  expect(problem?.notice ?? null).toBe(notice);
  expect(problem?.text ?? '').toContain(text);
});
