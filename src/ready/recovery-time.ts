import { formatCount, formatSeconds } from '../contract/format';
import { meetsObjective, type RtoObjective } from '../contract/objectives';
import type { BackupSurvey } from '../contract/readiness';
import { shellWord } from '../contract/shell-word';
import { surveyed } from './backups';
import type { Check, RtoPolicy } from './facts';
import { no, unchecked, yes } from './finding';

/** Nearest rank. */
const PART = 0.95;
/** A drill loads one node, and the others load after it. */
const LOADS_OF_A_RESTORE = 2;

/** What the next restore is expected to take, from those there were, or else from drills. */
export function expectedTime(
  { restores, drills }: Pick<BackupSurvey, 'restores' | 'drills'>,
  { targetSeconds, peopleSeconds: configured, withoutPeople }: RtoPolicy,
): RtoObjective {
  const drilled = drills.filter(({ passed, level }) => passed && level !== 'fetched').map(({ seconds }) => seconds);
  const longestDrill = percentile(drilled);
  const machineSeconds =
    percentile(restores.map((one) => one.machineSeconds)) ??
    (longestDrill === null ? null : longestDrill * LOADS_OF_A_RESTORE);
  const measuredBy = restores.length > 0 ? 'restores' : machineSeconds === null ? null : 'drills';
  const waited = withoutPeople ? 0 : percentile(restores.map((one) => one.peopleSeconds));
  const peopleSeconds = configured ?? waited;
  const expectedSeconds = machineSeconds === null || peopleSeconds === null ? null : machineSeconds + peopleSeconds;
  return { targetSeconds, expectedSeconds, machineSeconds, measuredBy, peopleSeconds };
}

export const recoveryTime: Check = (facts) => {
  const { policy, settings } = facts;
  const target = policy.rto.targetSeconds;
  if (target === null) return null;
  return surveyed(facts, ({ restores, drills, unanswered }) => {
    const expected = expectedTime({ restores, drills }, policy.rto);
    const { machineSeconds, measuredBy, peopleSeconds } = expected;
    const isMet = meetsObjective(expected);
    const machines =
      machineSeconds === null
        ? 'machines: not measured'
        : `machines ${formatSeconds(machineSeconds)}, ${basis(measuredBy, restores.length)}`;
    const people = peopleSeconds === null ? 'people: unknown' : `people ${formatSeconds(peopleSeconds)}`;
    const seen = `${machines}; ${people}; at most ${formatSeconds(target)} (objectives.rto) are wanted`;
    const cluster = shellWord(settings.cluster);
    if (isMet === false) {
      return no(
        seen,
        `See where the time goes: vault-dr report --stored --cluster ${cluster}; or change the objective.`,
      );
    }
    if (isMet) return yes(seen);
    if (machineSeconds === null) {
      const away = unanswered.length > 0 ? ` A repository that did not answer may know more.` : '';
      return unchecked(seen, `Measure it by a drill: vault-dr drill --cluster ${cluster}.${away}`);
    }
    return unchecked(seen, 'Say how long people need: objectives.people.');
  });
};

function basis(measuredBy: RtoObjective['measuredBy'], restores: number): string {
  return measuredBy === 'restores' ? `as in ${formatCount(restores, 'restore')}` : 'twice what drills took';
}

/** Null of nothing. */
function percentile(values: readonly number[]): number | null {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.ceil(sorted.length * PART) - 1] ?? null;
}
