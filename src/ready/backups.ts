import { formatCount, formatSeconds, formatTime } from '../contract/format';
import type { BackupSurvey, CopyLock, ReadinessFinding } from '../contract/readiness';
import { shellWord } from '../contract/shell-word';
import type { Check, ReadinessFacts } from './facts';
import { listed, no, noBackup, unchecked, yes } from './finding';

/** Without an objective: as `vault-dr doctor`. */
export const LARGEST_AGE_SECONDS = 86_400;
const ENOUGH_COPIES = 2;

/** The newest backup is what a restore would load, and it was read end to end. */
export const backupUsable: Check = (facts) =>
  surveyed(facts, ({ chosen, problem, newest, unanswered }) => {
    const { cluster } = facts.settings;
    if (chosen === null) {
      const seen = withoutEnd(problem?.text ?? 'there is no backup');
      if (problem?.retryable) return unchecked(seen, reach(cluster));
      // What a silent repository holds is not known.
      if (unanswered.length > 0) return unchecked(`${seen}; ${namesOf(unanswered)}`, reach(cluster));
      const remedy =
        newest === null
          ? `Make one: vault-dr backup --cluster ${shellWord(cluster)}`
          : `Read all of them: vault-dr backups verify --cluster ${shellWord(cluster)}. Then: vault-dr backup --cluster ${shellWord(cluster)}`;
      return no(seen, remedy);
    }
    const { generation } = chosen.copy;
    if (newest !== null && newest > generation) {
      const why = chosen.problems.find(({ problem: text }) => text.startsWith(newest))?.problem;
      const seen = `the newest backup, ${newest}, can't be used; a restore would load ${generation}${why === undefined ? '' : `: ${withoutEnd(why)}`}`;
      return no(
        seen,
        `See what is wrong with it: vault-dr backups verify --cluster ${shellWord(cluster)}. Then: vault-dr backup --cluster ${shellWord(cluster)}`,
      );
    }
    return yes(`${generation} was read end to end`);
  });

export const backupAge: Check = (facts) =>
  surveyed(facts, ({ chosen }) => {
    if (chosen === null) return noBackup();
    const { settings, policy, now } = facts;
    const { capturedAt } = chosen.copy.manifest;
    const age = ageOf(capturedAt, now);
    const limit = policy.rpoSeconds ?? LARGEST_AGE_SECONDS;
    const wanted = policy.rpoSeconds === null ? '' : ' (objectives.rpo)';
    const seen = `it is ${formatSeconds(age)} old, of ${formatTime(capturedAt)}; at most ${formatSeconds(limit)}${wanted} are wanted`;
    if (age <= limit) return yes(seen);
    const cluster = shellWord(settings.cluster);
    return no(
      seen,
      `vault-dr backup --cluster ${cluster}. If no schedule makes them: vault-dr schedule apply --cluster ${cluster} --every 6h`,
    );
  });

/** One may be lost. */
export const copies: Check = (facts) =>
  surveyed(facts, ({ chosen, unanswered }) => {
    if (chosen === null) return noBackup();
    const { cluster, repositories } = facts.settings;
    const { healthy } = chosen;
    const lacking = repositories.filter((name) => !healthy.includes(name));
    const whole = `${formatCount(healthy.length, 'good copy', 'good copies')}, in ${healthy.join(', ')}`;
    if (healthy.length >= ENOUGH_COPIES)
      return yes(lacking.length === 0 ? whole : `${whole}; none in ${lacking.join(', ')}`);
    if (repositories.length < ENOUGH_COPIES) {
      return no(
        `${whole}, and no other repository is configured`,
        'Add a second one to `repositories` of the cluster.',
      );
    }
    const about = listed(lacking.map((name) => problemIn(chosen.problems, name)));
    const silent = lacking.filter((name) => unanswered.some(({ repository }) => repository === name));
    const perhaps = healthy.length + silent.length >= ENOUGH_COPIES;
    if (perhaps) return unchecked(`${whole}; ${about}`, reach(cluster));
    return no(
      `${whole}; ${about}`,
      `Make a new one: vault-dr backup --cluster ${shellWord(cluster)}. To copy what is only missing: vault-dr backups verify --cluster ${shellWord(cluster)} --repair`,
    );
  });

