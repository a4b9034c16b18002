import { chmod, mkdir, readdir } from 'node:fs/promises';
import { checkRepository } from '../../../../src/repository/check/check';
import { clockRow } from '../../../../src/repository/check/capability';
import { lifecycleEffects } from '../../../../src/repository/check/lifecycle';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();

describe('a directory', () => {
  const check = async (mode: number) => {
    await mkdir(inTest('local'));
    await chmod(inTest('local'), mode);
    return checkRepository('local', { type: 'directory', path: inTest('local') });
  };

  it('that is private promises everything but a lock, and is left as it was', async () => {
    const report = await check(0o700);

    const verdicts = Object.fromEntries(report.capabilities.map(({ capability, verdict }) => [capability, verdict]));
    expect(verdicts).toEqual({
      'write and read': 'ok',
      'write once': 'ok',
      'as a backup is written': 'ok',
      'power cut': 'ok',
      clock: 'ok',
      access: 'ok',
      'missing disk': 'ok',
      room: 'ok',
      lock: 'weaker',
    });
    expect(await readdir(inTest('local'))).toEqual([]);
  });

  it('that others may read is weaker', async () => {
    const { capabilities } = await check(0o755);

    expect(capabilities).toContainEqual(
      expect.objectContaining({ capability: 'access', verdict: 'weaker', found: 'mode 0755' }),
    );
  });

  it('that is a mount point is weaker: nothing would tell that its disk is not mounted', async () => {
    const { capabilities } = await checkRepository('local', { type: 'directory', path: '/dev/shm' });

    expect(capabilities).toContainEqual(
      expect.objectContaining({ capability: 'missing disk', verdict: 'weaker', found: 'hidden: a mount point' }),
    );
  });

  it('that is not there keeps nothing', async () => {
    const { capabilities } = await checkRepository('local', { type: 'directory', path: inTest('nowhere') });

    expect(capabilities).toEqual([expect.objectContaining({ verdict: 'broken', found: 'stat failed with ENOENT' })]);
  });
});

test.each([
  [2_000, 'ok', '2 s ahead of this host'],
  [-61_000, 'weaker', '1 min 1 s behind this host'],
])('a clock that is %i ms off is %s', (offset, verdict, found) => {
  expect(clockRow(offset)).toMatchObject({ verdict, found });
});

describe('lifecycle rules', () => {
  const effects = (...rules: Parameters<typeof lifecycleEffects>[0]) =>
    lifecycleEffects(rules, 'vault/', { team: 'platform' });
  const gone = { Status: 'Enabled', Expiration: { Days: 7 } } as const;

  it('count that concern the prefix, whichever way they say it', () => {
    const legacy = { ...gone, ID: 'old', Prefix: 'vault' };

    expect(
      effects({ ...gone, ID: 'all' }, { ...gone, ID: 'below', Filter: { Prefix: 'vault/prod/' } }, legacy),
    ).toEqual({
      expires: ["rule 'all' after 7 days", "rule 'below' after 7 days", "rule 'old' after 7 days"],
      expiresHidden: [],
      abortsUploadsAfterDays: null,
    });
  });

  it('do not count that are off, are for others, or want tags that are not set', () => {
    const { expires } = effects(
      { ...gone, Status: 'Disabled' },
      { ...gone, Filter: { Prefix: 'logs/' } },
      { ...gone, Filter: { Tag: { Key: 'team', Value: 'web' } } },
      { ...gone, Filter: { And: { Prefix: 'vault/', Tags: [{ Key: 'keep', Value: 'no' }] } } },
      { Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { ExpiredObjectDeleteMarker: true } },
    );

    expect(expires).toEqual([]);
  });

  it('are distinguished by their behaviour', () => {
    expect(
      effects(
        { ...gone, ID: 'tagged', Filter: { Tag: { Key: 'team', Value: 'platform' } } },
        { ID: 'day', Status: 'Enabled', Filter: {}, Expiration: { Date: new Date('2027-01-01') } },
        { ID: 'hidden', Status: 'Enabled', Filter: {}, NoncurrentVersionExpiration: { NoncurrentDays: 40 } },
        { Status: 'Enabled', Filter: {}, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 3 } },
      ),
    ).toEqual({
      expires: ["rule 'tagged' after 7 days", "rule 'day' on 2027-01-01"],
      expiresHidden: ["rule 'hidden' after 40 days"],
      abortsUploadsAfterDays: 3,
    });
  });
});
