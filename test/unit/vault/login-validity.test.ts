import { writeFile } from 'node:fs/promises';
import type { VaultClient } from '../../../src/vault/client';
import { loginValidity } from '../../../src/vault/login-validity';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
/** Not asked: what a JWT says stands in it. */
const vault = {} as VaultClient;
const FROM = '2026-11-23T05:00:00.000Z';
const UNTIL = '2026-11-23T06:00:00.000Z';

async function validityOf(jwt: string) {
  await writeFile(inTest('jwt'), jwt);
  return loginValidity(vault, { method: 'jwt', mount: 'jwt', jwt: { file: inTest('jwt') } });
}

const jwt = (claims: object) =>
  ['{}', JSON.stringify(claims), 'signature'].map((part) => Buffer.from(part).toString('base64url')).join('.');

test('a JWT says itself until when it works', async () => {
  const times = { iat: Date.parse(FROM) / 1_000, exp: Date.parse(UNTIL) / 1_000 };

  expect(await validityOf(jwt(times))).toEqual({ what: 'the JWT', from: FROM, until: UNTIL, problem: null });
});

test('one without an end never ends', async () => {
  expect(await validityOf(jwt({ exp: 'soon' }))).toMatchObject({ until: null, problem: null });
});

test('of what is no JWT it is unknown, and nothing of it is shown', async () => {
  const found = await validityOf('hvs.of-somebody');

  expect(found).toMatchObject({ until: null, problem: 'it is no JWT' });
});

describe('a secret id', () => {
  const asked = async (looked: object | null) => {
    await writeFile(inTest('secret-id'), 'of-the-role');
    const approle = {
      read: () => Promise.resolve({ data: { meta: { role_name: 'vault-dr' } } }),
      write: () => Promise.resolve(looked),
    } as unknown as VaultClient;
    const secretId = { file: inTest('secret-id') };
    return loginValidity(approle, { method: 'approle', mount: 'approle', roleId: secretId, secretId });
  };
  const data = { creation_time: FROM, expiration_time: '0001-01-01T00:00:00Z' };

  it.each([
    [{ ...data, secret_id_num_uses: 7 }, 7],
    [{ ...data, secret_id_num_uses: 0 }, undefined],
    [{ ...data, secret_id_num_uses: 'many' }, undefined],
    [data, undefined],
  ])('of which Vault says %j can be used as often as that', async (looked, usesLeft) => {
    expect((await asked({ data: looked })).usesLeft).toBe(usesLeft);
  });

  it('that is gone was used up by the login that asks', async () => {
    expect(await asked(null)).toMatchObject({ usesLeft: 0, problem: null });
  });
});
