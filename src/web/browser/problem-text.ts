import { isDrError } from '../../contract/failures';
import { printable } from '../../contract/printable';

/** What a holder is to know of an error. */
export function problemText(error: unknown): string {
  if (isDrError(error)) return `${error.message}\n${error.advice ?? ''}`.trim();
  const message = printable(error instanceof Error ? error.message : String(error));
  return `This browser can't do it: ${message}\nOpen the page in another browser.`;
}
