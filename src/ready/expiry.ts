import { formatCount, formatTime } from '../contract/format';
import type { Validity } from '../contract/host';
import type { ReadinessFinding } from '../contract/readiness';
import type { Check } from './facts';
import { listed, no, unchecked, yes } from './finding';
import { OLD_AGENT } from './hosts';

const DAY_MS = 86_400_000;
/** With a certificate for a year, people have a week; with one for a day that renews itself, it is late after 22 hours. */
const LONGEST_NOTICE_MS = 7 * DAY_MS;
const NOTICE_SHARE = 0.1;
/** Evaluations of two days use as many up. */
const FEWEST_USES = 100;

/** Whether TLS still works in a restore that comes within the next days. */
export const certificates: Check = ({ inspections, backups, now }) => {
  const seen = inspections.flatMap(({ node, report }) =>
    [...(report?.config?.server?.certificates ?? []), ...(report?.certificates ?? [])].map((item) => ({
      ...item,
      what: `${node}: ${item.what}`,
    })),
  );
  const own = backups.result?.own;
  const ofController = (own?.certificates ?? []).map((item) => ({ ...item, what: `${own?.controller}: ${item.what}` }));
  const gaps = inspections.flatMap(({ node, report }) => {
    if (report === null) return [`${node}: its agent does not answer`];
    if (report.config === null) return [`${node}: the configuration of its Vault can't be read`];
    const isSaid = report.config.server?.certificates !== undefined && report.certificates !== undefined;
    return isSaid ? [] : [`${node}: ${OLD_AGENT}`];
  });
  if (own?.certificates === undefined) gaps.push('no controller says how long its own are valid');
  const advice =
    'Renew it, and have what uses it read it again: systemctl reload vault; restart vault-dr where it is its own.';
  return endings([...seen, ...ofController], gaps, now, 'no certificate of Vault or vault-dr ends soon', {
    renew: advice,
    look: 'Start or upgrade those agents, and let them read these files.',
  });
};

/** Whether vault-dr can still log in within the next days. */
export const loginExpiry: Check = ({ live, now }) => {
  const validity = live.result?.loginValidity;
  if (validity === undefined) return unchecked('it could not log in', 'See login.');
  return endings([validity], [], now, 'the credentials of its login do not end soon', {
    renew:
      'Make a new one, and put it where auth of the cluster names it. A restore also needs it in the backup: back up then.',
    look: 'Let the login ask: write the policy in docs/vault-dr-policy.hcl again.',
  });
};

function endings(
  all: readonly Validity[],
  gaps: readonly string[],
  now: string,
  well: string,
  remedies: { renew: string; look: string },
): ReadinessFinding {
  const soon = all.filter((one) => endsSoon(one, Date.parse(now)) || isUsedUpSoon(one));
  if (soon.length > 0) return no(listed(soon.map((one) => ending(one, now))), remedies.renew);
  const unknown = all.flatMap(({ what, problem }) =>
    problem === null ? [] : [`${what}: ${problem.replace(/\.$/, '')}`],
  );
  if (unknown.length + gaps.length > 0) return unchecked(listed([...gaps, ...unknown]), remedies.look);
  const first = all.flatMap(({ until }) => until ?? []).sort((one, other) => Date.parse(one) - Date.parse(other))[0];
  return yes(first === undefined ? well : `${well}; the first of them ${formatTime(first)}`);
}

function ending({ what, until, usesLeft = Infinity }: Validity, now: string): string {
  if (isUsedUpSoon({ usesLeft })) return `${what} has ${formatCount(usesLeft, 'use')} left`;
  const time = until ?? now;
  return `${what} ${Date.parse(time) < Date.parse(now) ? 'has ended' : 'ends'} ${formatTime(time)}`;
}

function isUsedUpSoon({ usesLeft }: Pick<Validity, 'usesLeft'>): boolean {
  return usesLeft !== undefined && usesLeft < FEWEST_USES;
}

/** What lives for a short time is renewed shortly before its end. */
function endsSoon({ from, until }: Pick<Validity, 'from' | 'until'>, now: number): boolean {
  if (until === null) return false;
  const end = Date.parse(until);
  const life = from === null ? Infinity : end - Date.parse(from);
  return end <= now || end - now < Math.min(LONGEST_NOTICE_MS, life * NOTICE_SHARE);
}
