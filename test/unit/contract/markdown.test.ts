import { escapeMarkdown, markdownCode, markdownTable } from '../../../src/contract/markdown';

describe('escapeMarkdown', () => {
  it.each<[string, string, string]>([
    ['leaves words and paths alone', '/opt/vault_1/data.pre-restore-a1: 3 %', '/opt/vault_1/data.pre-restore-a1: 3 %'],
    ['a cell of a table', 'a|b\\|c', 'a\\|b\\\\\\|c'],
    ['code', 'run `vault` and ```', 'run \\`vault\\` and \\`\\`\\`'],
    ['HTML and entities', '<img src=x onerror=a()>&lt;', '\\<img src=x onerror=a()\\>\\&lt;'],
    ['links and pictures', '![x](https://evil) [y]: z', '!\\[x\\](https://evil) \\[y\\]: z'],
    ['emphasis', '*a* __b__ ~~c~~ d_e', '\\*a\\* \\_\\_b\\_\\_ \\~\\~c\\~\\~ d_e'],
    ['a heading of its own', 'a\n\n# b', 'a # b'],
    ['a heading at the beginning', '  # b', '\\# b'],
    ['a list', '- b', '\\- b'],
    ['a numbered list', '1. b', '1\\. b'],
    ['what is hidden', 'a\u202Eb', 'a\\\\u{202E}b'],
  ])('%s', (_what, text, expected) => {
    expect(escapeMarkdown(text)).toBe(expected);
  });
});

test('a table keeps its cells', () => {
  expect(markdownTable(['a', ''], [['x|y', 'z\n| w |']])).toBe('| a |  |\n| --- | --- |\n| x\\|y | z \\| w \\| |');
  expect(markdownTable(['a'], [])).toBe('');
});

test('code can not end its own block', () => {
  expect(markdownCode(['a `b`', '```', 'c\n```'])).toBe('````\na `b`\n```\nc ```\n````');
});
