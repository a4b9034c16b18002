import { formatCount, formatSeconds, formatTime } from '../../contract/format';
import { evaluateRollCall } from '../../contract/roll-call';
import { holdersNotProven } from '../../contract/voice/roll-call-text';
import { expectedTime } from '../../ready/recovery-time';
import { drillHistories } from '../../repository/keep/drills';
import { longestGap } from '../backups';
import type { EvidenceRecovery } from '../schema';
import { weigh, type Weighed } from '../verdict';
import type { Findings } from './findings';

const DAY_SECONDS = 86_400;
/** Recoveries that bring a cluster back that is down or has wrong data. */
const OUTAGES = ['snapshot', 'inPlace', 'peers'];

/** Each restore and each drill against the objective. */
export function recoveryTime({ facts, recoveries, drills, silent, recoveriesOpen }: Findings): Weighed {
  const { rto } = facts.policy;
  const target = rto.targetSeconds;
  if (target === null) return weigh({ open: ['objectives.rto is not configured'], well: '' });
  const restores = recoveries.filter(({ method, changedNodes }) => OUTAGES.includes(method ?? '') && changedNodes);
  const passed = drills.filter(({ passed: isPassed, level }) => isPassed && level !== 'fetched');
  const wanted = `at most ${formatSeconds(target)} (objectives.rto) is wanted`;
  const against = [
    ...restores.flatMap((restore) => tooLong(restore, target)),
    ...passed
      .filter(({ seconds }) => seconds > target)
      .map(({ at, seconds }) => `the drill of ${formatTime(at)} took ${formatSeconds(seconds)}; ${wanted}`),
  ];
  const done = restores.filter(({ status }) => status === 'completed');
  const proved = done.filter(({ approved }) => approved === 'verified');
  const { expectedSeconds, machineSeconds, peopleSeconds } = expectedTime(
    { restores: [], drills: passed.map(({ at, level, seconds }) => ({ at, passed: true, level, seconds })) },
    rto,
  );
  if (expectedSeconds !== null && expectedSeconds > target && proved.length === 0) {
    against.push(`by its drills a restore takes about ${formatSeconds(expectedSeconds)}; ${wanted}`);
  }
  const [open, well] =
    proved.length > 0
      ? [[], `${formatCount(proved.length, 'restore')} took at most ${longest(proved)}; ${wanted}`]
      : expectedSeconds !== null
        ? [[], `no restore; by its drills it takes about ${formatSeconds(expectedSeconds)}, people included; ${wanted}`]
        : [[withoutProof(machineSeconds, peopleSeconds, done.length)], ''];
  return weigh({ against, open: [...silent, ...recoveriesOpen, ...open], well });
}

function withoutProof(machineSeconds: number | null, peopleSeconds: number | null, done: number): string {
  if (machineSeconds !== null && peopleSeconds === null) {
    return `machines take about ${formatSeconds(machineSeconds)} by drills; how long people need is not known (objectives.people)`;
  }
  if (done > 0)
    return `${formatCount(done, 'restore')} took place, and no report of them has approvals that could be verified`;
  return 'there was neither a restore nor a drill';
}

function tooLong({ run, status, rtoSeconds }: EvidenceRecovery, target: number): string[] {
  if (status !== 'completed') return [`the recovery ${run} ended as ${status}`];
  if (rtoSeconds === null || rtoSeconds <= target) return [];
  return [`the restore ${run} took ${formatSeconds(rtoSeconds)}; at most ${formatSeconds(target)} is wanted`];
}

function longest(restores: readonly EvidenceRecovery[]): string {
  return formatSeconds(Math.max(...restores.map(({ rtoSeconds }) => rtoSeconds ?? 0)));
}

/** Whether backups were loaded for real, as often as configured, or else once. */
export function tests({ facts, drills, allDrills, backups, silent }: Findings): Weighed {
  const { policy, period } = facts;
  const { drillDays } = policy;
  const histories = drillHistories(allDrills);
  const against = backups.flatMap(({ generation, manifestSha256 }) => {
    const bad = histories.get(manifestSha256 ?? '')?.bad;
    return bad ? [`the drill of ${generation} on ${formatTime(bad.at)} failed, and no later one has got further`] : [];
  });
  const passing = allDrills.filter(({ failed, level }) => failed === null && level !== 'fetched');
  const passed = drills.filter(({ passed: isPassed, level }) => isPassed && level !== 'fetched').length;
  const gap = longestGap(
    passing.map(({ at }) => at),
    period,
  );
  const isLate = drillDays === null ? passed === 0 : !gap.known || gap.seconds > drillDays * DAY_SECONDS;
  const wanted = drillDays === null ? '' : `; one within ${formatCount(drillDays, 'day')} is wanted (drill.everyDays)`;
  const seen = `${formatCount(passed, 'drill')} passed in the period${wanted}`;
  if (isLate && silent.length === 0) {
    against.push(
      drillDays === null
        ? 'no drill passed in the period'
        : !gap.known
          ? `no drill had passed when the period began${wanted}`
          : `there was no passed drill for ${formatSeconds(gap.seconds)}, until ${formatTime(gap.before)}${wanted}`,
    );
  }
  return weigh({ against, open: silent, well: seen });
}

/** Whether enough key holders had proved their shares by the end of the period. */
export function keyHolders({ facts, rollCalls, silent }: Findings): Weighed {
  const { policy, period, views } = facts;
  if (policy.rollCall === null) return weigh({ open: ['rollCall.holders is not configured'], well: '' });
  const manifests = views.flatMap(({ copies }) => copies.map(({ manifest }) => manifest));
  const newest = manifests
    .filter(({ capturedAt }) => Date.parse(capturedAt) < Date.parse(period.to))
    .toSorted((left, right) => Date.parse(left.capturedAt) - Date.parse(right.capturedAt))
    .at(-1);
  if (newest === undefined) {
    return weigh({ open: ['no backup is there that says how many shares there are', ...silent], well: '' });
  }
  const standing = evaluateRollCall(rollCalls, policy.rollCall, newest.recovery ?? newest.seal, new Date(period.to));
  const well = `${formatCount(standing.proven, 'share')} proved within ${formatCount(standing.everyDays, 'day')} before the end of the period; ${standing.wanted} are wanted`;
  const short = standing.enough ? [] : [holdersNotProven(standing)];
  return weigh(silent.length > 0 ? { open: [...short, ...silent], well } : { against: short, well });
}

/** Whether people signed for what was done to hosts. */
export function approvals({ facts, recoveries, recoveriesOpen, silent }: Findings): Weighed {
  const asked = recoveries.filter(({ changedNodes, approvalsWanted }) => changedNodes && approvalsWanted !== 0);
  const refuted = asked.filter(({ approved }) => approved === 'refuted');
  const unverified = asked.filter(({ approved }) => approved === 'not verified');
  return weigh({
    against: refuted.map(
      ({ run }) => `${run} has changed hosts, and its approvals do not verify with the configured keys`,
    ),
    open: [
      ...silent,
      ...recoveriesOpen,
      ...(facts.policy.approvers === null ? ['nobody has to sign (restore.trust: namespace)'] : []),
      ...unverified.map(({ run }) => `the approvals of ${run} could not be verified`),
      ...(asked.length === 0 ? ['no host was changed, so that nothing had to be approved'] : []),
    ],
    well: `the approvers' signatures of ${formatCount(asked.length, 'recovery', 'recoveries')} were verified`,
  });
}
