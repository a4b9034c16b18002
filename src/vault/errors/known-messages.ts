export interface Explanation {
  /** What the message says, in plain words. */
  means: string;
  /** What the operator does next. */
  advice: string;
}

export interface KnownMessage extends Explanation {
  says: RegExp;
  /** Says something in an answer; a log is full of it, whatever is the matter. */
  answerOnly?: boolean;
}

/**
 * The server's own words, as far as they are the same on every node, and what they say; of Vault 1.21, raft 1.7 and
 * raft-snapshot 1.0 (their literals), of OpenBao 2.6 where its own differ, of the API's Go client, and of Go itself. The first that fits counts, so what says
 * more comes first.
 */
export const ABOUT_THE_SEAL: readonly KnownMessage[] = [
  {
    says: /crypto\/aes: invalid key size 0/i,
    means:
      'Either this node has joined and was given its shares before: it opens by itself when it has the data of the cluster. Or the stored keys have a form that this version of the server does not read: the cluster is old, or was moved from another seal.',
    advice:
      'If the node has just joined, wait; is it still sealed when nothing comes in any more, set its data directory aside and join it again. Otherwise install the snapshot on the version that made it (its manifest names it), unseal there, and upgrade afterwards.',
  },
  {
    says: /invalid key size/i,
    means:
      'The node still works with another number of shares or threshold than the cluster that the shares belong to (or the cluster is so old that its keys have a legacy form).',
    advice:
      "Restart Vault on this node while it is sealed, then submit the shares again. If it says so again, install the snapshot again with the snapshot's own shares and threshold, on the Vault version that made it.",
  },
  {
    says: /using seal shamir/i,
    means: 'These shares do not fit together, or are not those of this cluster.',
    advice: 'Start the round of shares over, with the shares that belonged to the cluster when the snapshot was made.',
  },
  {
    says: /failed to compute combined key|parts must be at least two bytes|all parts must be the same length|duplicate part detected/i,
    means:
      'The shares of this round do not belong to one set: one is cut, or of another cluster, or two are the same share.',
    advice: 'Reset the round and submit each share again, each by its own holder.',
  },
  {
    says: /key is (shorter than minimum|longer than maximum)/i,
    means: 'What was submitted is not a whole unseal share.',
    advice: 'Submit the share as it was printed when the cluster was initialised, to its last character.',
  },
  {
    says: /'key' must be a valid hex or base64 string/i,
    means: 'What was submitted is not an unseal share.',
    advice: 'Submit the share as it was printed when the cluster was initialised, without quotes or spaces.',
  },
  {
    says: /'key' must be specified in request body/i,
    means: 'The request to unseal had no share in it.',
    advice: 'Submit a share, or reset the round.',
  },
  {
    says: /failed to verify recovery key|recovery key verification failed|recovery key does not match submitted values/i,
    means: 'These recovery keys are not those of this cluster.',
    advice:
      'Use the recovery keys that belonged to the cluster when the snapshot was made. They never unseal: that is what the KMS is for.',
  },
  {
    says: /incompatible seal types between raft leader/i,
    means: 'This node has another seal in its configuration than the leader.',
    advice: 'Give this node the seal stanza of the leader, and start it again blank.',
  },
  {
    says: /migrate option not provided and seal migration is pending|cannot auto-unseal during seal migration|entering seal migration mode/i,
    means:
      'The data was sealed by another kind of seal than the configuration has, so Vault waits for a migration of the seal.',
    advice:
      'Give the node the seal stanza of the cluster that made the snapshot. To move to another seal, first restore with the old one, then migrate with `vault operator unseal -migrate` (`bao` with OpenBao).',
  },
  {
    says: /cannot seal migrate from|barrier seal type of .* does not match|recovery seal type of .* does not match|barrier seal type does not match expected type/i,
    means: 'The data was sealed by another kind of seal than the configuration has.',
    advice:
      'Give the node the seal stanza of the cluster that made the snapshot; a snapshot can not be moved to another seal while it is restored.',
  },
  {
    says: /newer seal generation found in storage/i,
    means: 'The seal stanza of this node is older than the one that the cluster was last unsealed with.',
    advice: 'Give this node the seal stanza of the node that was active last, and restart it.',
  },
  {
    says: /raft snapshot restore failed (to get stored keys|to unseal barrier|to seal barrier|preSeal)/i,
    means:
      'The snapshot was installed, but the seal of this node does not open its keys, so the node has sealed itself.',
    advice:
      'Check the seal stanza and that this host may use the key (KMS or transit) which the original cluster used, then restart Vault.',
  },
  {
    says: /failed to perform (key|TLS key) upgrades, sealing/i,
    means:
      'The snapshot was installed and belongs to other unseal keys than the node had, so the node has sealed itself. During a restore that is how it should be.',
    advice: 'Restart Vault on this node while it is sealed, then unseal it with the original shares.',
  },
  {
    says: /error while restoring raft snapshot|Raft error when restoring snapshot|failed to install snapshot database|failed to restore snapshot/i,
    means: 'The snapshot was accepted but could not be installed, so the state of this node is not known.',
    advice:
      "Look for a full or failing disk in Vault's log above this line; then set the data directory aside and install the snapshot again.",
  },
  {
    says: /encryption keys have changed out from underneath us/i,
    means:
      'The keys of the cluster changed under a running node: its storage was replaced, or a snapshot was installed through another node.',
    advice: 'Restart Vault on this node and unseal it. Never restore into a cluster of several running nodes.',
  },
  {
    says: /error (parsing seal configuration|configuring seal)/i,
    means:
      'Vault does not start because it can not use its seal: the KMS or the transit Vault does not answer, or refuses.',
    advice:
      'Check from this host that it answers, that the credential in the seal stanza (or in the environment of the service) is valid, and that the key is there.',
  },
  {
    says: /namespace is sealed/i,
    means:
      'This namespace of OpenBao has keys of its own, and stays sealed after a restart until its own holders come.',
    advice:
      'The key holders of that namespace run `bao namespace unseal PATH` at every node, with its keys. The cluster itself is open.',
  },
  {
    says: /self-initialization (failed|requires auto-unseal)|error during self-initialization/i,
    means:
      'The configuration has an `initialize` stanza: OpenBao makes a cluster of its own of a blank node, and was stopped in that, or may not.',
    advice:
      'Take `initialize` out of the configuration, set the data directory of this node aside, and start it again.',
  },
  {
    says: /unseal keys are supported, but none were found/i,
    means: 'An auto-unseal node has not received the stored keys from the leader yet: its join did not come through.',
    advice:
      'Restart Vault on the first node; if this node does not unseal within a minute after that, join it again from blank.',
  },
  {
    says: /stored unseal keys found, but flag indicates Vault initialization is still in progress/i,
    means: 'The initialisation of this node was cut off before its end.',
    advice: 'Stop Vault on this node, set its data directory aside and start it blank.',
  },
  {
    says: /unable to retrieve stored keys|fetching stored unseal keys failed|unseal with stored key failed|failed to decrypt (encrypted stored keys|keys from storage)/i,
    means: 'The stored keys do not open: the snapshot belongs to another auto-unseal key, or to other shares.',
    advice:
      'Check the seal stanza and that this host may use the key (KMS or transit) which the original cluster used. Recovery keys never unseal.',
  },
  {
    says: /cipher: message authentication failed|Unseal failed, invalid key/i,
    means: 'These shares do not fit together, or are not those of this cluster.',
    advice: 'Start the round of shares over, with the shares that belonged to the cluster when the snapshot was made.',
  },
];

