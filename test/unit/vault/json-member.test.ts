import { replaceMember, textMember } from '../../../src/vault/json-member';

const json = (text: string) => Buffer.from(text);
const replaced = (text: string, ...path: string[]) => replaceMember(json(text), path, () => 'new')?.toString('utf8');

it('replaces one member, and no other byte', () => {
  const text =
    '{"ü": {"end":"inner \\" }"}, "lease":9007199254740993.0,"list":[1,{"end":"x"},"]"], "end" : "old","more":true}\n';

  expect(replaced(text, 'end')).toBe(text.replace('"old"', '"new"'));
});

it('goes into objects', () => {
  expect(replaced('{"end":"a","role":{"other":{"end":"b"},"end":"c"}}', 'role', 'end')).toBe(
    '{"end":"a","role":{"other":{"end":"b"},"end":"new"}}',
  );
});

it('gives what it replaces', () => {
  expect(replaceMember(json('{"end":"a\\u0062"}'), ['end'], (value) => `${value}c`)?.toString()).toBe('{"end":"abc"}');
  expect(textMember(json('{"end":"a\\u0062"}'), ['end'])).toBe('ab');
});

it.each([
  ['another name', '{"start":"old"}'],
  ['a member of a member', '{"other":{"end":"old"}}'],
  ['a value in a text', '{"other":"\\"end\\":\\"old\\""}'],
  ['a number', '{"end":1}'],
  ['null', '{"end":null}'],
  ['a list', '[{"end":"old"}]'],
  ['an empty object', '{}'],
  ['nothing', ''],
  ['a cut document', '{"other":"a'],
  ['a cut list', '{"other":[1,2'],
  ['bytes', '\u0000\u0001"end":"old"'],
])('leaves %s alone', (_what, text) => {
  expect(replaced(text, 'end')).toBeUndefined();
});
