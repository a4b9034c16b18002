import { personName, samePerson } from '../../../src/contract/person';

const parse = (name: unknown) => personName.safeParse(name);
const problem = (name: unknown) => parse(name).error?.issues.map(({ message }) => message);

/** As somebody who wants to approve his own restore would spell his name; the requester is `ana`. */
const VARIANTS: [string, string][] = [
  ['a zero-width space', 'a\u200bna'],
  ['full width', '\uff41\uff4e\uff41'],
  ['a Cyrillic letter', '\u0430na'],
  ['a soft hyphen', 'an\u00ada'],
  ['a right-to-left mark', 'ana\u200f'],
  ['a newline', 'ana\n'],
  ['NUL', 'ana\0'],
  ['a combining grapheme joiner', 'a\u034fna'],
  ['a variation selector', 'ana\ufe0f'],
  ['a no-break space', '\u00a0ana'],
  ['tag characters', 'ana\u{e0061}\u{e007f}'],
  ['upper case', 'ANA'],
  ['blanks around', '  ana\t'],
  ['a zero-width joiner', 'an\u200da'],
  ['invisible times', 'ana\u2062'],
  ['a Hangul filler', 'ana\u3164'],
];

describe('samePerson', () => {
  it.each(VARIANTS)('takes a name with %s for nobody else', (_what, variant) => {
    expect(samePerson(variant, 'ana')).toBe(true);
    expect(samePerson('ana', variant)).toBe(true);
  });

  it.each(VARIANTS)('%s: is refused as a name, or accepted as the same one', (_what, variant) => {
    const { data = 'ana' } = parse(variant);

    expect(samePerson(data, 'ana')).toBe(true);
  });

  it.each([
    ['another script from end to end', 'асе', 'ace'],
    ['blanks inside', 'Ana  Maria', 'ana maria'],
    ['composed or not', 'Zoe\u0301', 'zoé'],
    ['sharp s', 'Groß', 'GROSS'],
    ['mathematical letters', '\u{1d41a}na', 'ana'],
  ])('sees through %s', (_what, left, right) => {
    expect(samePerson(left, right)).toBe(true);
  });

  it.each([
    ['ana', 'ben'],
    ['ana', 'aná'],
    ['ana', 'ana2'],
    ['ana maria', 'ana'],
    ['王伟', '王芳'],
  ])('tells %s from %s', (left, right) => {
    expect(samePerson(left, right)).toBe(false);
  });
});

describe('personName', () => {
  it.each([
    ['ana', 'ana'],
    [' Ana ', 'Ana'],
    ["Sinéad O'Connor-Smith", "Sinéad O'Connor-Smith"],
    ['Nguye\u0302\u0303n', 'Nguyễn'],
    ['Юлия', 'Юлия'],
    ['山田 たろう', '山田 たろう'],
    ['김철수', '김철수'],
    ['राम', 'राम'],
    ['محمد', 'محمد'],
    ['ops@example.com', 'ops@example.com'],
    ['svc_backup.2', 'svc_backup.2'],
    ['x'.repeat(64), 'x'.repeat(64)],
    ['\uff21na', 'Ana'],
  ])('takes %j', (raw, name) => {
    expect(parse(raw).data).toBe(name);
  });

  const UNSEEN = ['must have no control, invisible or unknown characters in it'];
  it.each<[string, unknown, string[]]>([
    ['nothing', '', ['must say who you are']],
    ['blanks', ' \t\u00a0', ['must say who you are']],
    ['punctuation', '--', ['must say who you are']],
    ['a mark first', '\u0301ana', ['must say who you are']],
    ['a number', 7, ['must be a name in quotes']],
    ['a zero-width space', 'a\u200bna', UNSEEN],
    ['a line break', 'ana\nben', UNSEEN],
    ['a line separator', 'ana\u2028ben', UNSEEN],
    ['an escape', 'ana\u001b[2J', UNSEEN],
    ['an override of direction', 'ana\u202e', UNSEEN],
    ['half a surrogate pair', 'ana\ud800', UNSEEN],
    ['a private character', 'ana\ue000', UNSEEN],
    ['an unassigned character', 'ana\u{e0fff}', UNSEEN],
    ['a Hangul filler', 'ana\u3164', UNSEEN],
    ['two scripts', '\u0430na', ['must be written in one script, one that is in use today']],
    ['a script of the dead', '\u{10330}', ['must be written in one script, one that is in use today']],
    ['heaped marks', `a${'\u0337'.repeat(9)}`, ['must not heap marks on a letter']],
    ['too long a name', 'x'.repeat(65), ['must be at most 64 characters']],
    ['what grows', '\ufdfa'.repeat(20), ['must be at most 64 characters']],
    ['a book', 'x'.repeat(2_000_000), ['must be at most 64 characters']],
  ])('refuses %s', (_what, raw, problems) => {
    expect(problem(raw)).toEqual(problems);
  });
});