/** Making, uploading and checking a snapshot. */
export const ABOUT_THE_SNAPSHOT: readonly KnownMessage[] = [
  {
    says: /could not verify hash file/i,
    means: 'The snapshot was made under other unseal keys, or another auto-unseal key, than this node has.',
    advice:
      'This is normal on a freshly initialised node: install with force. Anywhere else make sure that the snapshot belongs to this cluster.',
  },
  {
    says: /unable to read SHA256SUMS\.sealed|failed to (open the sealed|seal snapshot) hashes/i,
    means:
      'The snapshot ends without its sealed sums: the server that made it could not reach its seal, or the answer was cut.',
    advice:
      'Take the snapshot again, straight from the leader. If it happens again, check that the leader reaches its KMS; its log says so.',
  },
  {
    says: /no space left on device/i,
    means:
      'A disk of this node is full. Vault needs room for the unpacked snapshot in TMPDIR as well as in its data directory.',
    advice: 'Make room in the data directory and in TMPDIR of the Vault service, then try again.',
  },
  {
    says: /read-only file system/i,
    means: 'Vault can not write where it must: it unpacks a snapshot in TMPDIR before it installs it.',
    advice: 'Set TMPDIR of the Vault service to a writable directory with room for the unpacked snapshot.',
  },
  {
    says: /failed to create temp snapshot file/i,
    means: 'Vault can not write to its temporary directory, where it unpacks a snapshot before it installs it.',
    advice: 'Check TMPDIR of the Vault service: is it there, writable for Vault, with room for the unpacked snapshot?',
  },
  {
    says: /failed to read or write snapshot data: .*i\/o timeout|failed to read request body/i,
    means: "The upload was cut by the listener's read timeout (`http_read_timeout`, 30 seconds unless set).",
    advice: "Raise `http_read_timeout` in the listener of this node's configuration, restart Vault and try again.",
  },
  {
    says: /request body too large/i,
    means: 'Something on the way, or the listener, takes no request of this size.',
    advice: "Send it to the node's own listener and not through a proxy; raise `max_request_size` there.",
  },
  {
    says: /failed checking integrity of snapshot|hash check failed for|list missing hash for/i,
    means: 'The snapshot does not match its own sums: it is damaged.',
    advice: 'Verify the copy again, and choose another one if it fails.',
  },
  {
    says: /failed to decompress snapshot|failed reading snapshot|failed to read snapshot file/i,
    means: 'What was uploaded is not a whole snapshot archive.',
    advice: 'Decrypt and verify the copy again before you install it; choose another copy if it fails.',
  },
  {
    says: /file already closed/i,
    means: 'Vault has closed the uploaded snapshot already. It says so after restores that went well, too.',
    advice:
      'Do not go by this message: see whether the node has sealed itself or shows the cluster id of the snapshot.',
  },
];

