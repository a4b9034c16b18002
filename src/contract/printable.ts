/** What breaks a line or jumps within it, with the blanks around it; those alone are left as they are. */
const BLANKS = /[ \t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Control, format (such as bidi), zero-width and private characters, and halves of pairs. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * A text that came from outside, on one line and with nothing in it that a screen would act upon or hide: such characters
 * are written as `\u{202E}`. What is printable already stays as it is.
 */
export function printable(text: string): string {
  const line = text.replace(BLANKS, (blanks) => (/^ +$/.test(blanks) ? blanks : ' '));
  return line.replace(HIDDEN, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`;
  });
}
