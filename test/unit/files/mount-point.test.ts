import { mkdtemp, rmdir, symlink } from 'node:fs/promises';
import { isMountPoint, mountPoints } from '../../../src/files/mount-point';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

it('is seen also through a link, and is not what a link on another disk leads to', async () => {
  const onOtherDisk = await mkdtemp('/dev/shm/vault-dr-test-');
  await symlink('/dev/shm', inTest('disk'));
  await symlink(onOtherDisk, inTest('below'));

  const seen = await Promise.all(['disk', 'below', ''].map((name) => isMountPoint(inTest(name))));
  await rmdir(onOtherDisk);

  expect(seen).toEqual([true, false, false]);
});

it('is known where it has the device number of what is around it', () => {
  const table = [
    '25 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw',
    '42 25 8:1 /srv/vault /opt/vault\\040data rw,relatime shared:1 - ext4 /dev/sda1 rw',
  ].join('\n');

  expect(mountPoints(table)).toEqual(['/', '/opt/vault data']);
});
