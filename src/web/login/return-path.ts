const LONGEST = 500;
const ORIGIN = 'http://pages.invalid';
/** From these the way would lead here again. */
const NOT_BACK_TO = /^\/(login|logout)(\/|$)/;

/**
 * Where somebody wanted to go before the login: a path of these pages, and never another site. Browsers take backslashes for
 * slashes, drop tabs and line ends, and read `//` as the beginning of a host.
 */
export function returnPath(wanted: string | undefined | null): string {
  if (wanted === undefined || wanted === null || wanted.length > LONGEST) return '/';
  if (!/^\/[\x21-\x5b\x5d-\x7e]*$/.test(wanted) || !URL.canParse(wanted, ORIGIN)) return '/';
  const { origin, pathname, search } = new URL(wanted, ORIGIN);
  // Removing dots can leave two slashes at the beginning.
  if (origin !== ORIGIN || /^\/[/\\]/.test(pathname) || NOT_BACK_TO.test(pathname)) return '/';
  return pathname + search;
}
