import type { Readable } from 'node:stream';
import { DrError } from '../../contract/failures';
import { printable } from '../../contract/printable';

/** A file that may be a snapshot; content and name are untrusted. */
export interface SourceFile {
  /** For messages. */
  place: string;
  /** Path relative to what was named, with slashes. */
  path: string;
  sizeBytes: number;
  modifiedAt: Date;
  open: () => Promise<Readable>;
}

/** Larger imports must be split. */
export const MOST_FILES = 1_000;
const LONGEST_PLACE = 300;

export function placeOf(text: string): string {
  const shown = printable(text);
  return shown.length <= LONGEST_PLACE ? shown : `…${shown.slice(-LONGEST_PLACE)}`;
}

/** @throws DrError InvalidInput */
export function assertFew(count: number, place: string): void {
  if (count <= MOST_FILES) return;
  throw new DrError(
    'InvalidInput',
    `There are more than ${MOST_FILES} files in ${placeOf(place)}. Nothing was imported.`,
    {
      advice: 'Select a part of it: a subdirectory, or the beginning of the names.',
    },
  );
}

/** Fails at the first byte beyond the listed size: a file that grows is not complete. */
export async function* bounded(source: Readable, { place, sizeBytes }: Pick<SourceFile, 'place' | 'sizeBytes'>) {
  let read = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    read += chunk.length;
    if (read > sizeBytes) {
      throw new DrError('SnapshotIncomplete', `${place} is still growing.`, {
        where: place,
        advice: 'Import it once it is completely written.',
      });
    }
    yield chunk;
  }
}
