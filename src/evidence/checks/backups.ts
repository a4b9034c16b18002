import { formatCount, formatSeconds, formatTime } from '../../contract/format';
import { isPlausible, isProved, longestGap, type Gap } from '../backups';
import type { EvidenceBackup } from '../schema';
import { weigh, type Weighed } from '../verdict';
import type { Findings } from './findings';

/** One may be lost. */
const ENOUGH = 2;
const DAY_MS = 86_400_000;
/** A lock is set when the object is stored, which takes a while after the capture. */
const TOLERANCE_MS = 60 * 60_000;

/** The longest time for which nothing newer could have been restored, against the objective. */
export function recoveryPoint({ facts, allBackups, silent, trailOpen }: Findings): Weighed {
  const { policy, period } = facts;
  const target = policy.rpoSeconds;
  const [proved, plausible] = [isProved, isPlausible].map((counts) => {
    const counted = allBackups.filter((backup) => counts(backup));
    return longestGap(
      counted.map(({ capturedAt }) => capturedAt),
      period,
    );
  }) as [Gap, Gap];
  const others = allBackups.filter((backup) => isPlausible(backup) && !isProved(backup));
  if (target === null) {
    return weigh({ open: [`objectives.rpo is not configured; ${gapText(plausible)}`], well: '' });
  }
  const wanted = `at most ${formatSeconds(target)} (objectives.rpo) is wanted`;
  if (plausible.seconds > target) {
    // What else there may have been is not known.
    const unknown = [...silent, ...trailOpen];
    if (unknown.length > 0) return weigh({ open: [`${gapText(plausible)}; ${wanted}`, ...unknown], well: '' });
    return weigh({ against: [`${gapText(plausible)}; ${wanted}`], well: '' });
  }
  if (!plausible.known) {
    const first = 'no backup of before the period is known, nor what a restore at its beginning would have lost';
    return weigh({ open: [first, `${gapText(plausible)}; ${wanted}`], well: '' });
  }
  if (proved.known && proved.seconds <= target) return weigh({ well: `${gapText(proved)}; ${wanted}` });
  const gone = others.filter(({ source }) => source !== 'copies').length;
  const unread = others.length - gone;
  return weigh({
    open: [
      `${gapText(plausible)}, as far as records go; ${wanted}`,
      ...(gone > 0 ? [`${formatCount(gone, 'backup is', 'backups are')} no longer there to be read`] : []),
      ...(unread > 0 ? [`${formatCount(unread, 'backup was', 'backups were')} not read`] : []),
    ],
    well: '',
  });
}

function gapText({ seconds, after, before }: Gap): string {
  const where =
    after === null ? `until ${formatTime(before)}` : `from ${formatTime(after)} until ${formatTime(before)}`;
  const what = after === null ? 'there was no backup for' : 'the longest time without a new good backup was';
  return `${what} ${formatSeconds(seconds)}, ${where}`;
}

export function backupsWhole({ facts, backups, silent }: Findings): Weighed {
  const present = backups.filter(({ source }) => source === 'copies');
  const copies = present.flatMap(({ generation, copies: all }) => all.map((copy) => ({ generation, ...copy })));
  const of = (wanted: string) => copies.filter(({ state }) => state === wanted);
  const whole = of('whole');
  return weigh({
    against: of('damaged').map(({ generation, repository, problem }) => `${generation} in ${repository}: ${problem}`),
    open: [
      ...silent,
      ...(present.length === 0 ? ['no backup of the period is there'] : []),
      ...(facts.reads === null ? ['no copy was read (--no-read)'] : []),
      ...of('unknown').map(({ generation, repository }) => `${generation} in ${repository} could not be read`),
      ...(facts.reads !== null && of('listed').length > 0 ? ['not all copies were read'] : []),
    ],
    well: `${formatCount(whole.length, 'copy', 'copies')} of ${formatCount(present.length, 'backup')} were read end to end and match their signed manifests`,
  });
}

export function twoRepositories({ facts, backups }: Findings): Weighed {
  // Of what retention has removed somewhere nobody knows how many there were.
  const asked = backups.filter(
    ({ source, copies }) => source === 'copies' && !copies.some(({ state }) => state === 'removed'),
  );
  const [against, open]: [string[], string[]] = [[], []];
  for (const { generation, copies } of asked) {
    const wholeIn = copies.filter(({ state }) => state === 'whole');
    const perhaps = copies.filter(({ state }) => state === 'listed' || state === 'unknown');
    if (wholeIn.length >= ENOUGH) continue;
    const found = `${generation} has ${formatCount(wholeIn.length, 'copy', 'copies')} read end to end`;
    if (wholeIn.length + perhaps.length >= ENOUGH) open.push(found);
    else against.push(`${found}, and no other that could be one`);
  }
  if (facts.repositories.length < ENOUGH) against.unshift('the cluster has one repository');
  if (asked.length === 0) open.push('no backup of the period is there');
  return weigh({
    against,
    open,
    well: `each of ${formatCount(asked.length, 'backup')} has whole copies in two or more repositories`,
  });
}

export function encrypted({ backups, silent }: Findings): Weighed {
  const known = backups.filter(({ encryption }) => encryption !== null);
  const methods = [...new Set(known.map(({ encryption }) => encryption))].join(', ');
  return weigh({
    against: known
      .filter(({ encryption }) => encryption === 'none')
      .map(({ generation }) => `${generation} is not encrypted`),
    open: [...silent, ...(known.length === 0 ? ['no backup of the period is there'] : []), ...unreadIn(backups)],
    well: `all of ${formatCount(known.length, 'backup')} are encrypted (${methods})`,
  });
}

/** What is there, and says nothing of itself. */
function unreadIn(backups: readonly EvidenceBackup[]): string[] {
  return backups
    .filter(({ source, encryption }) => source === 'copies' && encryption === null)
    .map(({ generation }) => `the manifest of ${generation} can't be trusted or read`);
}

/** Each copy in a repository that is to lock, for as long as its configuration says. */
export function locked({ facts, silent }: Findings): Weighed {
  const { policy, locks, views, createdAt } = facts;
  if (policy.locking.size === 0) {
    const open =
      'no repository has objectLock in the configuration: whether copies are protected otherwise is not known';
    return weigh({ open: [open], well: '' });
  }
  const [against, open] = [[] as string[], [...silent]];
  for (const { repository, generation, until, held, problem } of locks) {
    const place = `${generation} in ${repository}`;
    const copy = views
      .find((view) => view.repository === repository)
      ?.copies.find((one) => one.generation === generation);
    const days = policy.locking.get(repository) ?? 0;
    const wanted = Date.parse(copy?.manifest.capturedAt ?? createdAt) + days * DAY_MS - TOLERANCE_MS;
    if (problem !== null) open.push(`${place}: ${problem}`);
    else if (held) continue;
    else if (until === null) against.push(`${place} is not locked`);
    else if (Date.parse(until) < wanted) against.push(`${place} is locked until ${formatTime(until)} only`);
  }
  if (locks.length === 0) open.push('no copy is young enough to be locked still');
  const names = [...policy.locking].map(([name, days]) => `${name} (${formatCount(days, 'day')})`).join(', ');
  return weigh({
    against,
    open,
    well: `${formatCount(locks.length, 'copy is', 'copies are')} locked as configured, in ${names}`,
  });
}
