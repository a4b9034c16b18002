import type { NoticeCode } from '../catalogue/notices';

export type { NoticeCode } from '../catalogue/notices';

/** A message that has an entry in the catalogue. */
export function notice(code: NoticeCode, text: string): string {
  return coded(code, text);
}

/** With a code in brackets at the end, before the full stop. */
export function coded(code: string, text: string): string {
  return text.endsWith('.') ? `${text.slice(0, -1)} [${code}].` : `${text} [${code}]`;
}
