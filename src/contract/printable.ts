/** Anything that breaks a line or moves within it, with surrounding blanks. */
const BLANKS = /[ \t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Control, format (such as bidi), zero-width and private characters, and halves of pairs. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Text from outside on one line, without characters that a screen would act upon or hide: those are written as
 * `\u{202E}`. Printable text is unchanged.
 */
export function printable(text: string): string {
  const line = text.replace(BLANKS, (blanks) => (/^ +$/.test(blanks) ? blanks : ' '));
  return line.replace(HIDDEN, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`;
  });
}
