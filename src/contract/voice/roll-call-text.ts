import { formatTime } from '../format';
import { printable } from '../printable';
import type { HolderOutcome, HolderStanding, RollCallProgress, RollCallStanding } from '../roll-call';
import { shellWord } from '../shell-word';

const OUTCOMES: Record<HolderOutcome, string> = {
  right: 'right',
  wrong: 'wrong',
  unproven: 'not proved: too few right shares came',
  silent: 'has not answered',
};

/** Of one holder in one roll-call. */
export function outcomeText(outcome: HolderOutcome | 'never called'): string {
  return outcome === 'never called' ? 'never called' : OUTCOMES[outcome];
}

/** Of one holder over all roll-calls. */
export function standingText({ outcome, provenAt, counts }: HolderStanding): string {
  const last = `last: ${outcomeText(outcome)}`;
  if (provenAt === null) return `not proved; ${last}`;
  return `proved ${formatTime(provenAt)}${counts ? '' : ', too long ago'}; ${last}`;
}

export function holdersNotProven({ proven, wanted, everyDays, holders }: RollCallStanding): string {
  const missing = holders.filter(({ counts }) => !counts).map(({ holder }) => holder);
  const whose = missing.length === 0 ? '' : ` Not proved: ${missing.join(', ')}.`;
  return printable(`Only ${proven} of ${wanted} shares that should be proved within ${everyDays} days are.${whose}`);
}

/** For a notification: its reader may see nothing else. */
export function rollCallFailed({ cluster }: Pick<RollCallProgress, 'cluster'>, problem: string): string {
  return printable(
    `The roll-call of ${cluster} did not prove enough shares: ${problem} See: vault-dr roll-call --show --cluster ${shellWord(cluster)}`,
  );
}
