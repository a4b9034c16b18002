import { formatCount, formatSeconds } from '../contract/format';
import type { NodeReport } from '../contract/host';
import type { ReadinessFinding } from '../contract/readiness';
import { shellWord } from '../contract/shell-word';
import type { Check, ReadinessFacts } from './facts';
import { listed, no, unchecked, yes } from './finding';

/** As in `vault-dr doctor`. */
const LARGEST_SKEW_SECONDS = 30;

export const agents: Check = ({ inspections, settings }) => {
  const silent = inspections.filter(({ report }) => report === null);
  if (silent.length === 0) return yes(`${formatCount(inspections.length, 'agent answers', 'agents answer')}`);
  const node = silent[0]?.node ?? '';
  return no(
    listed(silent.map(({ node: name, problem }) => `${name}: ${(problem ?? 'it does not answer').replace(/\.$/, '')}`)),
    `On that host: systemctl enable --now vault-dr-agent. If it runs: vault-dr doctor agent --cluster ${shellWord(settings.cluster)} --node ${node}`,
  );
};

/** By Temporal's clock, which says when an agent was asked and had answered. */
export const clocks: Check = (facts) => {
  const off = facts.inspections.flatMap(({ node, report, askedAt, answeredAt }) => {
    if (report?.clock === undefined) return [];
    const clock = Date.parse(report.clock);
    const early = (Date.parse(askedAt) - clock) / 1_000;
    const late = (clock - Date.parse(answeredAt)) / 1_000;
    if (Math.max(early, late) <= LARGEST_SKEW_SECONDS) return [];
    return [
      `the clock of ${node} is ${early > late ? `${formatSeconds(early)} behind` : `${formatSeconds(late)} ahead of`} that of Temporal`,
    ];
  });
  if (off.length > 0) return no(listed(off), 'Set the one that is wrong: timedatectl set-ntp true');
  return ofAll(facts, ({ clock }) => (clock === undefined ? OLD_AGENT : null), 'no clock is off by more than 30 s');
};

/** Whether the first node opens what is encrypted as backups are, with what a restore would use. */
export const identity: Check = ({ canary, settings }) => {
  if (canary === undefined) return null;
  const first = settings.nodes[0]?.name ?? '';
  const { made, opened } = canary;
  if (opened.result === null) {
    return unchecked(opened.problem.replace(/\.$/, ''), `Start the agent of ${first}, or upgrade it.`);
  }
  const { sha256, problem, advice } = opened.result;
  if (sha256 === made.sha256) return yes(`${first} decrypts what is encrypted as the backups are`);
  const seen = (problem ?? 'what it decrypted is not what was sent').replace(/\.$/, '');
  return no(
    `${first} can't decrypt: ${seen}`,
    advice ?? `Put an identity of the backup's recipients where restore.identities names it, on ${first}.`,
  );
};

/** An agent that did not answer has not been looked at. */
export function ofAll(
  { inspections }: Pick<ReadinessFacts, 'inspections'>,
  unknown: (report: NodeReport) => string | null,
  well: string,
): ReadinessFinding {
  const gaps = inspections.flatMap(({ node, report }) => {
    const gap = report === null ? 'its agent does not answer' : unknown(report);
    return gap === null ? [] : [`${node}: ${gap}`];
  });
  if (gaps.length === 0) return yes(well);
  return unchecked(listed(gaps), 'Start or upgrade those agents, and give them access to what they could not see.');
}

export const OLD_AGENT = 'an agent of an earlier version does not say';
