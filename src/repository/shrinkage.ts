import type { Manifest } from '../contract/generation';
import { formatBytes } from '../contract/format';

type Measured = Pick<Manifest, 'generation' | 'archive' | 'keys'>;

/**
 * Reports sizes and counts that fell by more than this percentage since the previous backup: deleted data, or a partial
 * snapshot.
 */
export function shrinkageWarnings(before: Measured, now: Omit<Measured, 'generation'>, percent: number): string[] {
  const fell = (from: number, to: number) => from > 0 && (1 - to / from) * 100 > percent;
  const warnings: string[] = [];
  if (fell(before.archive.sizeBytes, now.archive.sizeBytes)) {
    const sizes = [before, now].map(({ archive }) => formatBytes(archive.sizeBytes));
    warnings.push(`the snapshot shrank from ${sizes[0]} to ${sizes[1]} since ${before.generation}`);
  }
  if (fell(before.keys.count, now.keys.count)) {
    warnings.push(`the number of keys fell from ${before.keys.count} to ${now.keys.count} since ${before.generation}`);
  }
  return warnings;
}
