import type { Entry } from './entry';

/** Why a run is parked, and what warnings of reports and backups ask for. */
export const NOTICES = {
  'fence-not-proved': {
    title: 'The sandbox is not cut off',
    says: ['The fence of the sandbox is not proved: …'],
    means:
      'A Vault in it could reach something, so the backup was not loaded: its leases would be revoked and its passwords rotated in the systems that production uses.',
    todo: [
      'The message says what it reaches or sees.',
      'Use a host with network namespaces of its own, not in a container that shares them.',
    ],
    see: 'operate/sandbox.md#the-fence',
  },
  'sandbox-missing': {
    title: 'There is no bubblewrap',
    says: ['There is no bwrap on this host, which makes the fence.'],
    means: 'A drill runs a Vault in namespaces of the kernel, which this program sets up.',
    todo: ['Install the package bubblewrap (`apt install bubblewrap`, `dnf install bubblewrap`).'],
    see: 'operate/sandbox.md#what-it-needs',
  },
  'live-changed': {
    title: 'The cluster has changed since the comparison',
    says: ['… has changed in the cluster since the comparison, so it was not written.'],
    means:
      'Somebody or something has written to the same path after it was compared with the backup. What they wrote is untouched. The message says what was written before it.',
    todo: ['Find out who writes there, or stop the application.', 'Repeat the command: it compares again.'],
    see: 'operate/recover-secret.md#write-it-back',
  },
  'no-check-and-set': {
    title: 'Vault does not protect this write',
    says: ['… can be changed by others while it is written: Vault has no check-and-set for it.'],
    means:
      'Only version 2 of the KV engine refuses a write if somebody else has written meanwhile. For version 1, policies and roles it is compared right before the write, which leaves an instant between.',
    todo: ['If nobody else writes there now, repeat the command with `--without-check-and-set`.'],
    see: 'operate/recover-secret.md#write-it-back',
  },
  'sandbox-ended': {
    title: 'The sandbox ended',
    says: ['The sandbox ended: …'],
    means: 'It was killed, ran out of memory, or could not be made. Nothing of it is left.',
    todo: [
      'The message says why, if it is known. It needs memory for about twice the data of the backup.',
      'Try again.',
    ],
    see: 'operate/sandbox.md#what-it-needs',
  },
  'no-sandbox-host': {
    title: 'No sandbox host takes the drill',
    says: ['No sandbox host answers.'],
    means:
      'A drill runs on a host whose configuration has `sandbox`. None of them asked for work within half a minute.',
    todo: [
      'Start one: `vault-dr sandbox`. It says why it can make no sandbox.',
      'A controller with `sandbox` in its configuration takes drills too, unless its log says that it can make no sandbox.',
      'Without Temporal, on this host: `vault-dr drill --cluster CLUSTER`.',
    ],
    see: 'operate/sandbox.md#sandbox-hosts',
  },
  'drill-not-unsealed': {
    title: 'A drill ended without the shares',
    says: ['Only … of … shares came in time, so the backup was not unsealed.'],
    means:
      'Not enough key holders submitted a share that opens the backup in time, so it was loaded but not unsealed. That is `installed`, not `restored`.',
    todo: [
      'Repeat the drill when the key holders have time: `vault-dr drill --cluster CLUSTER --unseal`.',
      'A share that does not open it may be of another cluster, or from before a rekey.',
    ],
    see: 'operate/sandbox.md#with-key-holders',
  },
  'holders-not-proven': {
    title: 'Too few key holders have proved their shares',
    says: ['Only … of … shares that should be proved within … days are.'],
    means:
      'One more right share than the threshold should be known to exist, so that one loss does no harm. Fewer were submitted to roll-calls in the time that the configuration gives. It says nothing of shares that nobody submitted.',
    todo: [
      'Ask those who have not answered, and repeat it: `vault-dr roll-call --cluster CLUSTER`.',
      'A wrong share may be of another cluster, or from before a rekey. Whoever has lost theirs says so: rekey while enough others have theirs (`vault operator rekey`).',
    ],
    see: 'operate/roll-call.md#read-the-result',
  },
  'roll-call-not-kept': {
    title: 'The result of a roll-call is not kept',
    says: ['No repository keeps the result of this roll-call.'],
    means:
      'The sandbox host has no signing key, or no repository took the mark. The report says what was found out; later roll-calls and `--show` do not know it.',
    todo: [
      'Give the sandbox host `signing.privateKey`, and repeat the roll-call.',
      'Read its log for what the repositories said.',
    ],
    see: 'operate/roll-call.md#what-it-leaves',
  },
  'recover-needs-approvers': {
    title: 'Nobody may approve that secrets leave a backup',
    says: ["The configuration names nobody who may approve that secrets of '…' leave it."],
    means:
      'As a run, `recover` gives secrets to a key that whoever can write to the namespace names. So approvers must sign for it, also where they are not needed for a restore.',
    todo: [
      'Add `restore.approvers`, on the controller and on the sandbox hosts.',
      'Without them: `vault-dr recover` without `--remote`, at the terminal of a host with a sandbox.',
    ],
    see: 'operate/recover-secret.md#as-a-run',
  },
  'recover-without-shares': {
    title: 'Too few shares came to read a backup',
    says: ['Only … of … shares came in time.'],
    means: 'Not enough key holders submitted a share that opens the backup in time, so nothing was read.',
    todo: [
      'Ask for it again when the key holders have time; `--wait` says for how long it waits.',
      'A share that does not open it may be of another cluster, or from before a rekey.',
    ],
    see: 'operate/recover-secret.md#as-a-run',
  },
  'recovered-too-large': {
    title: 'What was read is too large for a run',
    says: ['The encrypted result has …; a run can hand over …'],
    means: 'The result of a run is in its history, as ciphertext, and Temporal limits how large that may be.',
    todo: [
      'Ask for fewer paths or versions at once.',
      'Or use `vault-dr recover` without `--remote`, on a host with a sandbox.',
    ],
    see: 'operate/recover-secret.md#as-a-run',
  },
  'agent-silent': {
    title: 'No agent takes the step',
    says: ['Nobody picked up …: the agent does not run, or does not reach Temporal.'],
    means: 'The host or its agent is down, or cut off from Temporal. People are notified after half a minute.',
    todo: [
      'Start the agent (`systemctl start vault-dr-agent`) and read its log. The run continues by itself.',
      'If the host is lost for good: power it off, then `vault-dr skip-node --cluster CLUSTER --node NODE`.',
    ],
    see: 'operate/when-something-dies.md#agent',
  },
  'controller-silent': {
    title: 'The controller is not running',
    says: ['Temporal or the controller does not answer just now'],
    means: 'The run is safe and continues when the controller is back.',
    todo: [
      "On the controller's host: `systemctl status vault-dr-controller`.",
      'Restart it, or start one on another host.',
    ],
    see: 'operate/when-something-dies.md#controller',
  },
  'controller-gone': {
    title: 'A controller went away during a backup',
    says: ['the controller … went away; the backup was made again by …'],
    means:
      'What a controller has captured lies on its own disk until it is published. It did not answer for half a minute, so another one captured again.',
    todo: [
      'Nothing is missing. On its host: `systemctl status vault-dr-controller`.',
      'When it is back, it removes what it had staged by itself.',
    ],
    see: 'operate/when-something-dies.md#controller',
  },
  'directory-elsewhere': {
    title: 'A directory of backups is served by a controller that is away',
    says: ['… is served by the controller …, which does not answer.'],
    means:
      'With `host`, only that controller has the directory. Backups go to the other repositories meanwhile; a restore chooses among what they hold.',
    todo: [
      'Start the controller on that host: `systemctl start vault-dr-controller`. The next backup catches the directory up.',
      'If the host is lost for good, remove the repository from the configuration, and restart the other controllers.',
    ],
    see: 'configuration.md#repositoriesname',
  },
  'controller-name-taken': {
    title: 'Two controllers have one name',
    says: ['Another controller is called …: that of …'],
    means:
      'Steps that need the disk of one controller go to it by its name. With two of one name, the other would get them. The one that starts waits.',
    todo: ['Set another `controller.name` on one of the two hosts, and restart its controller.'],
    see: 'configuration.md#controller',
  },
  'ssh-host-key': {
    title: 'The host key over SSH is not the known one',
    says: ['The SSH host key of … is not one of those in …'],
    means:
      'The controller talks only to hosts whose key is in `knownHostsFile`. The host was rebuilt, or somebody else answers at its address.',
    todo: [
      'On the host itself: `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`.',
      'On the controller: `ssh-keyscan HOST | ssh-keygen -lf -`.',
      'If both are the same, replace the line of that host in `knownHostsFile`. If not, alert security.',
    ],
    see: 'ssh.md#host-keys',
  },
  'ssh-login': {
    title: 'The controller may not log in over SSH',
    says: ['… does not let … log in over SSH'],
    means: "The host does not accept the controller's key for that user, or the controller can't read it.",
    todo: [
      'On the host, `vault-dr install ssh` prints the line for `authorized_keys`. Check its owner and mode as well.',
      'On the controller, its user must be able to read `identityFile`, and nobody else.',
    ],
    see: 'ssh.md#on-each-vault-host',
  },
  'ssh-sudo': {
    title: 'The rule of sudo is missing',
    says: ['sudo on … does not allow `…`'],
    means: 'The rule of sudo is missing, or is for another cluster, node, program or configuration file.',
    todo: [
      'On the host, `vault-dr install ssh` writes the rule. `sudo -l -U vault-dr-ssh` shows which there are.',
      'The words of the rule and those in the message must be the same.',
    ],
    see: 'ssh.md#on-each-vault-host',
  },
  'ssh-program': {
    title: 'No vault-dr runs on the host',
    says: ['vault-dr did not start on …'],
    means: 'The login works, but what it starts is not vault-dr, or writes something of its own.',
    todo: [
      'Install the package there, or correct `ssh.program` of the node.',
      "If the message shows a greeting: the shell of that user prints it for every command; remove it from the shell's files.",
    ],
    see: 'ssh.md#on-each-vault-host',
  },
  'ssh-unreachable': {
    title: 'The host can not be reached over SSH',
    says: ['… can not be reached over SSH'],
    means: 'The host or its sshd is down, or the network between it and the controller is.',
    todo: [
      'Start the host. The run continues by itself.',
      'If the host is lost for good: power it off, then `vault-dr skip-node --cluster CLUSTER --node NODE`.',
    ],
    see: 'operate/when-something-dies.md#agent',
  },
  'ssh-cut': {
    title: 'The connection to the host broke off',
    says: ['The SSH connection to … broke off in the middle of …'],
    means: 'The step on the host stops at a safe point, and is done again over a new connection.',
    todo: ['Nothing, unless it repeats: then check the network, and the journal of sshd on that host.'],
  },
  'ssh-and-agent': {
    title: 'A node has an agent, and is configured with ssh',
    says: ['… has an agent on this host, and is configured with ssh as well.'],
    means: 'Steps over SSH change nothing as long as an agent of that node runs: both would do them.',
    todo: [
      'On that host: `systemctl disable --now vault-dr-agent`.',
      'Or remove `ssh` of that node from the configuration, and restart the controllers.',
    ],
    see: 'ssh.md',
  },
  'clocks-apart': {
    title: 'The clock of a host is wrong',
    says: ['The clock of … and that of Temporal are … apart'],
    means:
      'Approvals expire. A host without an agent goes by its own clock, because the controller could say any time. An hour is tolerated.',
    todo: ['Set the clock that is wrong: `timedatectl`, `chronyc makestep`. Then resume, or plan again.'],
    see: 'ssh.md#what-a-host-checks-itself',
  },
  'run-is-past': {
    title: 'A run that is over asks again',
    says: ['The run … is over on …, so it may not begin there again.'],
    means:
      'Somebody has reset the run, or presents it again with what was approved then. A host without an agent remembers the runs that it has served.',
    todo: ['Start a new run. If nobody has reset the old one, alert security.'],
    see: 'ssh.md#what-a-host-checks-itself',
  },
  'stage-failed': {
    title: 'The first node can get no copy of the backup',
    says: ['… could not stage …'],
    means:
      'The first node (in place: the leader) can read no copy, or cannot decrypt it. Nothing has been stopped. The message names each repository with its reason.',
    todo: [
      'Fix the access, or `restore.identities`, on that node, then `vault-dr resume`.',
      'Otherwise `vault-dr abort`, and choose another backup.',
    ],
    see: 'operate/restore.md#2-plan',
  },
  'vault-still-runs': {
    title: 'Vault was not stopped',
    says: ['Vault on … is still running after it was stopped.'],
    means: 'The stop command returned, but the process is still there.',
    todo: ['Stop it on that host by hand, then `vault-dr resume`.'],
  },
  'port-in-use': {
    title: "Something listens on Vault's port",
    says: ['… is stopped, but something still listens on …'],
    means: 'A second Vault, or another program, uses the port although Vault is stopped.',
    todo: [
      "Find it on that host: `ss -ltnp 'sport = :8200'`. The message has the port.",
      'Stop it, then `vault-dr resume`.',
    ],
  },
  'service-command-failed': {
    title: 'A start, stop or status command failed',
    says: ['… ended with …'],
    means: 'A command of `service` in the configuration failed on that host.',
    todo: ["Run it on that host as the agent's user, and fix the cause.", '`vault-dr resume`.'],
    see: 'configuration.md#clustersnamenodesservice',
  },
  'unit-still-stopping': {
    title: 'Vault takes too long to stop',
    says: ['… is still stopping after …'],
    means:
      'systemd has asked Vault to end, and it has not within `service.timeoutSeconds`. The step is repeated and waits again; vault-dr kills nothing.',
    todo: [
      'Find out what it waits for: its log, its disk, its network file system.',
      'To end it by force: `systemctl kill --signal=SIGKILL vault` on that host. systemd does so itself after `TimeoutStopSec=` of the unit.',
    ],
  },
  'unit-not-stopped': {
    title: 'The unit was not stopped',
    says: ['… was not stopped: it is …'],
    means: 'The stop failed, or something started the unit again at once.',
    todo: ['`systemctl stop vault` on that host says why. The step is repeated by itself.'],
  },
  'unit-not-started': {
    title: 'The unit was not started',
    says: [
      '… did not start (…).',
      '… was not started, because a unit that it requires failed (…).',
      '… is still starting (…).',
      '… is masked, by somebody else than vault-dr.',
      'systemd has no unit ….',
    ],
    means: 'Vault did not start. The message ends with the last line of its log, where there is one.',
    todo: [
      '`systemctl status vault` and `journalctl --unit=vault` on that host.',
      'Fix the cause; the step is repeated by itself.',
    ],
    see: 'configuration.md#clustersnamenodesservice',
  },
  'unit-condition': {
    title: 'A condition of the unit is not met',
    says: ['systemd did not start …, because … of its unit is not met.'],
    means:
      'systemd skips a unit whose condition is not met, such as `ConditionFileNotEmpty=/etc/vault.d/vault.hcl` without that file.',
    todo: [
      '`systemctl status vault` on that host names the condition. Put back what is missing; the step is repeated.',
    ],
  },
  'unit-denied': {
    title: 'The agent may not start or stop the unit',
    says: ['systemd does not allow the agent to … …: it runs as uid ….'],
    means: 'The agent is not root, and polkit does not allow its user to manage this unit.',
    todo: ['`vault-dr install agent --user NAME` on that host writes the rule; or run the agent as root.'],
    see: 'security.md#least-privilege-for-agents',
  },
  'systemd-not-answering': {
    title: 'No answer from systemd',
    says: ['systemd did not say how … is: …'],
    means: 'The agent asks systemd for the state of the unit, and got no answer.',
    todo: ['`systemctl status vault` on that host. In a container without systemd use another `service.driver`.'],
  },
  'data-half-set-aside': {
    title: 'New files in a data directory that was half set aside',
    says: [
      '… appeared during this step: …',
      'Run … ended while it set … aside: only part of the data is still in place.',
    ],
    means:
      'The data directory cannot be renamed, so its entries are renamed one by one. In the middle of that, something started Vault, or the run was lost.',
    todo: [
      'Keep Vault stopped. Rename the new files by hand; do not delete them.',
      '`vault-dr resume`. For a lost run: `vault-dr roll-back --cluster CLUSTER --of RUN`.',
    ],
    see: 'how-it-works.md#a-data-directory-that-cant-be-renamed',
  },
  'data-directory-back': {
    title: 'A data directory appeared that this run did not make',
    says: [
      '… was already set aside by this run, but it exists again.',
      '… was not created by this run …',
      '… is not the directory that was just created',
    ],
    means: 'Somebody or something started Vault meanwhile.',
    todo: [
      'Prevent Vault from being started.',
      'Rename that directory by hand; do not delete it. Then `vault-dr resume`.',
    ],
  },
  'last-data-gone': {
    title: 'The only data left is gone',
    says: ['… is missing, and it held the only copy of the data.'],
    means: 'The disk that was to bring the quorum back is no longer there.',
    todo: [
      'Find it (is it mounted?), put it back, then `vault-dr resume`.',
      'Otherwise `vault-dr roll-back`, and restore a backup.',
    ],
    see: 'operate/restore.md',
  },
  'unexpected-file': {
    title: 'An unexpected link or file in the data directory',
    says: [
      '… is a symbolic link …',
      '… a named pipe …',
      '… a file with several hard links …',
      '… was replaced by something else …',
    ],
    means:
      "In Vault's data directory or beside it is something that Vault does not create, at a name that the agent writes to.",
    todo: ["Find out who created it: only Vault's user and root can.", 'Move it away, then `vault-dr resume`.'],
    see: 'security.md',
  },
  'untrusted-path': {
    title: 'Others could have changed a file of vault-dr',
    says: ['… belongs to …, so it is not trusted.', '… is writable by others …', '… is accessible to others …'],
    means:
      '`stateDir`, `runtimeDir`, a file in them or a directory above belongs to another user, or others can write to it or read it.',
    todo: [
      'Give it to the user of vault-dr or to root, and remove the permissions of others: `chmod go-w`.',
      'If a key or an identity was readable by others, create a new one.',
      '`vault-dr resume`.',
    ],
    see: 'install.md#6-systemd',
  },
  'blank-vault-initialised': {
    title: 'A blank Vault is already initialised',
    says: ['Vault on … is initialised, though its data directory was blank.'],
    means: "Vault's `storage` path is not the configured `dataDir`, or it joined another node by itself.",
    todo: [
      'Compare the two paths.',
      'Check that all other nodes are stopped, and that its `retry_join` names only them.',
      '`vault-dr resume`.',
    ],
  },
  'vault-not-starting': {
    title: 'Vault does not start or does not become active',
    says: ['Waited … s for … to answer; …', 'Waited … s for … to become active; …'],
    means:
      "Vault's log says why: a certificate, a port, a `cluster_addr` or `clusterAddress` that is not this host's own, a configuration that is missing on a new host.",
    todo: ['Read the log on that host and fix the cause.', '`vault-dr resume`.'],
  },
  'seal-key-unreachable': {
    title: 'The seal cannot reach its key',
    says: ['Waited … s for … to unseal by itself'],
    means: 'Auto-unseal did not unseal the node.',
    todo: ['Make the key reachable, then `vault-dr resume`.'],
    see: 'operate/auto-unseal.md#the-key-is-unreachable',
  },
  'snapshot-not-applied': {
    title: 'The snapshot was not applied',
    says: ['Waited … s for … to apply the snapshot; …'],
    means:
      'Vault accepted the snapshot but did not finish loading it. `resume` starts over from blank; in place it loads the snapshot again.',
    todo: [
      "Read Vault's log on that node. Check the free space in its data directory and in `TMPDIR`.",
      'In place, if that node is sealed: its key holders unseal it by hand first.',
      '`vault-dr resume`.',
    ],
  },
  'restored-data-not-served': {
    title: 'The restored data cannot be checked',
    says: ['Waited … s for … to serve the restored data; …'],
    means: 'The node is unsealed, but the check cannot log in, or Vault does not become active.',
    todo: [
      'If the login is refused: the secret id in `auth` was issued after the snapshot. Log in with an admin token from before it, issue a new one, and store it where `auth` reads it.',
      'If an audit device blocks Vault: create its path on the host.',
      '`vault-dr resume`.',
    ],
  },
  'not-the-backup': {
    title: 'The cluster serves something other than the backup',
    says: ['Fewer keys than in the manifest: …'],
    means: 'The check found too few keys, or another canary, share count, threshold, peer or cluster id.',
    todo: [
      'Keep the applications out.',
      '`vault-dr roll-back` (in place: `vault-dr abort`), then restore another backup.',
    ],
  },
  'not-voters': {
    title: 'A node is not a healthy voter',
    says: ['Waited … s for … to be healthy voters'],
    means: 'A node lags or did not join. It can no longer be skipped.',
    todo: [
      'Check `vault operator raft list-peers` and the log of that node; fix the cause, then `vault-dr resume`.',
      'If the host is lost for good: set up a new one with the same name, join it by hand (`vault operator raft join`), unseal it, then `vault-dr resume`.',
      'Otherwise `vault-dr roll-back` (in place and in a rebuild: `vault-dr abort`).',
    ],
  },
  'step-down-denied': {
    title: 'The login may not move the leadership',
    says: ['… answered … with 403 …'],
    means: '`restore.rollingRestart` moves the leadership once.',
    todo: ['Grant `docs/vault-dr-step-down-policy.hcl` to the role, then `vault-dr resume`.'],
    see: 'install.md#2-access-to-vault',
  },
  'not-enrolled': {
    title: 'The configuration has no agent for a node',
    says: ['The configuration does not say where Vault stores (dataDir), and how it is started (service), on …'],
    means:
      'A backup by snapshot needs no agent, so a node may be configured without one. Everything that touches its host does: restores, and backups with `method: filesystem`.',
    todo: [
      'Enrol each of those hosts: `vault-dr enrol invite --cluster CLUSTER --node NODE`. One without an agent is enrolled in the same way: see docs/ssh.md.',
      'Restart the controller, and start again.',
    ],
    see: 'operate/add-agent.md',
  },
  'configuration-changed': {
    title: 'The configuration was changed during the run',
    says: ['The configuration was changed …'],
    means: "The controller's file differs from the one this was planned with.",
    todo: [
      'Before the first stop: `vault-dr resume`. The run plans again.',
      'After it: restore the values that the message names, restart the controller, then `vault-dr resume`.',
    ],
  },
  'host-configuration-differs': {
    title: 'A host has another configuration than the controller',
    says: [
      '… should join …, which is not another node of …',
      'the configuration of this host does not allow old data to be deleted',
    ],
    means: 'The agent decides by the file on its own host.',
    todo: ["Copy the controller's file there, restart the agent, then `vault-dr resume`."],
  },
  'step-not-understood': {
    title: 'The agent refused the input of a step',
    says: ["The step … can't be done as it was asked for: …"],
    means: 'Controller and agent have different versions, or somebody else requested the step.',
    todo: ['Install the same version on both, then `vault-dr resume`.', 'Check who can write to the namespace.'],
    see: 'security.md#narrow-the-access-to-temporal',
  },
  'wrong-workflow': {
    title: 'A step was requested by a foreign workflow',
    says: ['… was asked for by …, and was not done: …'],
    means: 'The workflow has another id or type than those of vault-dr.',
    todo: ['Start it with the id that the message names.', 'If it was not you, check who can write to the namespace.'],
    see: 'security.md#narrow-the-access-to-temporal',
  },
  'approval-not-valid-here': {
    title: 'The approvals are not valid on a host',
    says: ['… refused an action that its approvers have not signed: …'],
    means: "The approvals are not valid by that host's own configuration, or the step is not in the approved plan.",
    todo: [
      "Compare `restore.approvers` there with the controller's. Copy the file, restart the agent, then `vault-dr resume`.",
      'If they are equal, somebody is tampering with the run: call security.',
    ],
    see: 'security.md#what-decides',
  },
  'newer-run': {
    title: 'A newer run has taken the nodes over',
    says: ['… is claimed by … run …, so run … may not change it.'],
    means: 'This run can no longer change that host.',
    todo: ['Nothing: follow the newer run.'],
  },
  'host-replaced': {
    title: 'A host was replaced during the run',
    says: ['… is claimed by … no run …, so run … may not change it.'],
    means: 'The host, or its `stateDir`, is not the one that the run claimed.',
    todo: [
      'A follower: power it off, `vault-dr skip-node`, and rebuild it afterwards.',
      'The first node: `vault-dr roll-back`, and `vault-dr skip-node` when that parks for it.',
      'If neither is possible: `vault-dr abort`, or `temporal workflow cancel --workflow-id restore-CLUSTER`. Then start the recovery again.',
    ],
    see: 'operate/rebuild-node.md',
  },
  'step-timed-out': {
    title: 'A step did not end in time',
    says: ['… did not end in time.'],
    means: 'It hangs, or has failed again and again.',
    todo: ['Check the host, and the logs of its agent and of its Vault.', '`vault-dr resume`.'],
  },
  'shares-do-not-open': {
    title: 'At least one share is wrong',
    says: ['The shares of … together do not unseal Vault, so at least one is wrong …'],
    means: 'One of them is of another cluster, or from before a rekey.',
    todo: [
      'Another holder submits a share, or the holder in doubt submits the right one. The others need not repeat theirs.',
    ],
    see: 'operate/key-holders.md',
  },
  'share-submitted-before': {
    title: 'The same share was submitted before',
    says: ['… has already submitted this share.'],
    means: 'Two people hold the same share, or one submitted it twice.',
    todo: ['Somebody else must submit a share.'],
    see: 'operate/key-holders.md',
  },
  'share-needed-again': {
    title: 'A share is needed again',
    says: [
      'It is not encrypted to the current recipients of this run: …',
      "The host of … was restarted, so your share can't be opened any more: …",
    ],
    means: 'A host was restarted, and its key is gone.',
    todo: ['Submit the share again: `vault-dr unseal --cluster CLUSTER`.'],
    see: 'operate/key-holders.md',
  },
  'share-not-taken': {
    title: 'The run takes no shares now',
    says: ['No shares are taken in the phase …'],
    means: 'It is too early (shares are taken from `stage` on), or they are no longer needed.',
    todo: ['Check the phase: `vault-dr status --cluster CLUSTER`.'],
    see: 'operate/key-holders.md',
  },
  'share-not-checked': {
    title: 'A share could not be checked',
    says: ['The share could not be checked, and was not used: …'],
    means: 'No agent could open it.',
    todo: ['Start the agent that the message names.', 'Submit the share again.'],
    see: 'operate/key-holders.md',
  },
  'no-backup-yet': {
    title: 'The restored cluster has no backup yet',
    says: ['the restored cluster has no backup yet: …'],
    means: 'The restore is complete, but the backup at its end failed.',
    todo: ['Fix what the message names.', '`vault-dr backup --cluster CLUSTER`.'],
    see: 'operate/backups.md',
  },
  'share-exposed': {
    title: 'A share was sent in clear',
    says: ['… sent an unseal share in clear text: …'],
    means: 'The share was not used, but what Temporal has received stays in its history.',
    todo: ['When the cluster is back: `vault operator rekey -init`.'],
    see: 'operate/key-holders.md#a-share-in-clear',
  },
  'share-of-another-vault': {
    title: 'A share does not belong to this Vault',
    says: ['the share of … does not belong to this Vault'],
    means: 'The other shares opened it.',
    todo: ['That holder must find the right one. If it is lost, rekey while there are enough others.'],
    see: 'operate/key-holders.md#a-share-was-lost',
  },
  'lease-grace-failed': {
    title: 'Leases could not be given a later end',
    says: ['The leases could not be given a later end: …'],
    means:
      'The configuration asks for it (`restore.leaseGraceMinutes`), and Vault in recovery mode did not do it. The first node is sealed and unchanged, or changed in part, which does no harm. As soon as it is unsealed, leases that have ended are revoked for good, so the run waits.',
    todo: [
      'Fix the cause, then `vault-dr resume`: it is tried again.',
      'To continue without it, unseal that node by hand with the original shares. Then run `vault-dr resume`.',
    ],
    see: 'operate/leases.md#if-it-fails',
  },
  'leases-not-extended': {
    title: 'Leases got no later end',
    says: ['… was unsealed before its leases got a later end: …'],
    means: 'Somebody unsealed the node by hand before the run had changed its leases.',
    todo: ['Have applications fetch new credentials where the old ones are refused.'],
    see: 'operate/leases.md#if-it-fails',
  },
  'old-node-may-run': {
    title: 'An old node may still be running',
    says: ['… was left out before its Vault was confirmed to be stopped: …', 'nothing stops …'],
    means: 'A node that was left out may continue as the old cluster.',
    todo: ['Power that host off.', 'Rebuild the node: `vault-dr rebuild-node`.'],
    see: 'operate/rebuild-node.md',
  },
  'identity-left': {
    title: "The run's identity is still on a host",
    says: ["… the run's identity and staged files are still there"],
    means: 'Its agent did not answer at the end of the run.',
    todo: [
      'Start the agent there: within a minute it destroys the identity. The next recovery removes the staged backup.',
    ],
  },
  'records-not-written': {
    title: 'The audit trail or the report could not be written',
    says: ['the audit trail could not be written', 'the report could not be written: …'],
    means: "Something is wrong with the controller's `stateDir`.",
    todo: ['Check its space and permissions.', 'Save the report: `vault-dr report --cluster CLUSTER >report.md`.'],
    see: 'operate/audit-and-reports.md',
  },
  'not-notified': {
    title: 'People could not be notified',
    says: ['people could not be notified: …'],
    means:
      '`notify.command` failed for a minute, or no controller took the step. What a channel of `notify.channels` fails with is said through the others, and is the result of a run of the type `notifyPeople`.',
    todo: ['Try all of them, on the host of the controller: `vault-dr notify test`.'],
    see: 'operate/notifications.md',
  },
  'copy-missing': {
    title: 'A repository has no copy of a backup',
    says: ['no copy yet'],
    means: 'The backup is in another repository. The next backup copies it when this one answers again.',
    todo: ['Check the repository: `vault-dr repository check NAME`.'],
    see: 'operate/backups.md#when-the-bucket-is-down',
  },
  'retention-blocked': {
    title: 'Old backups are not removed',
    says: ["nothing is removed while these backups can't be read; …"],
    means: 'Some backups cannot be read, so retention removes nothing in that repository. Old backups accumulate.',
    todo: ["Repair that disk or bucket, or move that backup's directory away."],
    see: 'configuration.md#clustersnamebackupretention',
  },
  'previous-not-compared': {
    title: 'The backup was not compared with the one before',
    says: ['… could not be looked up, so the two were not compared: …'],
    means: 'The backup is good, but nothing checked whether it is suddenly smaller.',
    todo: ['Check that all repositories answer: `vault-dr backups list --cluster CLUSTER`.'],
  },
} as const satisfies Record<string, Entry>;

export type NoticeCode = keyof typeof NOTICES;