export const chain: Check = (facts) =>
  surveyed(facts, (survey) =>
    without(facts, survey, survey.chain, 'the chain of backups is whole', {
      remedy: 'Find out who removed or replaced it: vault-dr backups verify',
    }),
  );

export const marks: Check = (facts) =>
  surveyed(facts, (survey) =>
    without(facts, survey, survey.marks, 'no mark is missing, and all are signed', {
      remedy: 'Find out who removed or wrote it, and pin again what is to be kept: vault-dr backups pin',
    }),
  );

/** Whoever gets hold of this controller's credentials can't remove one copy before a newer backup should be there. */
export const lock: Check = (facts) => {
  const { policy, settings, now } = facts;
  if (policy.locking.length === 0) return null;
  return surveyed(facts, ({ chosen, locks }) => {
    if (chosen === null) return noBackup();
    const wanted = Math.max(
      0,
      (policy.rpoSeconds ?? LARGEST_AGE_SECONDS) - ageOf(chosen.copy.manifest.capturedAt, now),
    );
    const left = ({ until, held }: CopyLock) =>
      held ? Infinity : until === null ? 0 : (Date.parse(until) - Date.parse(now)) / 1_000;
    const best = locks.toSorted((one, other) => left(other) - left(one))[0];
    if (best !== undefined && left(best) > 0 && left(best) >= wanted) {
      const until = best.until === null ? 'for good' : `until ${formatTime(best.until)}`;
      return yes(`the copy in ${best.repository} is locked ${until}`);
    }
    const unknown = locks.filter(({ problem }) => problem !== null);
    if (unknown.length > 0 || locks.length === 0) {
      const why = unknown.map(({ repository, problem }) => `${repository}: ${withoutEnd(problem ?? '')}`);
      return unchecked(
        listed(why.length > 0 ? why : [`no good copy is in ${policy.locking.join(', ')}, which locks`]),
        reach(settings.cluster),
      );
    }
    const found = locks.map(({ repository, until }) =>
      until === null ? `${repository} does not lock it` : `${repository} locks it until ${formatTime(until)} only`,
    );
    return no(
      listed(found),
      `Raise objectLock.days of that repository, or find out why it does not lock: vault-dr repository check ${best?.repository ?? ''}`,
    );
  });
};

/** What a restore would lose. */
export function ageOf(capturedAt: string, now: string): number {
  return Math.max(0, (Date.parse(now) - Date.parse(capturedAt)) / 1_000);
}

function without(
  { settings }: ReadinessFacts,
  { unanswered }: BackupSurvey,
  problems: BackupSurvey['chain'],
  well: string,
  { remedy }: { remedy: string },
): ReadinessFinding {
  const cluster = `--cluster ${shellWord(settings.cluster)}`;
  if (problems.length > 0)
    return no(listed(problems.map(({ problem }) => withoutEnd(problem))), `${remedy} ${cluster}`);
  if (unanswered.length > 0) return unchecked(`not all of it: ${namesOf(unanswered)}`, reach(settings.cluster));
  return yes(well);
}

export function surveyed(
  { backups, settings }: ReadinessFacts,
  check: (survey: BackupSurvey) => ReadinessFinding,
): ReadinessFinding {
  if (backups.result !== null) return check(backups.result);
  return unchecked(withoutEnd(backups.problem), reach(settings.cluster));
}

export function reach(cluster: string): string {
  return `See which repository does not answer, and why: vault-dr backups list --cluster ${shellWord(cluster)}`;
}

function namesOf(unanswered: BackupSurvey['unanswered']): string {
  return listed(unanswered.map(({ repository, problem }) => `${repository} does not answer: ${withoutEnd(problem)}`));
}

function problemIn(problems: BackupSurvey['unanswered'], name: string): string {
  const found = problems.find(({ repository }) => repository === name);
  return found ? `${name}: ${withoutEnd(found.problem)}` : `none in ${name}`;
}

/** It continues. */
function withoutEnd(text: string): string {
  return text.trim().replace(/\.$/, '');
}
