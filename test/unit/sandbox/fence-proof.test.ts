import { fenceProblems } from '../../../src/sandbox/fence-proof';
import type { FenceReport } from '../../../src/sandbox/orders';

const CUT_OFF: FenceReport = {
  interfaces: ['lo'],
  routes: ['lo', 'lo'],
  seen: [],
  reached: [
    { host: '10.0.0.1', port: 8200, outcome: 'ENETUNREACH' },
    { host: 'fd00::1', port: 8200, outcome: 'EADDRNOTAVAIL' },
    { host: '127.0.0.53', port: 53, outcome: 'ECONNREFUSED' },
  ],
};

test('a place with nothing but its own loopback is a fence', () => {
  expect(fenceProblems(CUT_OFF, 3)).toEqual([]);
});

test.each<[string, Partial<FenceReport>, string]>([
  ['has an interface', { interfaces: ['lo', 'host0'] }, 'it has the network interface host0'],
  ['has a route', { routes: ['lo', 'eth0'] }, 'it has the network interface eth0'],
  ['sees the host', { seen: ['/etc'] }, 'it can see /etc of this host'],
  ['connects', reaching('connected'), 'it reaches [2001:db8::1]:443'],
  [
    'is refused by another host',
    reaching('ECONNREFUSED'),
    'it reaches [2001:db8::1]:443, which refuses the connection',
  ],
  [
    'gets no answer, which proves nothing',
    reaching('timeout'),
    '[2001:db8::1]:443 gave no proof that it is out of reach (timeout)',
  ],
])('one that %s is none', (_what, change, problem) => {
  const report = { ...CUT_OFF, ...change };

  expect(fenceProblems(report, report.reached.length)).toEqual([problem]);
});

test('what was not tried is not proved', () => {
  expect(fenceProblems(CUT_OFF, 4)).toEqual(['3 of 4 targets were tried']);
});

test('what comes from inside is not printed raw', () => {
  expect(fenceProblems({ ...CUT_OFF, interfaces: ['\u001b[2J'] }, 3).join()).not.toContain('\u001b');
});

function reaching(outcome: string): Partial<FenceReport> {
  return { reached: [{ host: '2001:db8::1', port: 443, outcome }] };
}
