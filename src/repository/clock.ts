import { formatSeconds } from '../contract/format';
import type { ChainLink } from '../contract/generation';

/** Less is common and harmless: generations are minutes apart. */
const TOLERANCE_SECONDS = 60;

/** Generations are dated by this host's clock, and "latest" goes by that date: reasons to doubt it, for the manifest. */
export function clockWarnings(
  capturedAt: string,
  leader: { node: string; clockAheadSeconds: number | null },
  previous: (Pick<ChainLink, 'generation'> & { capturedAt: string }) | null,
): string[] {
  const warnings: string[] = [];
  const ahead = leader.clockAheadSeconds ?? 0;
  if (Math.abs(ahead) > TOLERANCE_SECONDS) {
    const difference = `${formatSeconds(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'}`;
    warnings.push(`the clock of ${leader.node} is ${difference} the controller's: correct the one that is wrong`);
  }
  if (previous !== null && previous.capturedAt > capturedAt) {
    warnings.push(
      `${previous.generation} is dated later than this backup, which was captured after it: a clock was wrong, and "latest" selects ` +
        'that one until its date has passed; select the backup by its id when you restore',
    );
  }
  return warnings;
}

/** From the `Date` header, which has whole seconds. Null if there is none. */
export function aheadBy(date: string | undefined, now: number): number | null {
  const server = Date.parse(date ?? '');
  return Number.isNaN(server) ? null : Math.round((server - now) / 1_000);
}
