/** Where these pages are, as browsers write it: `https://vault-dr.example.com`. */
export type Origin = string;

/**
 * Why a request that changes something does not come from a form of these pages; null if it does. Browsers say where it comes
 * from, and pages can't change that. What they say of the origin alone is not enough: our pages send no referrer, and with
 * that it is `null`.
 */
export function foreignRequest(headers: Pick<Headers, 'get'>, origin: Origin): string | null {
  const [site, from] = [headers.get('sec-fetch-site'), headers.get('origin')];
  if (site === 'same-origin' || (site === null && from === origin)) return null;
  // `none`: typed or from a bookmark, which no form is.
  if (site !== null) return 'The request comes from another page.';
  return from === null ? 'The request does not say where it comes from.' : 'The request comes from another site.';
}

/** Of forms only. Others can be sent by scripts without asking, or can't be read. */
export function isForm(headers: Pick<Headers, 'get'>): boolean {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  return type === 'application/x-www-form-urlencoded';
}
