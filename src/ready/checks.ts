import type { ReadinessCheck, ReadinessCheckName } from '../contract/readiness';
import { READINESS_CHECKS } from '../contract/readiness';
import { backupAge, backupUsable, chain, copies, lock, marks } from './backups';
import { auditTrail, signingKey } from './controller';
import { certificates, loginExpiry } from './expiry';
import type { CheckEntry, ReadinessFacts } from './facts';
import { agents, clocks, identity } from './hosts';
import { copiesInReach, login, plan, reach, rights, room, seal, versions, wayIn } from './plan';
import { plugins } from './plugins';
import { drill, rollCall } from './practice';
import { recoveryTime } from './recovery-time';

/** Every check. `docs/operate/ready.md` lists them as they are here. */
export const CHECKS: Readonly<Record<ReadinessCheckName, CheckEntry>> = {
  'backup-usable': {
    asks: 'the newest backup is the one that a restore loads, and was read end to end',
    check: backupUsable,
  },
  'backup-age': { asks: 'it is not older than `objectives.rpo`, or else a day', check: backupAge },
  'recovery-time': {
    asks: 'where `objectives.rto` is configured: a restore is expected to end within it',
    check: recoveryTime,
  },
  copies: { asks: 'at least two repositories have a good copy of it', check: copies },
  chain: { asks: 'no backup was removed, replaced or moved', check: chain },
  marks: { asks: 'no pin, and no record of a restore or drill, was removed or forged', check: marks },
  'copies-in-reach': { asks: 'the first node can fetch a good copy', check: copiesInReach },
  agents: { asks: 'the agent of every node answers', check: agents },
  clocks: { asks: 'no clock of a host is off by more than 30 s', check: clocks },
  identity: { asks: 'the first node decrypts a canary that is encrypted as backups are', check: identity },
  login: { asks: "vault-dr's login works, and is in the backup", check: login },
  rights: { asks: 'the service can be stopped and started, and the data set aside, on every node', check: rights },
  room: { asks: 'the disks have room for the backup and its data', check: room },
  versions: { asks: 'all nodes run one version, and it can load the backup', check: versions },
  seal: { asks: 'the seal is that of the backup, and reaches its key', check: seal },
  reach: { asks: 'every agent reaches its Vault', check: reach },
  plan: { asks: 'nothing else would have a restore refused', check: plan },
  lock: {
    asks: 'where a repository has `objectLock`: a copy is locked until a newer backup should be there',
    check: lock,
  },
  plugins: {
    asks: "where the backup names external plugins: every node has their files, by SHA-256 where Vault's catalogue may be read",
    check: plugins,
  },
  'way-in': {
    asks: 'people have a way in afterwards: `restore.peopleLogin`, or a root token by the keys alone',
    check: wayIn,
  },
  certificates: {
    asks: 'no certificate of Vault or vault-dr, or for Temporal, ends within 7 days, or a tenth of its life',
    check: certificates,
  },
  'login-expiry': {
    asks: 'what vault-dr logs in with does not end within 7 days, a tenth of its life, or 100 uses',
    check: loginExpiry,
  },
  'signing-key': { asks: 'the controller has both halves of the signing key', check: signingKey },
  'audit-trail': { asks: "the controller's audit trail is whole", check: auditTrail },
  drill: { asks: 'where `drill.everyDays` is configured: a drill passed within that time', check: drill },
  'roll-call': { asks: 'where `rollCall.holders` are: enough shares were proved in time', check: rollCall },
};

/** Those that concern the cluster, in their order. */
export function evaluateChecks(facts: ReadinessFacts): ReadinessCheck[] {
  return READINESS_CHECKS.flatMap((check) => {
    const found = CHECKS[check].check(facts);
    return found === null ? [] : [{ check, ...found }];
  });
}
