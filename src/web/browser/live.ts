/** How a page stays up to date: by a stream of its whole content, that is opened again whenever it is lost. */

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** A server that ends a stream in good order has it back within this time, and nobody need notice. */
const UNNOTICED_MS = 3_000;
/** Without a sign of life; a server gives one every 15 s. */
const SILENCE_MS = 45_000;

interface Listener {
  onData: (text: string) => void;
  /** Since when nothing has come, or null again. */
  onConnection: (lostSince: string | null) => void;
}

export function follow(address: string, { onData, onConnection }: Listener): void {
  let source: EventSource | null = null;
  let lostAt: number | null = null;
  let failures = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let notice: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;

  function open(): void {
    clearTimeout(retry);
    source?.close();
    source = new EventSource(address);
    source.addEventListener('open', alive);
    source.addEventListener('error', lost);
    source.addEventListener('alive', () => {
      alive();
      // Of servers that say so.
      silence = setTimeout(lost, SILENCE_MS);
    });
    source.addEventListener('message', ({ data }) => {
      alive();
      onData(String(data));
    });
  }

  function alive(): void {
    clearTimeout(silence);
    clearTimeout(notice);
    failures = 0;
    if (lostAt === null) return;
    lostAt = null;
    onConnection(null);
  }

  function lost(): void {
    clearTimeout(silence);
    source?.close();
    if (lostAt === null) {
      const since = Date.now();
      lostAt = since;
      notice = setTimeout(() => onConnection(new Date(since).toISOString()), UNNOTICED_MS);
    }
    clearTimeout(retry);
    retry = setTimeout(open, waitAfter(failures++, Math.random()));
  }

  addEventListener('online', open);
  addEventListener('offline', lost);
  // A page that is shown again was perhaps asleep.
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) open();
  });
  addEventListener('pagehide', () => source?.close());
  open();
}

/** Twice as long each time, and not for all pages at once. @param chance from 0 to 1 */
function waitAfter(failures: number, chance: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 10)) * (0.75 + chance / 2);
}
