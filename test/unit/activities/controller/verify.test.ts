import {
  compareCounts,
  goesWithoutLogin,
  mayStayUncounted,
  moveLeadership,
  verifyFirstNode,
} from '../../../../activities/controller/verify';
import { DrError } from '../../../../src/contract/failures';
import type { RestorePlan } from '../../../../src/contract/plan';
import { PLAN } from '../../../support/fake-agents';
import { denied, ok, useSmallVault } from '../../../support/small-vault';
import { buildSnapshot } from '../../../support/snapshot-builder';

describe('what was counted against the manifest', () => {
  const counts = (...items: [string, number][]) =>
    Object.fromEntries(items.map(([prefix, count]) => [prefix, { count, bytes: 1 }]));

  it('is right when it is the same, whatever else there is', () => {
    expect(compareCounts({ 'logical/a': 7 }, counts(['logical/a', 7], ['sys/expire', 3]))).toEqual([]);
  });

  it('is a remark when a write or two explain it', () => {
    expect(compareCounts({ 'logical/a': 7, 'logical/b': 9 }, counts(['logical/a', 8], ['logical/b', 5]))).toEqual([
      'logical/a has 8 keys, the manifest 7: something is already writing',
      'logical/b has 5 keys, the manifest 9: something is already writing',
    ]);
  });

  it('holds the run, and is not counted again by itself, when keys are missing', () => {
    expect(() => compareCounts({ 'logical/a': 1_000, 'logical/b': 6 }, counts(['logical/a', 989]))).toThrow(
      expect.objectContaining({
        message: 'Fewer keys than in the manifest: logical/a: 989 of 1000; logical/b: 0 of 6 [not-the-backup].',
        retryable: false,
      }),
    );
  });
});

describe('keys that can not be counted', () => {
  it.each([
    ['of a connection that breaks', new DrError('VaultUnavailable', 'cut'), 1, false],
    ['of one that breaks again', new DrError('VaultUnavailable', 'cut'), 2, true],
    ['of a snapshot that is cut again', new DrError('SnapshotIncomplete', 'cut'), 2, true],
    ['nobody knows why, again', new Error('what?'), 2, true],
    ['the login may not', new DrError('PermissionDenied', 'denied'), 1, true],
    ['the snapshot is damaged, again and again', new DrError('SnapshotCorrupt', 'damaged'), 4, false],
  ])('because %s: a remark or a reason to hold the run', (_why, error, attempts, isRemark) => {
    expect(mayStayUncounted(error, attempts)).toBe(isRemark);
  });
});

describe('a login that does not work', () => {
  const copy: RestorePlan = { ...PLAN, archive: 'filesystem', accepted: ['login'] };
  const refused = new DrError('AuthenticationFailed', 'invalid role id');

  it.each<[string, RestorePlan, Error, number, boolean]>([
    ['holds no copy of a data directory, where that is accepted', copy, refused, 20_000, true],
    ['is tried again for a while: the node is just becoming active', copy, refused, 5_000, false],
    ['is not waited for where it lacks a right', copy, new DrError('PermissionDenied', 'denied'), 0, true],
    ['is not why a node does not answer', copy, new DrError('VaultUnavailable', 'refused'), 60_000, false],
    ['is not why something differs', copy, new Error('cluster id is …'), 60_000, false],
    ['holds the run where nobody accepted it', { ...copy, accepted: [] }, refused, 60_000, false],
    ['holds the restore of a snapshot', { ...PLAN, accepted: ['login'] }, refused, 60_000, false],
  ])('%s', (_what, plan, error, waitedMs, goesOn) => {
    expect(goesWithoutLogin(plan, error, waitedMs)).toBe(goesOn);
  });
});

describe('the first node', () => {
  const vault = useSmallVault();
  const plan = (keyCounts: Record<string, number>) => ({ plan: { ...PLAN, keyCounts } });
  const whole = plan({ 'logical/7163c756': 2 });
  const SNAPSHOT = 'sys/storage/raft/snapshot';

  beforeEach(async () => {
    const archive = await buildSnapshot();
    vault.answers()[SNAPSHOT] = () => ok(archive);
  });

  it('that serves and has as many keys as the manifest counts is right', async () => {
    expect(await vault.run(verifyFirstNode, whole)).toEqual([]);
  });

  it('that has fewer keys holds the run', async () => {
    await expect(vault.run(verifyFirstNode, plan({ 'logical/7163c756': 20 }))).rejects.toMatchObject({
      message: expect.stringContaining('2 of 20'),
    });
  });

  it('that breaks its snapshot off is asked once more, and then told of', async () => {
    vault.answers()[SNAPSHOT] = () => 'cut';

    await expect(vault.run(verifyFirstNode, whole)).rejects.toMatchObject({ code: 'VaultUnavailable' });
    expect(await vault.run(verifyFirstNode, whole, 2)).toEqual([
      expect.stringContaining('the keys on vault-1 could not be counted: vault-1 closed the connection'),
    ]);
  });

  it('that gives no snapshot is reported', async () => {
    vault.answers()[SNAPSHOT] = () => denied('permission denied');

    expect(await vault.run(verifyFirstNode, whole)).toEqual([expect.stringContaining('permission denied')]);
  });

  it('that gives no snapshot and does not prove itself again holds the run', async () => {
    vault.answers()[SNAPSHOT] = () => {
      vault.answers()['sys/storage/raft/configuration'] = () => denied('peers denied');
      return denied('permission denied');
    };

    await expect(vault.run(verifyFirstNode, whole)).rejects.toMatchObject({
      code: 'PermissionDenied',
      message: expect.stringContaining('peers denied'),
    });
  });
});

describe('the leadership', () => {
  const vault = useSmallVault();

  it('stays where it is unless the configuration wants it moved, whatever the plan says', async () => {
    const stepDown = jest.fn(() => ok({}));
    vault.answers()['sys/step-down'] = stepDown;

    expect(await vault.run(moveLeadership, { plan: { ...PLAN, rollingRestart: true } })).toBe('vault-1');
    expect(stepDown).not.toHaveBeenCalled();
  });
});