/** Joining, leaving, Raft TLS, peers. */
export const ABOUT_THE_CLUSTER: readonly KnownMessage[] = [
  {
    says: /was removed from a HA cluster|has been removed from the HA cluster/i,
    means: 'The data directory of this node says that the cluster has removed it, so it neither unseals nor serves.',
    advice: 'Stop Vault on this node, set its data directory aside, start it blank and join it again.',
  },
  {
    says: /error writing raft TLS keyring|could not find raft TLS configuration/i,
    means: 'The node has not received the Raft TLS keys of the leader yet, and tried to make its own.',
    advice:
      'Wait until it is a voter; if it does not get there, set its data directory aside, restart the leader, and join it again.',
  },
  {
    says: /tls: unrecognized name|no TLS (certs?|config) found for ALPN/i,
    means: 'The Raft TLS keys of the nodes differ: a node still holds those of the time before the restore.',
    advice:
      'Restart the restored first node and unseal it; then set the data directory of this node aside and join it again.',
  },
  {
    says: /raft (storage )?is already initialized/i,
    means: 'The data directory of this node is not blank: it belongs to a cluster already.',
    advice: 'Stop Vault on this node, set its data directory aside and start it again, then join it.',
  },
  {
    says: /Vault is already initialized/i,
    means: 'The node is not blank: somebody has initialised it already, or its data directory was not emptied.',
    advice: 'Make sure that it is the right node; if it is, set its data directory aside and start it blank.',
  },
  {
    says: /raft recovery failed|failed to (parse|delete) peers\.json/i,
    means: 'The node found a `raft/peers.json`, and could not recover from it.',
    advice: 'Correct that file, or remove it and restore from a snapshot.',
  },
  {
    says: /not part of stable configuration|node is not in configuration/i,
    means:
      'The members of the cluster do not know this node: its address or node id is another than before, or it was left out.',
    advice:
      'Compare node id and cluster address of this node with `vault operator raft list-peers` (`bao` with OpenBao); then set its data directory aside and join it again.',
  },
  {
    says: /found duplicate (ID|address) in configuration/i,
    means: 'Two nodes have the same node id or cluster address.',
    advice: 'Give each node a `node_id` and a `cluster_addr` of its own.',
  },
  {
    says: /autoloaded licenses?/i,
    means: 'The leader has its licence from a file, this node has none. (Vault Enterprise.)',
    advice: 'Put the licence file on this node and name it in `license_path`, then restart Vault.',
  },
  {
    says: /too many raft challenges in flight/i,
    means: 'Too many nodes asked to join at the same time, or one asked too often.',
    advice: 'Wait a minute; it goes on by itself.',
  },
  {
    says: /no expected answer for the server id/i,
    means:
      'The cluster has let the node in already; it was restarted, or failed, before it had the data of the cluster.',
    advice: 'Set its data directory aside, join it again, and unseal it.',
  },
  {
    says: /invalid answer given|error decrypting challenge/i,
    means: 'The node was unsealed with other keys than those of the cluster that it joins.',
    advice: 'Set its data directory aside, join it again, and unseal it with the shares of that cluster.',
  },
  {
    says: /waiting for unseal keys to be supplied/i,
    means: 'The node has joined, and waits for its unseal shares before it is let in.',
    advice: 'Unseal it with the shares of the cluster.',
  },
  {
    says: /cannot use unspecified IP with raft/i,
    means: 'The cluster address of this node is one that no other node can call, such as 0.0.0.0.',
    advice: 'Set `cluster_addr` in its configuration to an address that the other nodes reach.',
  },
  {
    says: /failed to contact quorum of nodes/i,
    means: 'The leader lost touch with more than half of the voters, so it stepped down.',
    advice:
      'Check that the other nodes run, are unsealed, and reach each other at their cluster addresses; look at the load and the disks as well.',
  },
];
