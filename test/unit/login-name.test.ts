import { userInfo } from 'node:os';
import { loginName } from '../../src/login-name';

it('is the login, or the number of a user that the host does not know', () => {
  const unknown = () => {
    throw new Error('uv_os_get_passwd returned ENOENT');
  };

  expect([loginName(), loginName(unknown)]).toEqual([userInfo().username, `uid-${process.geteuid?.()}`]);
});
