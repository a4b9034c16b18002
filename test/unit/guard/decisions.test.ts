import { GUARD_CHECKS } from '../../../src/contract/guard-checks';
import { isGuardsPin, pinReason, programName, shellCode } from '../../../src/guard/outcome';
import { type GuardFinding, weigh } from '../../../src/guard/refusal';
import { unpinCommand, wayBack } from '../../../src/guard/way-back';

const BACKUP = '20261128T040000Z-000000001234-0a1b2c3d';
const to = { cluster: 'prod', backup: BACKUP, capturedAt: '2026-11-28T04:00:00.000Z', versions: ['1.21.1', '1.21.1'] };
const nowOn = (...versions: string[]) => ({
  clusterId: 'one',
  versions: Object.fromEntries(versions.map((version, at) => [`vault-${at + 1}`, version])),
  leader: null,
  voters: [],
  raftIndex: null,
});
const finding = (check: GuardFinding['check'], verdict: GuardFinding['verdict']): GuardFinding => ({
  check,
  verdict,
  seen: '',
  remedy: null,
});

describe('what stands in the way', () => {
  const checks = [
    finding('copies', 'yes'),
    finding('agents', 'no'),
    finding('room', 'unchecked'),
    finding('serving', 'no'),
  ];
  const names = (found: readonly GuardFinding[]) => found.map(({ check }) => check);

  it('is each check that is no yes, also one that could not be made', () => {
    expect(names(weigh(checks, []).refused)).toEqual(['agents', 'room', 'serving']);
  });

  it('is let through by its own name alone', () => {
    const { refused, accepted } = weigh(checks, ['room', 'copies']);

    expect(names(refused)).toEqual(['agents', 'serving']);
    expect(names(accepted)).toEqual(['room']);
    expect(names(weigh(checks, GUARD_CHECKS).refused)).toEqual([]);
  });
});

describe('the way back', () => {
  it('is a restore of the pinned backup, with what it loses', () => {
    expect(wayBack(to, null)).toEqual([
      {
        text: 'This loses what was written after 2026-11-28T04:00:00Z, and asks for approvals and shares as any restore does:',
        command: `vault-dr restore --cluster prod --backup ${BACKUP}`,
      },
    ]);
    expect(wayBack(to, nowOn('1.21.1', '1.21.1'))).toHaveLength(1);
  });

  it('needs the older program first where a node has run a newer one', () => {
    const [older, restore] = wayBack(to, nowOn('1.22.0', '1.21.1'));

    expect(older?.text).toMatch(/^Nodes run 1\.22\.0 now, and ran 1\.21\.1\. Do not just start 1\.21\.1 again/);
    expect(older?.text).toContain('install 1.21.1 on every host');
    expect(restore?.command).toContain(BACKUP);
  });

  it('says how the pin ends', () => {
    expect(unpinCommand(to)).toBe(`vault-dr backups unpin ${BACKUP} --cluster prod --reason 'the change is done'`);
  });
});

describe('the program of a command', () => {
  it.each([
    ['/opt/bin/upgrade.sh', 'upgrade.sh'],
    ['helm', 'helm'],
    ['./a b', 'command'],
    ['/etc/', 'command'],
    [`sh\u001b[2J`, 'command'],
    ['x'.repeat(65), 'command'],
  ])('%j is kept as %s', (word, name) => {
    expect(programName(word)).toBe(name);
  });

  it('is in the reason of a pin, by which guards know their own', () => {
    expect(pinReason('helm')).toBe('guard: before helm');
    expect(isGuardsPin(pinReason('helm'))).toBe(true);
    expect(isGuardsPin('before the migration')).toBe(false);
  });
});

it.each([
  [{ exitCode: 0, signal: null }, 0],
  [{ exitCode: 3, signal: null }, 3],
  [{ exitCode: null, signal: 'SIGINT' }, 130],
  [{ exitCode: null, signal: 'SIGKILL' }, 137],
  [{ exitCode: null, signal: null }, 1],
])('%j is %d to a shell', (end, code) => {
  expect(shellCode(end, { SIGINT: 2, SIGKILL: 9 })).toBe(code);
});
