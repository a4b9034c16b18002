import { formatCount, formatTime } from '../contract/format';
import { evaluateRollCall } from '../contract/roll-call';
import { shellWord } from '../contract/shell-word';
import { holdersNotProven } from '../contract/voice/roll-call-text';
import { reach, surveyed } from './backups';
import type { Check } from './facts';
import { no, noBackup, unchecked, yes } from './finding';

const DAY_MS = 86_400_000;

/** Whether a backup was loaded lately, where that is asked for. */
export const drill: Check = (facts) => {
  const { policy, settings, now } = facts;
  const { drillDays } = policy;
  if (drillDays === null) return null;
  return surveyed(facts, ({ drills, unanswered }) => {
    const last = drills.find(({ passed }) => passed);
    const within = `within ${formatCount(drillDays, 'day')}`;
    if (last && Date.parse(now) - Date.parse(last.at) <= drillDays * DAY_MS)
      return yes(`a drill passed ${formatTime(last.at)}, ${within}`);
    const seen = last ? `the last drill that passed was ${formatTime(last.at)}, not ${within}` : 'no drill has passed';
    // Its mark may be there alone.
    if (unanswered.length > 0) return unchecked(seen, reach(settings.cluster));
    return no(seen, `vault-dr drill --cluster ${shellWord(settings.cluster)}`);
  });
};

/** Whether enough key holders still have their shares, where they are named. */
export const rollCall: Check = (facts) => {
  const { policy, settings, now } = facts;
  if (policy.rollCall === null) return null;
  const asked = policy.rollCall;
  return surveyed(facts, ({ rollCalls, chosen, unanswered }) => {
    if (chosen === null) return noBackup();
    const { recovery, seal } = chosen.copy.manifest;
    const standing = evaluateRollCall(rollCalls, asked, recovery ?? seal, new Date(now));
    if (standing.enough) {
      return yes(`${formatCount(standing.proven, 'share')} proved within ${formatCount(asked.everyDays, 'day')}`);
    }
    const seen = holdersNotProven(standing).replace(/\.$/, '');
    if (unanswered.length > 0) return unchecked(seen, reach(settings.cluster));
    return no(seen, `vault-dr roll-call --cluster ${shellWord(settings.cluster)} --wait 3d`);
  });
};
