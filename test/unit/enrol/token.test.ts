import { createToken, expiryIn, readToken } from '../../../src/enrol/token';
import { thrownBy } from '../../support/thrown';

const SCOPE = { cluster: 'prod', node: 'vault-1', expires: 1_800_000_000 };

test('a token carries whom it is for, and both sides derive the same keys from it', () => {
  const { token, keys } = createToken(SCOPE);

  expect(readToken(`  ${token}\n`)).toEqual({ ...SCOPE, keys });
  expect(new Set(Object.values(keys)).size).toBe(3);
});

test('two tokens of the same node have nothing in common', () => {
  const [one, other] = [createToken(SCOPE), createToken(SCOPE)];

  expect(one.token).not.toBe(other.token);
  expect(Object.values(one.keys).some((key) => Object.values(other.keys).includes(key))).toBe(false);
});

test('it holds 256 bits that nobody can guess, and what is kept is not among its text', () => {
  const { token, keys } = createToken(SCOPE);

  expect(Buffer.from(token.slice(-48), 'base64url')).toHaveLength(36);
  for (const key of Object.values(keys)) expect(token).not.toContain(key);
});

test('each changed character is noticed, and no message repeats it', () => {
  const { token } = createToken(SCOPE);
  for (let at = 0; at < token.length; at++) {
    const changed = `${token.slice(0, at)}${token[at] === 'x' ? 'y' : 'x'}${token.slice(at + 1)}`;
    const error = thrownBy(() => readToken(changed));

    expect(error).toMatchObject({ code: 'InvalidInput' });
    expect(error.message).not.toContain(changed.slice(-20));
  }
});

test.each([
  '',
  'vdr',
  'vdr_prod_vault-1_1',
  `vdr_../x_vault-1_1_${'A'.repeat(48)}`,
  `vdr_prod_VAULT_1_${'A'.repeat(48)}`,
  'x'.repeat(1_000_000),
])('%.40s is no token', (text) => {
  expect(() => readToken(text)).toThrow('not an enrolment token');
});

test('nobody can prolong a token: its end is part of its keys', () => {
  const secret = Buffer.alloc(32, 7);
  const [one, later] = [createToken(SCOPE, secret), createToken({ ...SCOPE, expires: SCOPE.expires + 1 }, secret)];

  expect(later.keys.offer).not.toBe(one.keys.offer);
  expect(expiryIn(1_000_000, 0)).toBe(24 * 3600);
});
