import { z } from 'zod';

const LONGEST_NAME = 64;
/** Before normalisation, which can make a name longer. */
const LONGEST_RAW_NAME = 256;

/** The scripts that Unicode recommends for identifiers (UAX 31, table 5). Nobody signs in an extinct one. */
const SCRIPTS = (
  'Arabic Armenian Bengali Bopomofo Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Han Hangul Hebrew ' +
  'Hiragana Kannada Katakana Khmer Lao Latin Malayalam Myanmar Oriya Sinhala Tamil Telugu Thaana Thai Tibetan'
).split(' ');
/** Scripts that are customarily mixed (UTS 39, 'highly restrictive', without the Latin that it adds). */
const WRITTEN_TOGETHER = [
  ['Han', 'Hiragana', 'Katakana'],
  ['Han', 'Hangul'],
  ['Han', 'Bopomofo'],
];
const ONE_SCRIPT = [...SCRIPTS.map((script) => [script]), ...WRITTEN_TOGETHER].map((scripts) => {
  const extensions = scripts.map((script) => `\\p{Script_Extensions=${script}}`).join('');
  return new RegExp(`^[${extensions}\\p{Script=Common}\\p{Script=Inherited}]*$`, 'u');
});

/**
 * Invisible, moves other characters, or is no character: \p{C} is control, format, surrogate, private use, unassigned.
 */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const NOT_A_BEGINNING = /^\p{M}/u;
const HEAPED_MARKS = /\p{M}{4}/u;
const SOMEBODY = /[\p{L}\p{N}]/u;

/**
 * Name of a person: an operator, an approver, a key holder. People rely on it, and it is compared with other names, so
 * it has one spelling and no invisible characters.
 */
export const personName = z
  .string({ error: 'must be a name in quotes' })
  .max(LONGEST_RAW_NAME, { error: `must be at most ${LONGEST_NAME} characters`, abort: true })
  .overwrite((name) => name.normalize('NFKC').trim())
  .check(({ value, issues }) => {
    const message = problemOf(value);
    if (message !== null) issues.push({ code: 'custom', message, input: value });
  });

function problemOf(name: string): string | null {
  if (UNSEEN.test(name)) return 'must have no control, invisible or unknown characters in it';
  if (!SOMEBODY.test(name) || NOT_A_BEGINNING.test(name)) return 'must say who you are';
  if (Array.from(name).length > LONGEST_NAME) return `must be at most ${LONGEST_NAME} characters`;
  if (HEAPED_MARKS.test(name)) return 'must not heap marks on a letter';
  if (!ONE_SCRIPT.some((script) => script.test(name))) return 'must be written in one script, one that is in use today';
  return null;
}

/** Whether two names are of one person, as far as a reader can tell. */
export function samePerson(left: string, right: string): boolean {
  return comparisonKey(left) === comparisonKey(right);
}

/** Twice, because case folding of normalised text may not be normalised. */
function comparisonKey(name: string): string {
  const seen = fold(fold(name))
    .replace(/\p{Default_Ignorable_Code_Point}+/gu, '')
    .replace(/\s+/g, ' ')
    .replace(/\p{C}+/gu, '')
    .trim();
  return Array.from(seen, (letter) => LOOK_ALIKES.get(letter) ?? letter).join('');
}

/** Through upper case, because lower case has more variants of one letter. */
function fold(name: string): string {
  return name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
}

/** A name in one script may look like one in another: `асе` is all Cyrillic. */
const LOOK_ALIKES = new Map(
  Object.entries({
    a: 'аα',
    b: 'вβ',
    c: 'сϲ',
    d: 'ԁ',
    e: 'еε',
    h: 'һн',
    i: 'іι',
    j: 'ј',
    k: 'кκ',
    m: 'м',
    n: 'η',
    o: 'оοօ',
    p: 'рρ',
    q: 'ԛ',
    s: 'ѕ',
    t: 'тτ',
    u: 'υս',
    v: 'ѵν',
    w: 'ԝω',
    x: 'хχ',
    y: 'уγ',
  }).flatMap(([latin, others]) => Array.from(others, (other): [string, string] => [other, latin])),
);
