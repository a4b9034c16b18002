import { HclError, type HclValue, isBody, parseHcl } from '../../../../src/vault/config/hcl';
import { thrownBy } from '../../../support/thrown';

/** Bodies as lists of their items, labels joined to the key. */
function plain(value: HclValue): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isBody(value)) return value;
  return value.items.map((item) => [[item.key, ...item.labels].join(' '), plain(item.value)]);
}

test.each([
  ['an attribute', 'ui = true', [['ui', true]]],
  ['a block with a label', 'storage "raft" {\n  path = "/data"\n}', [['storage raft', [['path', '/data']]]]],
  ['a block without one', 'telemetry {\n}', [['telemetry', []]]],
  [
    'an object',
    'a = { b = 1, "c" = "2" }',
    [
      [
        'a',
        [
          ['b', 1],
          ['c', '2'],
        ],
      ],
    ],
  ],
  ['a list', 'a = ["x", 2, false, { b = 1 },]', [['a', ['x', 2, false, [['b', 1]]]]]],
  [
    'numbers',
    'a = -1\nb = 0x1F\nc = 017\nd = 1.5e3',
    [
      ['a', -1],
      ['b', 31],
      ['c', 15],
      ['d', 1500],
    ],
  ],
  ['escapes', String.raw`a = "q\"\\\n\t\u00e9\x41\101"`, [['a', 'q"\\\n\téAA']]],
  ['an interpolation', 'a = "x ${file("b")} y"', [['a', 'x ${file("b")} y']]],
  [
    'a heredoc',
    'a = <<EOF\n one\ntwo # kept\nEOF\nb = 1',
    [
      ['a', ' one\ntwo # kept\n'],
      ['b', 1],
    ],
  ],
  [
    'an indented heredoc',
    'a = <<-EOF\n    one\n      two\n    EOF\nb = 1',
    [
      ['a', 'one\n  two\n'],
      ['b', 1],
    ],
  ],
  ['a heredoc that is less indented than its end', 'a = <<-EOF\none\n  EOF\n', [['a', 'one\n']]],
  ['comments', '# one\n// two\n/* three\n a = 1 */ b = 2 # four\n', [['b', 2]]],
  [
    'Windows line ends and a byte order mark',
    '\uFEFFa = 1\r\nb "c" {\r\n}\r\n',
    [
      ['a', 1],
      ['b c', []],
    ],
  ],
  [
    'several on a line',
    'a = 1 b = 2',
    [
      ['a', 1],
      ['b', 2],
    ],
  ],
  [
    'JSON',
    ' {"storage": {"raft": {"path": "/data"}}, "ui": true}',
    [
      ['storage', [['raft', [['path', '/data']]]]],
      ['ui', true],
    ],
  ],
  ['nothing', '# only a remark', []],
])('reads %s', (_what, text, expected) => {
  expect(plain(parseHcl(text))).toEqual(expected);
});

test.each([
  ['a string without an end', 'a = 1\nb = "secret', 'a string is not terminated on line 2'],
  ['a string over two lines', 'a = "sec\nret"', 'a string is not terminated on line 1'],
  ['an unknown escape', String.raw`a = "sec\qret"`, 'unknown escape on line 1'],
  ['a character that is none', String.raw`a = "\UFFFFFFFF"`, 'unknown escape on line 1'],
  ['a block without an end', 'a {\n b = 1\n', 'a name is missing on line 3'],
  ['a value that is missing', 'a = \n', 'a value is missing on line 2'],
  ['a list without commas', 'a = [1 2]', 'a comma is missing on line 1'],
  ['a heredoc without an end', 'a = <<EOF\nx\n', 'a heredoc is not terminated'],
  ['a comment without an end', '/* a = 1', 'a name is missing on line 1'],
  ['nesting without an end', 'a = '.padEnd(300, '['), 'nested too deep'],
  ['JSON that is cut', '{"token": "secret"', 'not valid JSON'],
])('refuses %s, and does not quote it', (_what, text, problem) => {
  const error = thrownBy(() => parseHcl(text));
  expect(error).toBeInstanceOf(HclError);
  expect(error.message).toContain(problem);
  expect(error.message).not.toMatch(/sec|ret/);
});

test('reads what repeats often without trouble', () => {
  const text = `${'# remark\n'.repeat(50_000)}a = 1`;
  expect(plain(parseHcl(text))).toEqual([['a', 1]]);
});
