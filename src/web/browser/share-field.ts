import { field } from './page';

const SHARE = 'share';
let pasted = false;

/** Of the field for the share, wherever it is in the page: it may come and go. */
export function watchShareField(): void {
  document.addEventListener('paste', ({ target }) => {
    if (target instanceof HTMLInputElement && target.id === SHARE) pasted = true;
  });
  // A page that is left may be kept, to be shown again as it was.
  addEventListener('pagehide', () => {
    if (document.getElementById(SHARE) !== null) field(SHARE).value = '';
  });
}

/** What was entered; afterwards it is in the field no more, and not in the clipboard either. */
export function takeShare(): string {
  const entered = field(SHARE).value.trim();
  field(SHARE).value = '';
  // A browser may refuse.
  if (pasted) void navigator.clipboard?.writeText('').catch(() => undefined);
  pasted = false;
  return entered;
}
