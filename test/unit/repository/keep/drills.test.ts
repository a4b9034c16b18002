import type { DrillLevel } from '../../../../src/contract/drill-levels';
import type { Against } from '../../../../src/contract/drill-record';
import {
  backupToDrill,
  copiesToDrill,
  drillHistories,
  type Drilled,
  lastDrills,
  withDrilled,
} from '../../../../src/repository/keep/drills';

const SHA256 = 'a'.repeat(64);

/** The hour says the order. */
function drill(hour: number, level: DrillLevel | null, against: Against | null = null, more: Partial<Drilled> = {}) {
  return {
    at: `2026-11-23T${String(hour).padStart(2, '0')}:00:00.000Z`,
    run: `run-${hour}`,
    generation: '20261123T040000Z-000000004711-0a1b2c3d',
    manifestSha256: SHA256,
    repository: 'local',
    level,
    failed: against === null ? null : { phase: 'load', code: 'VaultRefused', against },
    serverVersion: '1.21.1',
    phases: [],
    ...more,
  } satisfies Drilled;
}

it('says of the drills of all backups, newest first, whether they passed and what they took', () => {
  const phases = [
    { phase: 'fetch' as const, milliseconds: 500 },
    { phase: 'load' as const, milliseconds: 1_500 },
  ];
  const other = drill(3, 'installed', null, { manifestSha256: 'b'.repeat(64), phases });
  const histories = drillHistories([drill(1, 'installed'), other, drill(2, null, 'backup')]);

  expect(lastDrills(histories)).toEqual([
    { at: other.at, passed: true, level: 'installed', seconds: 2 },
    { at: drill(2, null).at, passed: false, level: null, seconds: 0 },
    { at: drill(1, null).at, passed: true, level: 'installed', seconds: 0 },
  ]);
});

describe('of the drills of a backup', () => {
  const PASSED = drill(1, 'installed');
  const BAD = drill(2, 'fetched', 'backup');

  it.each<[string, Drilled[], { bad: Drilled | null; level: DrillLevel | null }]>([
    ['one that passed proves its level', [PASSED], { bad: null, level: 'installed' }],
    ['the highest level counts', [drill(1, 'restored'), drill(2, 'installed')], { bad: null, level: 'restored' }],
    ['one that failed takes that away', [PASSED, BAD], { bad: BAD, level: null }],
    ['a later one heals that, if it gets further', [BAD, drill(3, 'installed')], { bad: null, level: 'installed' }],
    ['and not, if it gets no further', [BAD, drill(3, 'fetched')], { bad: BAD, level: null }],
    [
      'nor if it is an earlier one',
      [drill(3, 'fetched', 'backup'), PASSED],
      { bad: drill(3, 'fetched', 'backup'), level: null },
    ],
    ['nor if it was at the same instant', [BAD, drill(2, 'installed', null, { run: 'zz' })], { bad: BAD, level: null }],
    [
      'a failure in the verification is healed by a verification',
      [drill(2, 'installed', 'backup'), drill(3, 'restored')],
      { bad: null, level: 'restored' },
    ],
    [
      'and by nothing less',
      [drill(2, 'installed', 'backup'), drill(3, 'installed')],
      { bad: drill(2, 'installed', 'backup'), level: null },
    ],
    ...(['copy', 'identity', 'hook'] as const).map((against): [string, Drilled[], { bad: null; level: DrillLevel }] => [
      `one that speaks against the ${against} leaves the backup good`,
      [PASSED, drill(2, null, against)],
      { bad: null, level: 'installed' },
    ]),
  ])('%s', (_what, drills, expected) => {
    for (const order of [drills, drills.toReversed()]) {
      expect(drillHistories(order).get(SHA256)).toMatchObject(expected);
    }
  });

  it('the same mark in two repositories is one drill', () => {
    const history = drillHistories([PASSED, BAD, { ...PASSED }, { ...BAD }]).get(SHA256);

    expect(history?.all).toEqual([BAD, PASSED]);
    expect(history?.last).toEqual(BAD);
  });

  it('the manifest hash says which: the same id with another manifest is another backup', () => {
    const other = { manifestSha256: 'b'.repeat(64) };
    const copies = withDrilled([{ manifestSha256: SHA256 }, other], drillHistories([PASSED]));

    expect(copies.map(({ drilled }) => drilled)).toEqual(['installed', null]);
  });
});

describe('a drill that names no backup', () => {
  const IDS = ['20261123', '20261125', '20261124'];

  it('takes the newest', () => {
    expect(backupToDrill(IDS, 'newest', 'seed')).toBe('20261125');
    expect(backupToDrill([], 'newest', 'seed')).toBeUndefined();
    expect(backupToDrill([], 'random', 'seed')).toBeUndefined();
  });

  it('or a random one, which is the same in every attempt', () => {
    const chosen = backupToDrill(IDS, 'random', 'run 1');

    expect(backupToDrill([...IDS, ...IDS].reverse(), 'random', 'run 1')).toBe(chosen);
  });

  it('each as often as the others', () => {
    const ids = Array.from({ length: 10 }, (_, index) => `2026112${index}`);
    const counts = new Map(ids.map((id) => [id, 0]));
    for (let run = 0; run < 10_000; run++) {
      const id = backupToDrill(ids, 'random', `run ${run}`)!;
      counts.set(id, counts.get(id)! + 1);
    }

    // Six deviations of a fair choice; the seeds are always the same, so this is no matter of luck.
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(180);
  });
});

describe('a drill that names no repository', () => {
  const COPIES = ['local', 'offsite', 'far'].map((repository) => ({ repository }));
  const order = (from: string, ...drills: Drilled[]) =>
    copiesToDrill(COPIES, from, drillHistories(drills)).map(({ repository }) => repository);

  it('goes round: first those that were never drilled, in their own order, then the one longest ago', () => {
    expect(order('rotating')).toEqual(['local', 'offsite', 'far']);
    expect(order('rotating', drill(1, 'installed'))).toEqual(['offsite', 'far', 'local']);
    expect(
      order(
        'rotating',
        drill(3, 'installed'),
        drill(1, 'installed', null, { repository: 'offsite' }),
        drill(2, null, 'copy', { repository: 'far' }),
      ),
    ).toEqual(['offsite', 'far', 'local']);
  });

  it('also by the drills of other backups, and by those before the last of each', () => {
    const ofOther = drill(4, 'installed', null, { manifestSha256: 'b'.repeat(64), repository: 'offsite' });

    expect(
      order('rotating', drill(5, 'installed', null, { repository: 'far' }), drill(1, 'installed'), ofOther),
    ).toEqual(['local', 'offsite', 'far']);
  });

  it('takes the one that the configuration names, and no other', () => {
    expect(order('far', drill(1, 'installed', null, { repository: 'far' }))).toEqual(['far']);
    expect(order('elsewhere')).toEqual([]);
  });
});
