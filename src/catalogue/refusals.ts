import type { AcceptCode } from '../contract/plan';
import type { Entry } from './entry';

/** One for each kind of refusal of a plan; those that can be overridden are the accept codes. */
export const REFUSALS = {
  'lose-newer-data': {
    title: 'Newer data would be lost',
    says: [
      'the cluster has a quorum and serves …',
      'the disk of vault-2 survives and is newer …',
      'vault-1 holds the backup …, loaded by run … before it ended',
    ],
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
    says: [
      "… runs Vault 1.20.0, older than the snapshot's 1.21.1",
      '… much newer …',
      'the nodes run different versions of Vault (…)',
      'the imported snapshot does not say which server version made it',
    ],
    means:
      "Vault only reads data of its own version or of one up to two minor versions older (2.0 follows 1.21), and a cluster needs one version on all nodes. Either a node is older than the snapshot, much newer, differs from the others, or the snapshot's version is not known.",
    todo: ["Install the snapshot's version on the nodes that the message names. Upgrade after the restore."],
  },
  'other-product': {
    title: 'Vault and OpenBao are mixed up',
    says: ['… runs OpenBao …, but the snapshot is from Vault …'],
    means: 'The node runs one, the snapshot is of the other. Their storage formats have diverged.',
    todo: [
      'Restore with the product that made the backup.',
      'To change over, follow the migration guide of the other one afterwards.',
    ],
  },
  'other-cluster': {
    title: 'Another cluster than the one in the backup',
    says: [
      'the running cluster has the id …',
      'staging has its own data, which would be replaced by that of prod',
      '… holds the data of another cluster, with the peers …',
    ],
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
    says: ['the login of prod may not work after the restore: …', 'vault-dr has no login for the restored cluster: …'],
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
    says: ['… names none of the nodes of this plan', '… may discover servers outside this plan'],
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
    says: ['its agent asks …, where none of its listeners is', '… demands a client certificate'],
    means: 'With the cluster down, this agent could neither initialise nor unseal its node.',
    todo: [
      'Change the line that the message names: `localAddress` of the node, a listener of Vault, or `tls` of the cluster.',
    ],
    see: 'configuration.md',
  },
  'live-credentials': {
    title: 'Credentials of a live cluster would be revoked',
    says: [
      'prod is running, and the backup holds credentials and devices of other systems: …',
      'no node of prod has the address of a peer of the imported snapshot …',
    ],
    means:
      'The backup holds leases, static roles or audit devices that act on other systems. As soon as the restored Vault is unsealed, it revokes expired leases and rotates overdue passwords in these systems, although another cluster still uses them.',
    todo: [
      'Cut the hosts of the target cluster off from these systems first.',
      'For an imported snapshot find out which cluster it is from. If that cluster is lost, override.',
    ],
  },
  'failed-drill': {
    title: 'A drill of this backup failed',
    says: [
      'a drill of this backup failed: 2026-11-23T04:00:00Z, from offsite: failed in the phase load (VaultRefused)',
    ],
    means:
      'In a sandbox this backup turned out to be damaged inside, or a Vault of its version refused it; no later drill has got further. "Latest" passes such a backup over. It was chosen by its id.',
    todo: [
      'Choose another one: `vault-dr backups list --cluster CLUSTER`.',
      'Drill it again: `vault-dr drill --cluster CLUSTER --backup ID`. If that gets further, the refusal is gone.',
      'Override if no other backup has what you need. The first node decrypts and verifies it before anything stops.',
    ],
    see: 'operate/sandbox.md#what-it-leaves',
  },
  'no-fence': {
    title: 'No fence can be made for a quiet restore',
    says: [
      "no fence can be made: the driver 'process' of vault-1 has no fence: systemd has",
      "no fence can be made: vault-1: the agent can't write to /etc/systemd/system (EROFS)",
      'no fence can be made: vault-1: The fence is not proved: …',
      'quiet is not possible where Vault stores in Consul, which is behind no fence',
    ],
    means:
      'With `--quiet` the first node is kept away from the network until somebody says go-live. The plan has tried that on its host, for a moment and beside Vault, and it does not hold.',
    todo: [
      'Cannot write, or not as root: install the agent again, as root: `vault-dr install agent`.',
      'Not proved: the host lets packets through despite IPAddressDeny=, such as a container without the right to load BPF programs.',
      'Otherwise restore without `--quiet`: cut the hosts off from other systems by a firewall, and set restore.leaseGraceMinutes.',
    ],
    see: 'operate/quiet.md',
  },
  grace: {
    title: 'Old data is still kept',
    says: ['old data is kept for 7 days (restore.graceDays), until …'],
    means:
      'The grace period (`restore.graceDays`) is not over, or the directory is the original data of an unfinished run.',
    todo: [
      'Wait until the time in the message.',
      'If it is original data: `vault-dr roll-back --cluster CLUSTER --of RUN` puts it back.',
    ],
  },
  'no-backup': {
    title: 'No recent backup of the old storage',
    says: ['the cluster is configured with `method: raft` …', 'there is no backup …', 'the newest backup is of …'],
    means:
      'A migration leaves the old storage as it is, which is the way back. A backup of it is the way back if that storage is lost as well.',
    todo: [
      'Set `method` to the one of the old storage (`consul`, or `filesystem` for `storage "file"`), then back up the cluster: `vault-dr backup --cluster CLUSTER`.',
      'Override if you have a backup of that storage by other means.',
    ],
  },
  'migration-storage': {
    title: 'The storage cannot be migrated',
    says: ['the servers store in Raft already …', 'the servers do not all store in the same storage (…)'],
    means:
      'Clusters are migrated to Raft from Consul, and single servers from `storage "file"`; all nodes must use the same storage and path.',
    todo: ['Compare the `storage` stanza of each server, and list its files under `configFiles`.'],
  },
  'migration-config': {
    title: 'The new configuration of a server is not ready',
    says: ['it has no `migration` …', "… can't be put in place: …", "… the storage is 'consul', not raft"],
    means:
      'On each host the operator prepares the configuration with `storage "raft"` in a file of another name; the agent puts it in place during the migration.',
    todo: ['Prepare the file, name it under `migration.configFiles` of the node, and restart agent and controller.'],
    see: 'operate/migrate-storage.md',
  },
  'migration-seal': {
    title: 'The new configuration has another seal',
    means: 'Vault cannot migrate seal and storage in one step.',
    todo: ['Keep the `seal` stanza as it is in the prepared file. Migrate the seal after the storage, or before.'],
  },
  'migration-data-dir': {
    title: 'The data directory is not ready for Raft',
    says: ['… does not exist …', '… is not empty …', 'its files are in …'],
    means:
      'From Consul, `dataDir` has to exist and be empty, and its owner is the user that Vault runs as. From `storage "file"` it has to be the directory of the files.',
    todo: ['Create the directory with the owner and mode that Vault needs, or move what is in it away.'],
    see: 'configuration.md',
  },
  'migration-address': {
    title: 'A cluster address leads nowhere',
    means:
      'The Raft configuration is created with the `clusterAddress` of the first node. A loopback address there keeps the cluster from starting a second time.',
    todo: [
      'Set `clusterAddress` of the node, and `cluster_addr` of its server, to an address that the other nodes reach.',
    ],
  },
  'migration-program': {
    title: 'The migration program cannot be run',
    means: 'The data is copied by `vault operator migrate`, with the program that the service of the node starts.',
    todo: [
      'Correct `service` of the node, so that it names the program, or a unit of systemd that does.',
      'If a script starts Vault, let it run while you plan.',
    ],
    see: 'configuration.md',
  },
  'not-inspected': {
    title: 'A node could not be inspected',
    says: ['vault-2: Nobody picked up looking at vault-2 …', 'vault-2: its agent does not answer'],
    means: 'Its agent does not run, cannot reach Temporal, or failed to inspect the host. The message says which.',
    todo: [
      'Start the agent on that host, and fix what the message names (`systemctl is-active …` ended with 4: there is no such unit).',
      'If the host is lost for good, set up a new one in its place, or remove the node from the configuration of controller and agents, restart them, and start again.',
      'If it was the first node, the next one in the list becomes the first: that host then needs the age identity and access to a repository.',
    ],
  },
  'no-good-copy': {
    title: 'No complete copy of the backup',
    says: ['no repository has a complete copy of this backup'],
    means: 'It is damaged or incomplete in every repository that answered.',
    todo: [
      'Restore access to the repositories that did not answer; the warnings name them.',
      'Otherwise choose another backup: `vault-dr backups list --cluster CLUSTER`, then `--generation ID`.',
    ],
  },
  'copy-out-of-reach': {
    title: 'The first node cannot read any good copy',
    says: ["vault-1 can't read any good copy of this backup: local: ENOENT: no such file or directory, opendir …"],
    means:
      'The only good copies are in directories, and the first node has none of them: they are on the disk of a controller, or a share is not mounted. The first node fetches the backup itself.',
    todo: [
      'Copy the backup to a bucket that the cluster names: `vault-dr backups verify --cluster CLUSTER --repair`, on the host that has the directory.',
      'Or mount the directory on the first node at the same path, readable by its agent.',
    ],
  },
  'no-leader': {
    title: 'The cluster has no leader',
    means: 'A restore in place and a rebuild need a cluster that serves.',
    todo: [
      'If a disk survives: `vault-dr recover-quorum --cluster CLUSTER`.',
      'Otherwise: `vault-dr restore --cluster CLUSTER`.',
    ],
  },
  'has-quorum': {
    title: 'The cluster has a quorum',
    means: 'There is nothing to recover: it has a leader and serves.',
    todo: ['If one node is broken: `vault-dr rebuild-node --cluster CLUSTER --node NODE`.'],
  },
  'lost-run': {
    title: 'An earlier run never ended',
    means: 'It had set the original data aside, so the disks do not hold the newest data.',
    todo: ['Put it back first: `vault-dr roll-back --cluster CLUSTER --of RUN`. Then plan again.'],
  },
  'no-data-left': {
    title: 'No disk with data is left',
    means: 'The quorum cannot be recovered, because no node has data.',
    todo: ['Restore a backup: `vault-dr restore --cluster CLUSTER`.'],
  },
  'quorum-at-risk': {
    title: 'The cluster would lose its quorum',
    says: ['without this node only 1 of 3 voters would serve …'],
    means: 'While this node is rebuilt, the others could not serve without it.',
    todo: ['Bring another node back first.', 'Remove dead members that count as voters: `--remove-peer ID`.'],
  },
  'no-login': {
    title: 'No login on the running cluster',
    means: 'Without a login on the running cluster the result could not be verified.',
    todo: ['Fix `auth` of the cluster; the message says why the login fails.'],
    see: 'install.md#2-access-to-vault',
  },
  'in-place-login': {
    title: "The leader's host cannot load a snapshot",
    says: ['… lacks "update" on sys/storage/raft/snapshot', "… can't log in to load a snapshot: …"],
    means:
      'A restore in place needs a login that may load snapshots; the one on that host is missing, or may only read them.',
    todo: ['Configure `restore.auth` on that host, with the policy for restores.'],
    see: 'install.md#2-access-to-vault',
  },
  rekeyed: {
    title: 'The cluster was rekeyed since the backup',
    means: 'A restore in place keeps the seal, and the snapshot has different shares or a different threshold.',
    todo: [
      'Choose a backup from after the rekey.',
      'Otherwise restore the whole cluster, with the shares from before the rekey.',
    ],
  },
  'storage-type': {
    title: 'Vault stores elsewhere',
    says: ["its Vault stores its data in 'consul', and this needs integrated storage …"],
    means:
      'A backup goes back into the kind of storage it came from: Raft snapshots and copies of a Raft data directory into Raft, Consul snapshots into Consul. With `--accept server-config` only where not all of its configuration could be seen.',
    todo: [
      'Check that this is the right host.',
      'Choose a backup by the method of this storage (`vault-dr backups list` names the method), or change the storage of Vault first.',
    ],
  },
  'copy-newer': {
    title: 'The copied data directory is of a newer release',
    says: ['runs 1.20.4, which must not open the data directory of 1.21.1 …'],
    means:
      'A copy of files is opened by Vault as it is. A newer release upgrades what it finds there; an older one does not know the newer formats, and may damage the data. This can not be overridden.',
    todo: ['Install the release that the backup names (`vault-dr backups show`), or a newer one, on all nodes.'],
  },
  'one-node-storage': {
    title: 'The storage belongs to a single Vault',
    means: 'With `storage "file"` each Vault has its own data, so there is no cluster that others could join.',
    todo: [
      'Restore into a cluster of one node (`--into`).',
      'To get a cluster of several nodes, move to Raft afterwards: `vault-dr migrate-storage`.',
    ],
  },
  'in-place-method': {
    title: 'Not in place by this method',
    means:
      'Only a Raft snapshot can be loaded into a cluster that serves. A copy of files or a snapshot of Consul replaces the storage, so Vault must be stopped.',
    todo: ['Restore without `--in-place`: the nodes are stopped for it.'],
  },
  'consul-unreachable': {
    title: 'Consul does not answer',
    means: 'None of the configured addresses answers, or the answer was refused: TLS, or the ACL token.',
    todo: [
      'Start Consul, or correct `consul` of the cluster in the configuration.',
      'With an error about permissions: compare the token with `docs/vault-dr-consul-policy.hcl`.',
    ],
    see: 'configuration.md',
  },
  'consul-no-leader': {
    title: 'Consul has no leader',
    means: 'Fewer than half of the Consul servers are up. A snapshot can only be restored through a leader.',
    todo: [
      'Start the Consul servers that are down.',
      'If most of them are permanently lost: stop the survivor, write `raft/peers.json` in its `data_dir` with itself only, and start it; or start new servers with empty disks. Then start the restore again.',
    ],
  },
  'consul-path': {
    title: "Vault's keys are elsewhere in Consul",
    means: 'The backup has them below another path than the configuration of the cluster.',
    todo: ['Set `consul.path` to the `path` of `storage "consul"` in the configuration of Vault.'],
    see: 'configuration.md',
  },
  'consul-token': {
    title: 'The ACL token may not exist afterwards',
    says: ['the restore brings back the ACL tokens of the backup, made with the token …'],
    means:
      "A Consul snapshot holds Consul's ACL tokens. A token that was created after the backup does not exist after the restore: vault-dr could then not delete the lock of the last leader, and Vault could not start.",
    todo: [
      'Store the token from the time of the backup where `consul.token` reads it, on the controller and on the first node.',
      'Otherwise override, and have a management token from that time ready.',
    ],
  },
  'data-dir-mismatch': {
    title: 'Vault stores its data elsewhere',
    means:
      "The `path` of Vault's storage is not the configured `dataDir`. With `--accept server-config` only where not all of its configuration could be seen.",
    todo: ['Correct `dataDir` of the node, or `path` in the configuration of Vault.'],
    see: 'configuration.md',
  },
  'node-id-mismatch': {
    title: 'The node id does not match',
    means:
      'Vault on this host is configured as another node. With `--accept server-config` only where not all of its configuration could be seen.',
    todo: ['Check that this is the right host. Then correct `nodeId`.'],
    see: 'configuration.md',
  },
  'cluster-address-mismatch': {
    title: 'The cluster address does not match',
    means:
      'Vault has no `node_id`, so its `cluster_addr` identifies it among its peers, and that is not the configured one.',
    todo: ['Make `cluster_addr` and `clusterAddress` the same, or set `node_id`.'],
    see: 'configuration.md',
  },
  'initialize-stanza': {
    title: 'A blank server would initialise itself',
    means: 'With an `initialize` stanza a blank OpenBao server creates its own cluster instead of joining.',
    todo: ['Remove the stanza from that file; a cluster needs it only once.'],
  },
  'server-file-missing': {
    title: 'A file that Vault needs is missing',
    means: "Vault's configuration names it, so Vault will not start without it.",
    todo: ['Put the file there. `vault-dr bundle restore` has it, if it is under `configFiles`.'],
  },
  'data-unreadable': {
    title: 'The data directory cannot be read',
    means: "The agent has no permission, or the disk or Vault's database is damaged.",
    todo: [
      'Check that the agent runs as root, or as a user that may read it, and check the disk.',
      'If it is damaged for good, move the directory away by hand (do not delete it): the node then counts as empty.',
    ],
  },
  'cannot-set-aside': {
    title: 'The data directory cannot be set aside',
    says: ["its data directory can't be set aside: …"],
    means: 'The agent tried to rename inside the parent directory, and it failed. The message says why.',
    todo: [
      'Check the owner of the parent directory, `ReadWritePaths=` of the unit of the agent, the immutable attribute and capabilities.',
      'If a volume is not mounted, or data is divided between volumes, mount it, or keep all of it on one.',
      'If it is a link, let root own the directory that the link is in.',
    ],
    see: 'install.md#6-systemd',
  },
  'old-agent': {
    title: 'The agent is too old',
    means: 'The data directory is a mount point, and this version of the agent cannot set its contents aside.',
    todo: ['Upgrade the agent on that node.'],
  },
  'no-room': {
    title: 'Not enough free space',
    says: ['… free at …, … needed', '… free in …, … needed'],
    means:
      'There is too little room for the data, for staging (`stateDir`), or for the copy of the upload that Vault makes (`tempDir`).',
    todo: ['Free as much space as the message says.'],
  },
  'seal-mismatch': {
    title: 'Backup and node have different seals',
    says: ['it has no auto-unseal seal, but …', "it has the seal '…', but …"],
    means: 'The restored data can only be unsealed by the seal that it was made under.',
    todo: ['Configure the old seal on the node, restore, then migrate (`vault operator unseal -migrate`).'],
  },
  'seal-unreachable': {
    title: 'The seal cannot reach its key',
    says: ['… transit seal …'],
    means: 'Auto-unseal would fail: the Vault, the token or the key behind the seal is not available.',
    todo: ['Bring that Vault, its token or its key back first.'],
  },
  'mixed-products': {
    title: 'Some nodes run Vault, others OpenBao',
    means: 'They cannot form one cluster.',
    todo: ['Install the same product, in the same version, on all nodes.'],
  },
  'service-command': {
    title: 'The service command cannot be run',
    means: 'A program in `service` of this node does not exist, or is not executable for the agent.',
    todo: ['Install the program, or correct `service` of the node.'],
    see: 'configuration.md',
  },
  'unit-masked': {
    title: 'The unit is masked',
    means: 'systemd would not start Vault.',
    todo: ['`systemctl unmask vault` on that host, once you know that it was not masked on purpose.'],
  },
  'unit-missing': {
    title: 'The unit does not exist',
    means: 'systemd has no unit of this name on that host.',
    todo: ['Install Vault and its unit, or correct `service` of the node.'],
  },
  'unit-not-loaded': {
    title: 'The unit cannot be loaded',
    means: 'systemd rejects the unit file; the message quotes its reason.',
    todo: ['Fix the file, then `systemctl daemon-reload`.'],
  },
  'unit-refuses-manual': {
    title: 'The unit refuses manual starts or stops',
    means: '`RefuseManualStart=` or `RefuseManualStop=` is set, so the agent cannot start or stop Vault.',
    todo: ['Remove that setting, then `systemctl daemon-reload`.'],
  },
  'unit-program': {
    title: 'The program of the unit is missing',
    means: 'The unit starts a program that does not exist or is not executable.',
    todo: ['Install it on that host.'],
  },
  'members-unknown': {
    title: 'The members of the cluster are unknown',
    means: 'No peer can be removed without the list of members.',
    todo: ['Fix the login of vault-dr; its policy needs `read` on `sys/storage/raft/configuration`.'],
  },
  'remove-peer-policy': {
    title: 'The policy does not allow removing a peer',
    means: 'The login lacks `update` on `sys/storage/raft/remove-peer`.',
    todo: ['Add the policy docs/vault-dr-remove-peer-policy.hcl to the login, or remove the peer by hand.'],
  },
  'not-a-member': {
    title: 'Not a member of the cluster',
    means: 'The id given with `--remove-peer` is not in the cluster.',
    todo: ['Omit it. `vault operator raft list-peers` shows the members.'],
  },
  'peer-configured': {
    title: 'The peer is a configured node',
    means: 'Only a dead member that the configuration does not name is removed.',
    todo: ['Rebuild it: `vault-dr rebuild-node`. Or remove it from the configuration first.'],
  },
  'peer-alive': {
    title: 'The peer is alive',
    means: 'Only dead members are removed, and autopilot reports this one as alive.',
    todo: ['Omit it from `--remove-peer`, or stop its Vault first.'],
  },
  'nothing-set-aside': {
    title: 'Nothing was set aside by this run',
    means: 'It was removed already, or the id is of another run.',
    todo: ['Check the id: the report and the directory `….pre-restore-RUN` name it.'],
  },
  'cluster-incomplete': {
    title: 'The cluster is not complete',
    means: 'A node does not serve, so its old data may still be needed.',
    todo: ['Bring the nodes that the message names back first.'],
  },
  'run-ended': {
    title: 'The run has ended',
    means: 'Only what an unfinished run had set aside is put back.',
    todo: ['Read its report: `vault-dr report --cluster CLUSTER --run RUN`.'],
  },
  'wrong-method': {
    title: 'The method does not fit the storage',
    says: ["Vault stores its data in 'consul', and the method 'raft' needs 'raft' …"],
    means:
      'A Raft snapshot needs integrated storage, a copy of a data directory needs integrated storage or `storage "file"`, a snapshot of Consul needs `storage "consul"`.',
    todo: ['Set `clusters.NAME.method` to what the message names, on the controller and on every agent.'],
  },
  'outside-window': {
    title: 'Outside the maintenance window',
    means: 'A backup by copy stops a node, and `filesystem.window` allows that only at certain times.',
    todo: ['Schedule the backup in the window (times are UTC), or change the window on the controller and the agents.'],
  },
  'no-follower': {
    title: 'No node can be stopped for the backup',
    means:
      'A backup by copy stops a follower that votes and serves. There is none, or the node that `filesystem.node` names does not serve.',
    todo: ['Bring the other nodes back first.'],
  },
  'dead-server-cleanup': {
    title: 'Autopilot might remove the node while it is stopped',
    means:
      'With `cleanup_dead_servers` the leader removes a member that is silent for `dead_server_last_contact_threshold`, for good. The copy may take longer.',
    todo: [
      'Raise the threshold: `vault operator raft autopilot set-config -dead-server-last-contact-threshold=24h`.',
      'Or use the method `raft`, for which nothing is stopped.',
    ],
  },
  'unknown-run': {
    title: 'No node has an unfinished run of this id',
    means: 'Nothing on the hosts belongs to it. The message lists the unfinished runs that there are.',
    todo: ['Correct `--of`.'],
  },
  'nothing-to-put-back': {
    title: 'There is nothing to put back',
    means: 'The cluster serves, and the run had set nothing aside.',
    todo: ['Nothing. The cluster can be used as it is.'],
  },
} as const satisfies Record<AcceptCode, Entry> & Record<string, Entry>;

export type FindingCode = keyof typeof REFUSALS;
