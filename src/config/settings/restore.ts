import { z } from 'zod';
import { personName } from '../../contract/person';
import { auth } from './auth';
import { addressRange, path, secretSource, sshPublicKey } from './values';

const approver = z.strictObject({
  name: personName.describe('The name they give with --as.'),
  key: sshPublicKey.describe(
    'SSH public key, the line of id_ed25519.pub: ssh-ed25519, or sk-ssh-ed25519@openssh.com for a hardware key.',
  ),
});

const reminders = z.strictObject({
  remindMinutes: z
    .number()
    .positive()
    .default(10)
    .describe('Time between two reminders; after an escalation it doubles each time, up to a day.'),
  escalateMinutes: z
    .number()
    .positive()
    .default(30)
    .describe('Time after which reminders are escalations and name the alternates.'),
  alternates: z
    .array(z.string())
    .default([])
    .describe('Who else to notify then, in the form that your notification command understands.'),
});

export const restore = z.strictObject({
  approvers: z
    .array(approver)
    .min(1, 'must name at least one approver')
    .optional()
    .describe('Whose signatures allow a host to be changed, each with their own key. This or `trust` is required.'),
  trust: z
    .literal('namespace', { error: "must be 'namespace', or omitted if approvers are named" })
    .optional()
    .describe(
      "Instead of approvers: nobody signs, and anyone who can write to Temporal's namespace can have all data of every node wiped.",
    ),
  approvals: z
    .number()
    .int()
    .min(0)
    .default(1)
    .describe('How many people must approve a plan, not counting the requester. 0 only with `trust: namespace`.'),
  identities: z
    .array(secretSource)
    .default([])
    .describe(
      'age identities, or OpenSSH private keys, that open backups. Read on the first node, and with --in-place on the leader.',
    ),
  openpgp: z
    .strictObject({
      home: path.describe('GnuPG home directory on the node that decrypts.'),
    })
    .optional()
    .describe("The keys that open OpenPGP backups. Default: the user's own GnuPG home directory."),
  setAside: z
    .enum(['rename', 'delete'], { error: "must be 'rename' or 'delete'" })
    .default('rename')
    .describe(
      'What happens to old data directories. `rename` keeps the way back; `delete` is for disks too small for old and new.',
    ),
  graceDays: z
    .number()
    .min(0)
    .default(7)
    .describe('Days for which old data is kept; after that, `vault-dr remove-set-aside` may delete it.'),
  approvalMinutes: z
    .number()
    .positive()
    .default(60)
    .describe('Minutes for which a plan and its approvals are valid; then the run plans again.'),
  drills: z
    .strictObject({
      approvals: z
        .number()
        .int()
        .min(0)
        .describe('How many people must approve a drill. 0 only with `trust: namespace`.'),
    })
    .optional()
    .describe('Allows --drill on this cluster: for staging, not for production.'),
  leaseGraceMinutes: z
    .number()
    .positive()
    .max(43_200)
    .optional()
    .describe(
      'For how long leases are valid after a restore, at least: those that ended since the backup can then be renewed, where Vault would revoke them at once. Default: they are left to Vault.',
    ),
  peopleLogin: z
    .string()
    .regex(/^\P{Cc}{1,200}$/u, 'must be one line of at most 200 characters')
    .optional()
    .describe(
      'How people log in to the restored cluster, with nothing that could be down: for `vault-dr ready`, and for those who read it that night.',
    ),
  quietReach: z
    .array(addressRange)
    .default([])
    .describe(
      'IP addresses or prefixes that a Vault behind the fence of `restore --quiet` may reach besides its own host: those of the key service of its seal.',
    ),
  rollingRestart: z
    .boolean()
    .default(false)
    .describe(
      'At the end of a recovery, restart each follower in turn and move the leadership once, to prove that the cluster survives it.',
    ),
  auth: auth
    .optional()
    .describe("Login for --in-place, which may write sys/storage/raft/snapshot. Default: the cluster's own `auth`."),
  // A restore never times out.
  reminders: reminders.prefault({}).describe('When people are notified again that a run waits for them.'),
});
