import type { Entry } from './entry';

/** What `vault-dr doctor` finds on a host that is not set up completely. */
export const SETUP = {
  'node-too-old': {
    title: 'Node.js is too old',
    means: 'vault-dr does not run reliably with this version. The packages bring their own.',
    todo: ['Install Node 20.19 or newer, or the package of vault-dr.'],
    see: 'install.md#the-program',
  },
  'config-missing': {
    title: 'There is no configuration',
    means: 'The file does not exist, or this user may not read it.',
    todo: ["On a Vault host: `vault-dr enrol accept`. On the controller's host, write it, or name it with `--config`."],
    see: 'install.md#5-configuration',
  },
  'config-invalid': {
    title: 'The configuration is not valid',
    means: 'It can be read, but something in it is wrong. The message lists every problem with its line.',
    todo: ['Correct it in an editor that knows the schema.'],
    see: 'configuration.md',
  },
  'config-deprecated': {
    title: 'The configuration has a setting of an earlier version',
    means: 'It still counts as what it is now, as the message says.',
    todo: ['Change the file as the message says.'],
    see: 'operate/upgrades.md#settings-of-earlier-versions',
  },
  'config-writable': {
    title: 'Others may change the configuration',
    means: 'Whoever can write it decides who may approve, and what is run as root.',
    todo: ['Take the write permission away from group and others, as the command shows.'],
  },
  'secret-readable': {
    title: 'A secret is readable by others',
    means: 'Other users of this host can read a key or a credential of vault-dr.',
    todo: ['Restrict the file, as the command shows. If you do not trust every user of the host, replace the secret.'],
  },
  'secret-missing': {
    title: 'A file that the configuration names is missing',
    means: 'A key, a credential or an identity cannot be read on this host.',
    todo: ['Put it there, or correct the configuration.'],
  },
  'signing-key-mismatch': {
    title: 'The two halves of the signing key do not match',
    means: 'Backups would be signed with one key and checked with another, so none could be restored.',
    todo: ['Write the public half of the private key into `signing.publicKeyFile`, on every host.'],
  },
  'identity-unusable': {
    title: 'A decryption identity cannot be used',
    means: 'The file can be read, but it is no age identity and no OpenSSH key.',
    todo: ['Put the identity there that belongs to a recipient of the backups.'],
  },
  'temporal-unreachable': {
    title: 'Temporal cannot be used from here',
    means: 'It does not answer, the namespace does not exist, or it refuses this host.',
    todo: ['Start Temporal, or correct the profile. The message says which.'],
    see: 'install.md#4-temporal',
  },
  'search-attributes-missing': {
    title: 'Search attributes are missing',
    means: 'Runs would not start. The controller registers them itself, if it has the permission.',
    todo: ['Have an administrator of the namespace run the command.'],
  },
  'controller-absent': {
    title: 'No controller polls its queue',
    means: 'Nothing that is started in Temporal makes any progress.',
    todo: ['Start the controller on its host.'],
  },
  'sandbox-absent': {
    title: 'No sandbox host polls its queue',
    means:
      'The configuration has `sandbox`, but nobody takes drills that are runs: the unit of a controller lets it make no sandbox, so a unit of its own does that.',
    todo: [
      'If drills run in Temporal: `vault-dr install sandbox`, then the command.',
      'If they only run by `vault-dr drill` on this host, nothing is missing.',
    ],
    see: 'operate/sandbox.md#sandbox-hosts',
  },
  'agent-absent': {
    title: 'The agent of a node does not poll its queue',
    means: 'A recovery of this node would wait for its agent.',
    todo: ['Start the agent on that host.', 'If it runs: `vault-dr doctor agent` there.'],
  },
  'host-over-ssh': {
    title: 'A host can not be served over SSH',
    means:
      'The configuration has `ssh` for that node, and the controller could do no step there. The message says why.',
    todo: ['Fix what the message says; on that host, `vault-dr install ssh` prints what belongs where.'],
    see: 'ssh.md',
  },
  'agent-not-enrolled': {
    title: 'A node is not enrolled',
    means: 'It can be backed up, but not restored: `agentPublicKey`, `dataDir` or `service` is missing.',
    todo: [
      'Create a token with the command, and follow the page.',
      'A node over SSH is enrolled in the same way, once, so that nobody copies what its host has found: docs/ssh.md.',
    ],
    see: 'operate/add-agent.md',
  },
  'agent-key-missing': {
    title: 'The agent has no key',
    means: 'It would create one when it starts, which the configuration does not name.',
    todo: ['Create it with the command, and enrol the agent.'],
    see: 'operate/add-agent.md',
  },
  'agent-key-mismatch': {
    title: "The agent's key is not the one in the configuration",
    means: 'Shares are not encrypted for it, and what it signs is refused.',
    todo: ['Enrol the agent again.'],
    see: 'operate/add-agent.md',
  },
  'own-directory': {
    title: "The agent's own directory is not safe",
    means: 'Somebody else owns it, can write to it, or it cannot be used.',
    todo: ['Correct owner and mode, as the command shows.'],
  },
  'disk-low': {
    title: 'The disk has little room',
    means: 'A backup is staged there before a restore stops anything.',
    todo: ['Free space, or set `stateDir` to a larger disk.'],
  },
  'vault-unreachable': {
    title: 'A node of Vault does not answer',
    means: 'It is stopped, the address is wrong, or its certificate is not accepted. The message says which.',
    todo: ['Start Vault on that host, or correct `address` or `tls`.'],
  },
  'vault-sealed': {
    title: 'A node of Vault is sealed',
    means: 'It runs, but serves nothing.',
    todo: ['Unseal it with the command, as often as the threshold says.'],
  },
  'vault-login': {
    title: 'The login to Vault does not work',
    means: 'Backups fail. The message has the reason.',
    todo: ['Create the login again.'],
    see: 'install.md#2-access-to-vault',
  },
  'vault-policy': {
    title: 'The policy of the login lacks something',
    means: 'A backup would be denied. The message names the paths.',
    todo: ['Write the policy again with the command, as an administrator of Vault.'],
    see: 'install.md#2-access-to-vault',
  },
  'clock-skew': {
    title: 'Clocks differ',
    means: 'Locks, retention, tokens and certificates depend on the time.',
    todo: ['Synchronise the clocks of all hosts.'],
  },
  'repository-missing': {
    title: 'The directory of a repository does not exist',
    means: 'Nothing can be stored there. A disk of its own may not be mounted.',
    todo: ['Mount its disk, or create it with the command.'],
  },
  'repository-broken': {
    title: 'A repository does not do what is promised',
    means: 'It does not answer, or does less than the configuration promises.',
    todo: ['Run the command for the whole table, and correct the bucket or the configuration.'],
  },
  'schedule-missing': {
    title: 'There is no schedule of backups',
    means: 'Backups are only made by hand.',
    todo: ['Create it with the command.'],
  },
  'schedule-paused': {
    title: 'The schedule of backups is paused',
    means: 'No backup is started until somebody continues it.',
    todo: ['Continue it with the command.'],
  },
  'backup-missing': {
    title: 'There is no backup yet',
    means: 'A restore has nothing to restore.',
    todo: ['Make one with the command.'],
  },
  'backup-old': {
    title: 'The newest backup is too old',
    means: 'It is older than two intervals of the schedule, or than a day if there is none.',
    todo: ['Make one with the command, and look why the scheduled ones fail.'],
  },
  'unit-not-installed': {
    title: 'The unit of vault-dr is not installed',
    means: 'Nothing starts it when the host boots.',
    todo: ['Write the unit with the command.'],
    see: 'install.md#6-systemd',
  },
  'unit-not-enabled': {
    title: 'The unit of vault-dr is not enabled',
    means: 'It runs, but would not be started when the host boots.',
    todo: ['Enable it with the command.'],
  },
  'unit-not-running': {
    title: 'The unit of vault-dr does not run',
    means: 'It was stopped, or it has failed.',
    todo: ['Start it with the command, and read its log.'],
  },
} as const satisfies Record<string, Entry>;

export type SetupCode = keyof typeof SETUP;
