import { explainCommand } from '../../../src/cli/verbs/help';
import { closest } from '../../../src/cli/suggest';
import { wrap } from '../../../src/catalogue/wrap';
import { FAMILIES } from '../../../src/catalogue/catalogue';
import { runVerb } from '../../support/run-verb';

const CODES = FAMILIES.flatMap(({ entries }) => entries.map(({ code }) => code));

test.each(CODES)('%s is explained, with what to do', async (code) => {
  const { out } = await runVerb(explainCommand(), [code]);

  expect(out.startsWith(`${code}: `)).toBe(true);
  expect(out).toContain('\nWhat to do:\n');
  expect(out.split('\n').filter((line) => line.length > 100)).toEqual([]);
});

test('a code is found in any case, and also as a document', async () => {
  const { out } = await runVerb(explainCommand(), ['LOSE-newer-data', '--json']);

  expect(JSON.parse(out)).toMatchObject({
    code: 'lose-newer-data',
    acceptable: true,
    todo: expect.arrayContaining([expect.stringContaining('vault-dr rebuild-node')]),
    link: 'docs/messages.md#lose-newer-data',
  });
});

test('without a code it lists all of them', async () => {
  const list = await runVerb(explainCommand(), []);
  const json = await runVerb(explainCommand(), ['--output', 'json']);

  for (const code of CODES) expect(list.out).toMatch(new RegExp(`^ ${code} `, 'm'));
  const families = JSON.parse(json.out) as { entries: { code: string }[] }[];
  expect(families.flatMap(({ entries }) => entries.map(({ code }) => code)).toSorted()).toEqual(CODES.toSorted());
});

test.each([
  ['lose-newr-data', 'lose-newer-data'],
  ['unavailable', 'VaultUnavailable'],
  ['DiskFul', 'DiskFull'],
])('for %s it suggests %s', async (typed, meant) => {
  await expect(runVerb(explainCommand(), [typed])).rejects.toMatchObject({
    code: 'InvalidInput',
    advice: expect.stringContaining(meant),
  });
});

test('for what is near to nothing it says how to list them', async () => {
  await expect(runVerb(explainCommand(), ['xyzzy'])).rejects.toMatchObject({
    advice: 'List all codes: vault-dr explain',
  });
});

test('the nearest is suggested first', () => {
  expect(closest('verion', ['verify', 'other-version', 'version'])[0]).toBe('version');
});

test('a paragraph is broken between words, with its later lines indented below the mark', () => {
  expect(wrap('one two three', 11, '1. ')).toEqual(['1. one two', '   three']);
  expect(wrap('unbreakable', 5)).toEqual(['unbreakable']);
});
