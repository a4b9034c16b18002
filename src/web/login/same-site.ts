/** Where these pages are, as browsers write it: `https://vault-dr.example.com`. */
export type Origin = string;

/**
 * Why a request that changes something does not come from a form of these pages; null if it does. Browsers say where it comes
 * from, and pages can't change that. Our pages send no referrer, and with that browsers say of a form `Origin: null`.
 */
export function foreignRequest(headers: Pick<Headers, 'get'>, origin: Origin): string | null {
  const [site, from] = [headers.get('sec-fetch-site'), headers.get('origin')];
  // `none`: typed or from a bookmark, which no form is.
  if (site !== null && site !== 'same-origin') return 'The request comes from another page.';
  if (from === origin || (site !== null && (from === null || from === 'null'))) return null;
  return from === null ? 'The request does not say where it comes from.' : 'The request comes from another site.';
}

/** Of forms only. Others can be sent by scripts without asking, or can't be read. */
export function isForm(headers: Pick<Headers, 'get'>): boolean {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  return type === 'application/x-www-form-urlencoded';
}
