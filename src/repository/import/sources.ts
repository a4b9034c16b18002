import type { Readable } from 'node:stream';
import { DrError } from '../../contract/failures';
import { printable } from '../../contract/printable';

/** A file that may be a snapshot; its content and its name are untrusted. */
export interface SourceFile {
  /** As it is shown. */
  place: string;
  /** Below what was named, with slashes: its name, and the folders that it lies in. */
  path: string;
  sizeBytes: number;
  modifiedAt: Date;
  open: () => Promise<Readable>;
}

/** More in one place are named in smaller ones. */
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

/** Fails at the first byte that is more than the file had when it was listed: what grows on is not finished. */
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
