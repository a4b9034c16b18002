import { printable } from '../../../src/contract/printable';

describe('printable', () => {
  it.each<[string, string, string]>([
    ['leaves words alone', 'Zoë (渡辺) lost 3 %: `a_b` | <c>', 'Zoë (渡辺) lost 3 %: `a_b` | <c>'],
    ['puts lines into one', 'ana\nTo cancel:\r\n\tcurl evil', 'ana To cancel: curl evil'],
    ['knows every break of a line', 'a\u0085b\u2028c\u2029d\ve\ff', 'a b c d e f'],
    ['shows what a terminal acts upon', '\u001b[2J\u0007\u009b1A', '\\u{1B}[2J\\u{7}\\u{9B}1A'],
    ['shows what turns the direction of writing', 'a\u202Enel\u2066b\u200F', 'a\\u{202E}nel\\u{2066}b\\u{200F}'],
    [
      'shows what has no width',
      'a\u200Bb\u200Dc\uFEFFd\u2060e\u00ADf',
      'a\\u{200B}b\\u{200D}c\\u{FEFF}d\\u{2060}e\\u{AD}f',
    ],
    ['shows letters that are blank, and tags', 'a\u3164b\u{E0041}', 'a\\u{3164}b\\u{E0041}'],
    ['shows half a pair, and what only a font knows', 'a\uD800b\uE000', 'a\\u{D800}b\\u{E000}'],
  ])('%s', (_what, text, expected) => {
    expect(printable(text)).toBe(expected);
    expect(printable(expected)).toBe(expected);
  });
});
