import type { RecoveredSecret } from '../../../src/contract/recovered';
import {
  contentHash,
  isSame,
  type LiveState,
  outcomeOf,
  partsOf,
  roleContent,
  withoutValues,
} from '../../../src/recover/compare';

const OLD = { user: 'app', password: 'old' };
const secret: RecoveredSecret = {
  kind: 'secret',
  path: 'secret/db',
  mount: 'secret/',
  engineVersion: 2,
  metadata: null,
  versions: [
    { version: 3, state: 'readable', createdAt: null, deletedAt: null, data: { password: 'older' } },
    { version: 4, state: 'deleted', createdAt: null, deletedAt: null, data: null },
    { version: 5, state: 'readable', createdAt: null, deletedAt: null, data: OLD },
  ],
};
const live: LiveState = { isThere: true, version: 7, content: contentHash({ password: 'new' }), mayRead: true };

it('writes all versions of what is gone, and only the newest onto what is there', () => {
  expect(partsOf(secret, false).map(({ version }) => version)).toEqual([3, 5]);
  expect(partsOf(secret, true).map(({ version }) => version)).toEqual([5]);
});

it('writes nothing of a secret without a readable version, nor of a mount', () => {
  expect(partsOf({ ...secret, versions: [secret.versions[1]!] }, false)).toEqual([]);
  const mount = { kind: 'mount' as const, path: 'sys/mounts/secret', type: 'kv', settings: {}, tune: {}, config: null };
  expect(partsOf(mount, false)).toEqual([]);
});

it.each([
  ['create', { ...live, isThere: false }],
  ['replace', live],
  ['replace', { ...live, content: null }],
  ['equal', { ...live, content: contentHash({ password: 'old', user: 'app' }) }],
  ['unknown', { ...live, content: null, mayRead: false }],
] as const)('says %s', (outcome, state) => {
  expect(outcomeOf(state, partsOf(secret, true)[0]!)).toBe(outcome);
});

it('knows an AppRole with another id as another one', () => {
  expect(contentHash(roleContent(OLD, 'one'))).not.toBe(contentHash(roleContent(OLD, 'two')));
});

it.each([
  ['nothing', {}, true],
  ['a version', { version: 8 }, false],
  ['the content', { content: contentHash(OLD) }, false],
  ['that it is there', { isThere: false }, false],
])('compares with before: %s has changed', (_what, change, same) => {
  expect(isSame(live, { ...live, ...change })).toBe(same);
});

it('takes values out of what Vault says', () => {
  const text = withoutValues('invalid "hunter2-prod", port 54321 or line: "let me in"', {
    password: 'hunter2-prod',
    nested: [{ line: 'let me in' }],
    port: 54321,
    short: 'or',
  });

  expect(text).toBe('invalid "[value]", port [value] or line: "[value]"');
});
