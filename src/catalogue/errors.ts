import type { FailureCode } from '../contract/failures';
import type { Entry } from './entry';

export type ErrorCode = FailureCode;

/** One for each failure code. */
export const ERRORS: Record<ErrorCode, Entry> = {
  InvalidInput: {
    title: 'A command or a workflow input is wrong',
    means: 'Nothing was started. The message names the option or the field, and what it may hold.',
    todo: [
      'Correct it and repeat the command. `vault-dr help COMMAND` lists the options.',
      'If a workflow was started with the stock CLI or the Web UI, compare its input with docs/cli.md.',
    ],
    see: 'cli.md',
  },
  InvalidConfiguration: {
    title: 'The configuration is wrong',
    means:
      'The configuration file, or a file that it names, cannot be used. All problems are listed at once. Nothing was changed.',
    todo: [
      'Correct each line that the message names.',
      'Restart the controller and the agents on that host: they read the file when they start.',
    ],
    see: 'configuration.md',
  },
  UnknownCluster: {
    title: 'No cluster of this name is configured',
    means: 'The configuration that was read has no cluster of this name. The message lists the ones it has.',
    todo: [
      'Check the spelling of `--cluster`.',
      'Check that the right file was read: `--config`, or `VAULT_DR_CONFIG`.',
    ],
    see: 'configuration.md',
  },
  UnknownGeneration: {
    title: 'No such backup',
    means: 'No repository that answered has a backup of this id or of this time. The message lists what there is.',
    todo: [
      'List the backups: `vault-dr backups list --cluster CLUSTER`.',
      'If a repository did not answer, restore access to it and try again: the backup may be there.',
    ],
  },
  NotInBackup: {
    title: 'The backup does not have it',
    means:
      'Nothing at this path can be brought back of this backup: it was not there, was deleted, or is of an engine whose content Vault does not show. Nothing was written.',
    todo: [
      'The message names what is beside it, and the versions of a secret with their states.',
      'Try an older backup: `vault-dr backups list --cluster CLUSTER`.',
      'A version that was deleted and not destroyed comes back with `--deleted`.',
    ],
    see: 'operate/recover-secret.md#when-it-is-not-there',
  },
  ClusterUnhealthy: {
    title: 'The cluster is not healthy enough',
    means: 'A leader, a quorum or a node is missing, so the step was not carried out. Nothing was changed.',
    todo: [
      'Check the nodes that the message names: `vault status` on each, then `vault operator raft list-peers`.',
      'If one node is broken and the others serve, rebuild it. If there is no quorum, recover it.',
    ],
  },
  AuthenticationFailed: {
    title: 'A login was rejected',
    means:
      "Vault, a repository or Temporal did not accept vault-dr's login. Right after a restore this is often a secret id that is newer than the backup: the restored Vault has never seen it.",
    todo: [
      'Check the login that the message names: is it expired, revoked, or of another cluster?',
      'After a restore, issue a new login with an admin token that is in the backup, and store it where `auth` reads it.',
      'The step is tried again; if the run is parked, `vault-dr resume`.',
    ],
    see: 'install.md#2-access-to-vault',
  },
  PermissionDenied: {
    title: 'A permission is missing',
    means: 'The login works, but its policy, the bucket policy or the file permissions do not allow this call.',
    todo: [
      'Grant what the message names (path and capability, or owner and mode of the file).',
      'Repeat the command, or `vault-dr resume` if the run is parked.',
    ],
    see: 'install.md#2-access-to-vault',
  },
  VaultUnavailable: {
    title: 'Vault does not answer',
    means:
      'No usable answer came from this node: Vault is stopped or still starting, the network is cut, or TLS does not match. The step is tried again.',
    todo: [
      'On that host check the service and its log: `systemctl status vault`, `journalctl --unit=vault`.',
      'From where vault-dr runs try the same address: `vault status -address=ADDRESS`.',
      'If the run is parked: `vault-dr resume` once Vault answers.',
    ],
  },
  VaultRefused: {
    title: 'Vault rejected a request',
    means: 'Vault answered, and its answer is an error that does not go away by itself. The message quotes it.',
    todo: [
      'Follow the advice in the message. Where it has none, read the log of Vault on that node at that time.',
      'Fix the cause, then `vault-dr resume` if the run is parked.',
    ],
  },
  SnapshotIncomplete: {
    title: 'The snapshot ended early',
    means:
      'The connection was cut, or Vault closed it, before the whole snapshot had arrived. No backup was stored. The capture is tried again.',
    todo: [
      'If it repeats, look for a proxy, a load balancer or a time-out between the controller and the leader.',
      'Check the leader: did it change, or restart, at that time?',
    ],
  },
  SnapshotCorrupt: {
    title: 'The snapshot is damaged',
    means: 'Its checksums, its archive or its contents do not match. A damaged snapshot is never stored as a backup.',
    todo: [
      'During a backup: it is taken again. If it repeats, check memory and disk of the leader.',
      'During an import or an inspection: use another copy of the file.',
    ],
  },
  StagingLost: {
    title: 'A staged file is gone or cannot be written',
    means: 'A file below the `stateDir` of this host is missing, was changed, or could not be written.',
    todo: [
      'Check that `stateDir` exists, is on a mounted disk, and belongs to the user that vault-dr runs as.',
      'Start the backup again, or `vault-dr resume` if the run is parked: what is missing is fetched again.',
    ],
  },
  DiskFull: {
    title: 'The disk is full',
    says: ['No space left on device …'],
    means: 'There is not enough free space where the message says. Nothing half-written is kept.',
    todo: [
      'Free as much space as the message names. Do not delete `…pre-restore-…` directories of an unfinished run.',
      'The step is tried again; if the run is parked, `vault-dr resume`. A backup for which a node was stopped is not: start it again.',
    ],
  },
  RepositoryUnavailable: {
    title: 'A repository does not answer',
    means:
      'The bucket or the directory cannot be reached, or answers with errors. Other repositories are used as far as possible.',
    todo: [
      'Check it from that host: `vault-dr repository check NAME`.',
      'A backup that could not be copied there is copied by the next one, once it answers.',
    ],
  },
  RepositoryConflict: {
    title: 'A different file has this name already',
    means: 'Backups are written once. Something else is stored under the same name. Nothing was overwritten.',
    todo: [
      'Find out who wrote the file or object that the message names.',
      'Check that no other cluster and no other vault-dr writes to this place. Then move the file away.',
    ],
  },
  CopyDamaged: {
    title: 'A copy of a backup is damaged',
    means: 'What was read from this repository does not have the hash that its signed manifest names. It is not used.',
    todo: [
      'See which copies are good: `vault-dr backups verify --cluster CLUSTER`. `--repair` restores missing ones.',
      'Move the damaged copy away; find out whether the disk is failing, or somebody changed it.',
    ],
  },
  SignatureInvalid: {
    title: 'A signature does not match',
    means: 'The manifest or the mark was signed with another key, or changed after it was signed. It is not used.',
    todo: [
      'If the signing key was replaced, add the public key of that time to the configuration.',
      'If not, somebody else wrote it: use a copy in another repository, and investigate.',
    ],
    see: 'security.md',
  },
  DecryptionFailed: {
    title: 'The backup cannot be decrypted here',
    means: 'None of the identities on this host opens it, or an identity cannot be read. Nothing was changed.',
    todo: [
      'Put the private key that belongs to one of the recipients in the manifest where `restore.identities` reads it.',
      'Try it on that host: `vault-dr inspect`. Then `vault-dr resume` if the run is parked.',
    ],
    see: 'install.md#7-prove-it',
  },
  NotApproved: {
    title: 'An approval is missing or does not count',
    means:
      'The host was not changed: too few people approved this plan, a signature is not from a configured approver, the plan changed, or it expired.',
    todo: [
      'See what the run waits for: `vault-dr status --cluster CLUSTER`.',
      "Approve the plan that it shows now, by its hash: `vault-dr approve`. The requester's own approval does not count.",
      'Compare `restore.approvers` on the host that refused with the key that signed.',
    ],
  },
  NodeFenced: {
    title: 'Another attempt or run owns this node',
    means:
      'A newer attempt of the same step, or another run, has claimed the host, so this one stopped. This protects the data and is normal after a crash or a pause.',
    todo: [
      'Wait: the newer attempt continues.',
      'If it repeats, check that only one agent runs for this node, and `vault-dr status` for the run that owns it.',
    ],
  },
  NodeUnsafe: {
    title: 'The host is not in the expected state',
    means:
      'A file, directory, link, owner or process is not what the step requires, so it stopped before it changed anything else. The message names the path.',
    todo: [
      'Find out who made or changed it. Vault data is moved away by hand, never deleted.',
      'Correct it as the message says, then `vault-dr resume`.',
    ],
  },
  ServiceFailed: {
    title: 'Starting or stopping Vault failed',
    means: 'The service manager, or the configured command, returned an error or did not have the expected effect.',
    todo: [
      'Run the command in the message on that host, as the user of the agent.',
      'Read the log: `journalctl --unit=vault`. Fix the cause; the step is tried again, or `vault-dr resume`.',
    ],
  },
  IdentityLost: {
    title: "The agent's key for this run is gone",
    means:
      'Shares are encrypted for a key that the agent made for this run. Its host lost that key, so shares that were sent before cannot be opened.',
    todo: ['Each key holder submits the share again: `vault-dr unseal --cluster CLUSTER`.'],
  },
  RecipientNotAuthentic: {
    title: "The run's recipients are not signed by your agents",
    says: ["The run's recipients can't be trusted"],
    means:
      'Somebody may be trying to obtain unseal shares: a recipient that the run shows is not signed with the `agentPublicKey` of its node. Nothing was sent.',
    todo: [
      'Do not send a share by any other tool.',
      'Compare `agentPublicKey` of each node with `vault-dr agent-key` on its host; if it has none, add it. Was a host replaced, or its agent reinstalled?',
      'If not, find out who can write to the Temporal namespace: somebody is tampering.',
    ],
    see: 'operate/key-holders.md#check-the-recipients-by-hand',
  },
  ShareRefused: {
    title: 'A share was rejected',
    means: 'It is not an unseal share, was sent twice, belongs to another cluster, or came in a phase that takes none.',
    todo: [
      "Use your own share of this cluster, from `vault operator init` or the latest rekey, not another holder's.",
      'If it was sent in clear text, it is exposed: rekey once the cluster is back (`vault operator rekey`).',
    ],
  },
  SharesDoNotOpen: {
    title: 'The shares do not unseal Vault',
    means:
      'Enough shares were submitted, but together they do not give the key: at least one is wrong, or from before a rekey. They were discarded.',
    todo: [
      'Check which backup was restored: it needs the shares that were valid when it was taken.',
      'Each key holder submits the right share: `vault-dr unseal --cluster CLUSTER`.',
    ],
  },
  DrillRejected: {
    title: 'Your own check rejects the backup',
    means:
      'The command under `sandbox.hook` ended with another exit status than 0, or took longer than it may. The backup itself was loaded and unsealed.',
    todo: [
      'What the command printed says more: it stands above the error, or in the log of the process that made the drill.',
      'To run it by hand against a Vault that stays, rehearse the restore in staging.',
    ],
    see: 'operate/sandbox.md#a-check-of-your-own',
  },
  AlreadyRunning: {
    title: 'It is running already',
    means: 'There is never more than one recovery, backup or import at a time in this place. Nothing was started.',
    todo: [
      'Follow the one that runs: `vault-dr status --cluster CLUSTER --follow`.',
      'If it is not wanted: `vault-dr abort`, then start again.',
    ],
  },
  NoSuchRun: {
    title: 'No such run',
    means: 'Temporal has no run of this cluster or of this id: none was started, or it ended too long ago.',
    todo: [
      'Check `--cluster` and the Temporal profile (`TEMPORAL_CONFIG_FILE`, `TEMPORAL_PROFILE`).',
      'Reports of ended runs: `vault-dr report --cluster CLUSTER`; with `--stored` also of those that Temporal has forgotten.',
    ],
  },
  OtherVersionNeeded: {
    title: 'Another version of vault-dr is needed',
    means:
      'This version cannot continue a run that another version started, or cannot read what a newer one has written to `stateDir`. The worker did not start, and nothing was changed.',
    todo: [
      'Start the version that the message names, until that run has ended; then upgrade again.',
      'Where a newer version has written, install that one or a later one.',
    ],
  },
  TemporalUnreachable: {
    title: 'Temporal does not answer',
    means: 'The Temporal service cannot be reached from here. Runs are not lost; they continue when it is back.',
    todo: [
      'Check `TEMPORAL_CONFIG_FILE` and `TEMPORAL_PROFILE`, and the address and certificates in that file.',
      'Check the service: `temporal operator cluster health`.',
      'If Temporal is lost, a single-host server will do: `vault-dr temporal`.',
    ],
  },
  AgentUnreachable: {
    title: 'The agent of a node does not answer',
    means: 'No agent took the step within its time: the agent or its host is down, or cannot reach Temporal.',
    todo: [
      'Start it on that host (`systemctl start vault-dr-agent`) and read its log.',
      'The step is picked up as soon as the agent runs.',
      'If the host is lost for good: power it off, then `vault-dr skip-node`, where the run allows it.',
    ],
  },
  NotYet: {
    title: 'Not finished yet',
    means: 'What the step waits for has not happened so far. It keeps checking; nothing has failed.',
    todo: ['Wait, or read the message for what is still missing: `vault-dr status --cluster CLUSTER`.'],
  },
  PlanRefused: {
    title: 'The plan was refused',
    means:
      'Something speaks against the recovery. Every reason is listed, each with its own code. Nothing was changed.',
    todo: [
      'Look up each code: `vault-dr explain CODE`. Fix the reasons and start again.',
      'Override only what you have understood: `--accept CODE`.',
    ],
    see: 'cli.md#exit-codes',
  },
  Aborted: {
    title: 'It was aborted',
    means: 'Somebody ended the command or the run before it was done. The message or the report says what was changed.',
    todo: ['Read the report: `vault-dr report --cluster CLUSTER`. Start again when you are ready.'],
  },
  Internal: {
    title: 'An unexpected error',
    means: 'An error that vault-dr has no code for, most often of the operating system or of a program that it runs.',
    todo: [
      'Read the message and the log of the controller or agent at that time.',
      'Steps are tried again. If it repeats and the message does not help, report it with the log lines (SECURITY.md says how if secrets are involved).',
    ],
  },
};
