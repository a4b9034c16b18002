import { capturedAtOf, GENERATION_PATTERN } from '../../contract/generation';
import type { TransferOptions } from '../types';
import type { ListedTo, Page, S3Bucket, Version } from './s3-bucket';

/** More guesses are worth no request. */
const GUESSES = 6;
/** Backups are not made evenly. */
const RESERVE = 1.5;
/** Too few were found: this many times further back. */
const FURTHER = 8;

type Lister = Pick<S3Bucket, 'page' | 'now'>;

interface Found {
  versions: Version[];
  /** Whether there is no older backup. */
  complete: boolean;
}

/**
 * The objects of the newest backups of a cluster. S3 lists by name, oldest first: the first page shows how often backups are
 * made, which tells where to begin. A guess that is off costs a request; nothing is taken from it.
 */
export async function newestOf(
  bucket: Lister,
  cluster: string,
  count: number,
  options: TransferOptions = {},
): Promise<Found> {
  const prefix = `${cluster}/`;
  const read = (from: ListedTo | undefined) => bucket.page(prefix, from, options);
  const first = await read(undefined);
  if (isLast(first, prefix)) return lastOf(first.versions, prefix, count, true);

  const now = bucket.now().getTime();
  const known = spanOf(first, prefix);
  // The last backup of a page may continue on the next one.
  let tail = { versions: first.versions, next: first.next, whole: true };
  let begin = known === null ? NaN : now - spacing(known) * count * RESERVE;
  for (let guess = 1; guess <= GUESSES && known !== null && begin > known.to; guess++) {
    const page = await read({ key: `${prefix}${stampOf(begin)}` });
    const enough = idsIn(page.versions, prefix).length >= count;
    if (isLast(page, prefix)) {
      if (enough) return lastOf(page.versions, prefix, count, false);
      begin = now - (now - begin) * FURTHER;
      continue;
    }
    tail = { versions: page.versions, next: page.next, whole: false };
    const span = spanOf(page, prefix);
    const later = span === null ? NaN : now - spacing(span) * count * RESERVE;
    if (!(later > (span?.to ?? now))) break;
    begin = later;
  }
  return readOn(tail);

  /** Page by page to the end. */
  async function readOn({
    versions,
    next,
    whole,
  }: {
    versions: Version[];
    next: ListedTo | undefined;
    whole: boolean;
  }) {
    const all = [...versions];
    for (let from = next; from;) {
      const page = await read(from);
      all.push(...page.versions);
      from = isLast(page, prefix) ? undefined : page.next;
    }
    if (!whole && idsIn(all, prefix).length < count) return readOn({ ...first, whole: true });
    return lastOf(all, prefix, count, whole);
  }
}

/** Whether all backups come before the end of the page: other folders have names that sort after theirs. */
function isLast({ versions, next }: Page, prefix: string): boolean {
  return next === undefined || (versions.at(-1)?.key ?? '') > `${prefix}:`;
}

function lastOf(versions: readonly Version[], prefix: string, count: number, all: boolean): Found {
  const ids = idsIn(versions, prefix);
  const wanted = new Set(ids.slice(-count));
  return {
    versions: versions.filter(({ key }) => wanted.has(folderOf(key, prefix))),
    complete: all && ids.length <= count,
  };
}

/** In their order. */
function idsIn(versions: readonly Version[], prefix: string): string[] {
  return [...new Set(versions.map(({ key }) => folderOf(key, prefix)))]
    .filter((id) => GENERATION_PATTERN.test(id))
    .sort();
}

function folderOf(key: string, prefix: string): string {
  return key.slice(prefix.length).split('/', 1)[0] ?? '';
}

/** When the backups of a page were made; null of fewer than two. */
function spanOf({ versions }: Page, prefix: string): { from: number; to: number; count: number } | null {
  const times = idsIn(versions, prefix).map((id) => Date.parse(capturedAtOf(id)));
  return times.length < 2 ? null : { from: times[0] ?? 0, to: times.at(-1) ?? 0, count: times.length };
}

/** At least a second: ids of one second differ in what follows. */
function spacing({ from, to, count }: { from: number; to: number; count: number }): number {
  return Math.max(1_000, (to - from) / (count - 1));
}

/** As ids begin. */
function stampOf(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+Z/g, '');
}
