import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Kind, KINDS, type Place, placeOf } from '../../src/host/data/place';
import type { LabNode } from '../../src/lab/layout';

/** Where runs leave what was the data of a node: beside its data directory, or on its volume. */
export function placeOn({ dataDir, volume }: LabNode): Place {
  return volume === undefined ? placeOf(dataDir, 'beside') : placeOf(volume, 'inside');
}

/** Paths of what runs have left of some kind. */
export async function leftOf(node: LabNode, kinds: readonly Kind[] = KINDS): Promise<string[]> {
  const place = placeOn(node);
  const prefixes = kinds.map((kind) => place.name(kind, 'x').slice(0, -1));
  const names = await readdir(place.parent).catch(() => []);
  return names
    .filter((name) => prefixes.some((prefix) => name.startsWith(prefix)))
    .map((name) => join(place.parent, name));
}
