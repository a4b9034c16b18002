import type { AcceptCode } from '../contract/plan';
import type { Entry } from './entry';

/** One for each kind of refusal of a plan; those that can be overridden are the accept codes. */
export const REFUSALS = {
  'lose-newer-data': {
    title: 'Newer data would be lost',
    means:
      'The cluster, or a disk of it, holds newer data than the backup. A restore would discard what was written since.',
    todo: [
      'If one node is broken and the others serve: `vault-dr rebuild-node`. Nothing is lost.',
      'If the quorum is lost and a disk survives: `vault-dr recover-quorum`. Nothing on that disk is lost.',
      'If the data is wrong (deleted, overwritten) and the cluster serves: `vault-dr restore --in-place`.',
      'If an earlier restore was ended after it had loaded a backup, and nobody has unsealed that node since, nothing is lost: override.',
    ],
  },
  version: {
    title: 'Versions do not fit',
    means:
      "Vault only reads data of its own version or of one up to two minor versions older (2.0 follows 1.21), and a cluster needs one version on all nodes. Either a node is older than the snapshot, much newer, differs from the others, or the snapshot's version is not known.",
    todo: ["Install the snapshot's version on the nodes that the message names. Upgrade after the restore."],
  },
  'other-product': {
    title: 'Vault and OpenBao are mixed up',
    means: 'The node runs one, the snapshot is of the other. Their storage formats have diverged.',
    todo: [
      'Restore with the product that made the backup.',
      'To change over, follow the migration guide of the other one afterwards.',
    ],
  },
  'other-cluster': {
    title: 'Another cluster than the one in the backup',
    means:
      'The cluster id, the peers or the node id do not match, or the target cluster has data of its own. The cluster was initialised again since, or an address, a host or `dataDir` is wrong.',
    todo: [
      'Compare `nodes` in the configuration with the cluster and the hosts that you mean.',
      'In a rehearsal into another cluster this is expected: override.',
    ],
  },
  'delete-data': {
    title: 'Old data would be deleted',
    means:
      '`restore.setAside` is `delete`: the old data directories are deleted instead of renamed, so there is no roll-back.',
    todo: ['If the disks are large enough for both, set `restore.setAside` to `rename`, and restart the workers.'],
    see: 'configuration.md',
  },
  login: {
    title: 'The login may not work after the restore',
    means:
      "vault-dr's login was changed since the backup, was not recorded with it, or cannot be read. Without it the restored cluster cannot be checked.",
    todo: [
      'Store a login from the time of the backup where `auth` reads it.',
      'Otherwise override, and have an admin token from that time ready.',
    ],
    see: 'install.md#2-access-to-vault',
  },
  'retry-join': {
    title: 'A blank node might join a different cluster',
    means:
      'A `retry_join` in the configuration of Vault names, or may discover, servers that are not part of the plan.',
    todo: [
      'Remove that line, or name the nodes of the plan in it.',
      'Override only if you know that nothing else answers there.',
    ],
  },
  'server-config': {
    title: "Vault's own configuration contradicts vault-dr's",
    means:
      'Storage type, data directory or node id differ from what vault-dr is configured with. It can be overridden where not all of the configuration of Vault could be seen.',
    todo: [
      'Compare `storage "raft"` of Vault with `dataDir` and `nodeId` of the node, and correct one of them.',
      'List all files of the configuration under `configFiles`, so that they can be checked.',
    ],
    see: 'configuration.md',
  },
  'read-timeout': {
    title: 'The upload may take too long',
    means:
      'Vault may close the connection before the whole snapshot is loaded: `http_read_timeout` is too short for its size.',
    todo: ['Raise `http_read_timeout` and `max_request_duration` of the listener that the message names.'],
  },
  'unknown-log': {
    title: 'It is not known which disk is newest',
    means:
      'More than one disk survives, and for one of them the end of its Raft log is unknown. If overridden, only its applied entries count: acknowledged writes that are only in its log may be lost.',
    todo: ['Update the agent on that node, check its disk, and plan again.'],
  },
  reach: {
    title: 'The agent may not reach its Vault',
    means: 'With the cluster down, this agent could neither initialise nor unseal its node.',
    todo: [
      'Change the line that the message names: `localAddress` of the node, a listener of Vault, or `tls` of the cluster.',
    ],
    see: 'configuration.md',
  },
  'live-credentials': {
    title: 'Credentials of a live cluster would be revoked',
    means:
      'The backup holds leases, static roles or audit devices that act on other systems. As soon as the restored Vault is unsealed, it revokes expired leases and rotates overdue passwords in these systems, although another cluster still uses them.',
    todo: [
      'Cut the hosts of the target cluster off from these systems first.',
      'For an imported snapshot find out which cluster it is from. If that cluster is lost, override.',
    ],
  },
  grace: {
    title: 'Old data is still kept',
    means:
      'The grace period (`restore.graceDays`) is not over, or the directory is the original data of an unfinished run.',
    todo: [
      'Wait until the time in the message.',
      'If it is original data: `vault-dr roll-back --cluster CLUSTER --of RUN` puts it back.',
    ],
  },
} as const satisfies Record<AcceptCode, Entry> & Record<string, Entry>;

export type FindingCode = keyof typeof REFUSALS;
