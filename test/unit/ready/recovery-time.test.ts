import { expectedTime } from '../../../src/ready/recovery-time';

const policy = { targetSeconds: null, peopleSeconds: null, withoutPeople: false };
const restore = (machineSeconds: number, peopleSeconds = 0) => ({ at: '', machineSeconds, peopleSeconds });
const drill = (seconds: number, passed = true, level: 'fetched' | 'restored' = 'restored') => ({
  at: '',
  passed,
  level,
  seconds,
});

describe('the expected time of a restore', () => {
  it.each([
    [[5], 5],
    [[9, 1, 5], 9],
    // 19 of 20 took no longer.
    [Array.from({ length: 20 }, (_, at) => at + 1), 19],
  ])('is what 95 %% of the restores took, of %j', (times, expected) => {
    const all = times.map((seconds) => restore(seconds));
    expect(expectedTime({ restores: all, drills: [drill(1_000)] }, policy)).toMatchObject({
      machineSeconds: expected,
      measuredBy: 'restores',
    });
  });

  it('is twice that of drills before the first restore, of those that passed and loaded the backup', () => {
    const drills = [drill(20), drill(500, false), drill(700, true, 'fetched')];
    expect(expectedTime({ restores: [], drills }, policy)).toMatchObject({ machineSeconds: 40, measuredBy: 'drills' });
    expect(expectedTime({ restores: [], drills: [] }, policy)).toMatchObject({
      machineSeconds: null,
      measuredBy: null,
    });
  });

  it.each([
    ['as they needed before', [restore(30, 600)], {}, 600, 630],
    ['as the configuration says', [restore(30, 600)], { peopleSeconds: 60 }, 60, 90],
    ['nothing where nobody is waited for', [restore(30, 0)], { withoutPeople: true }, 0, 30],
    ['unknown before the first restore', [], {}, null, null],
  ])('has the time of people: %s', (_what, restores, changes, peopleSeconds, expectedSeconds) => {
    expect(expectedTime({ restores, drills: [] }, { ...policy, ...changes })).toMatchObject({
      peopleSeconds,
      expectedSeconds,
    });
  });
});
