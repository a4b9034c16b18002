export interface Explanation {
  /** The meaning of the message, in plain words. */
  means: string;
  /** The operator's next action. */
  advice: string;
}

export interface KnownMessage extends Explanation {
  says: RegExp;
  /** Meaningful in an API answer only; logs contain it in normal operation, too. */
  answerOnly?: boolean;
}

/**
 * Messages of the server and their meaning: literals of Vault 1.21, raft 1.7 and raft-snapshot 1.0, of OpenBao 2.6
 * where they differ, of the API's Go client, and of Go itself. The first match wins, so the more specific pattern comes
 * first.
 */
export const ABOUT_THE_SEAL: readonly KnownMessage[] = [
  {
    says: /crypto\/aes: invalid key size 0/i,
    means:
      'Either this node has joined and already has its shares: it unseals itself once it has received the data of the cluster. Or this version of the server cannot read the format of the stored keys: the cluster is old, or was migrated from another seal.',
    advice:
      'If the node has just joined, wait. If it is still sealed once it stops receiving data, set its data directory aside and join it again. Otherwise install the snapshot on the version that made it (named in its manifest), unseal there, then upgrade.',
  },
  {
    says: /invalid key size/i,
    means:
      'The node still uses a different number of shares or a different threshold from the cluster that the shares belong to (or the cluster is so old that its keys have a legacy format).',
    advice:
      "Restart Vault on this node while it is sealed, then submit the shares again. If the error persists, install the snapshot again with the snapshot's own shares and threshold, on the Vault version that made it.",
  },
  {
    says: /using seal shamir/i,
    means: 'These shares do not belong together, or belong to another cluster.',
    advice: 'Reset the unseal round and submit the shares that belonged to the cluster when the snapshot was made.',
  },
  {
    says: /failed to compute combined key|parts must be at least two bytes|all parts must be the same length|duplicate part detected/i,
    means:
      'The shares of this round do not belong to one set: one is truncated or from another cluster, or the same share was submitted twice.',
    advice: 'Reset the unseal round; each key holder submits their own share again.',
  },
  {
    says: /key is (shorter than minimum|longer than maximum)/i,
    means: 'The submitted text is not a complete unseal share.',
    advice: 'Submit the whole share, exactly as printed when the cluster was initialised.',
  },
  {
    says: /'key' must be a valid hex or base64 string/i,
    means: 'The submitted text is not an unseal share.',
    advice: 'Submit the share exactly as printed when the cluster was initialised, without quotes or spaces.',
  },
  {
    says: /'key' must be specified in request body/i,
    means: 'The unseal request contained no share.',
    advice: 'Submit a share, or reset the round.',
  },
  {
    says: /failed to verify recovery key|recovery key verification failed|recovery key does not match submitted values/i,
    means: 'These recovery keys belong to another cluster.',
    advice:
      'Use the recovery keys that belonged to the cluster when the snapshot was made. Recovery keys never unseal a cluster; its KMS does.',
  },
  {
    says: /incompatible seal types between raft leader/i,
    means: "The seal configured on this node differs from the leader's.",
    advice: "Copy the leader's seal stanza to this node, set its data directory aside and start it again.",
  },
  {
    says: /migrate option not provided and seal migration is pending|cannot auto-unseal during seal migration|entering seal migration mode/i,
    means:
      'The data was sealed with another type of seal than the configured one, so Vault waits for a seal migration.',
    advice:
      'Configure the seal stanza of the cluster that made the snapshot. To change the seal, first restore with the old one, then migrate with `vault operator unseal -migrate` (`bao` with OpenBao).',
  },
  {
    says: /cannot seal migrate from|barrier seal type of .* does not match|recovery seal type of .* does not match|barrier seal type does not match expected type/i,
    means: 'The data was sealed with another type of seal than the configured one.',
    advice:
      "Configure the seal stanza of the cluster that made the snapshot. The seal can't be changed during a restore.",
  },
  {
    says: /newer seal generation found in storage/i,
    means: 'The seal stanza of this node is older than the one last used to unseal the cluster.',
    advice: 'Copy the seal stanza of the last active node to this node, and restart it.',
  },
  {
    says: /raft snapshot restore failed (to get stored keys|to unseal barrier|to seal barrier|preSeal)/i,
    means:
      "The snapshot was installed, but the seal of this node can't decrypt its keys, so the node has sealed itself.",
    advice:
      'Check the seal stanza, and that this host may use the same key (KMS or transit) as the original cluster, then restart Vault.',
  },
  {
    says: /failed to perform (key|TLS key) upgrades, sealing/i,
    means:
      'The snapshot was installed and needs other unseal keys than the node had, so the node has sealed itself. This is expected during a restore.',
    advice: 'Restart Vault on this node while it is sealed, then unseal it with the original shares.',
  },
  {
    says: /error while restoring raft snapshot|Raft error when restoring snapshot|failed to install snapshot database|failed to restore snapshot/i,
    means: 'The snapshot was accepted but could not be installed, so the state of this node is unknown.',
    advice:
      "Check Vault's log above this line for a full or failing disk; then set the data directory aside and install the snapshot again.",
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
      "Vault can't start because it can't use its seal: the KMS or the transit Vault is unreachable or refuses the request.",
    advice:
      'Check from this host that the KMS or transit Vault is reachable, that the credential in the seal stanza (or in the environment of the service) is valid, and that the key exists.',
  },
  {
    says: /namespace is sealed/i,
    means: 'This OpenBao namespace has its own keys, and stays sealed after a restart until its key holders unseal it.',
    advice:
      'The key holders of that namespace run `bao namespace unseal PATH` on every node. The cluster itself is unsealed.',
  },
  {
    says: /self-initialization (failed|requires auto-unseal)|error during self-initialization/i,
    means:
      'The configuration has an `initialize` stanza: OpenBao tried to initialise this empty node as a new cluster, and was interrupted or refused.',
    advice:
      'Remove `initialize` from the configuration, set the data directory of this node aside, and start it again.',
  },
  {
    says: /unseal keys are supported, but none were found/i,
    means: 'This auto-unseal node has not yet received the stored keys from the leader: its join did not complete.',
    advice:
      'Restart Vault on the first node; if this node does not unseal within a minute, set its data directory aside and join it again.',
  },
  {
    says: /stored unseal keys found, but flag indicates Vault initialization is still in progress/i,
    means: 'The initialisation of this node was interrupted.',
    advice: 'Stop Vault on this node, set its data directory aside and start it again.',
  },
  {
    says: /unable to retrieve stored keys|fetching stored unseal keys failed|unseal with stored key failed|failed to decrypt (encrypted stored keys|keys from storage)/i,
    means: "The stored keys can't be decrypted: the snapshot belongs to another auto-unseal key, or to other shares.",
    advice:
      'Check the seal stanza, and that this host may use the same key (KMS or transit) as the original cluster. Recovery keys never unseal.',
  },
  {
    says: /cipher: message authentication failed|Unseal failed, invalid key/i,
    means: 'These shares do not belong together, or belong to another cluster.',
    advice: 'Reset the unseal round and submit the shares that belonged to the cluster when the snapshot was made.',
  },
];

/** Making, uploading and checking a snapshot. */
export const ABOUT_THE_SNAPSHOT: readonly KnownMessage[] = [
  {
    says: /could not verify hash file/i,
    means: 'The snapshot was made with unseal keys, or an auto-unseal key, that this node does not have.',
    advice:
      'This is expected on a freshly initialised node: install with force. Otherwise make sure that the snapshot belongs to this cluster.',
  },
  {
    says: /unable to read SHA256SUMS\.sealed|failed to (open the sealed|seal snapshot) hashes/i,
    means:
      'The snapshot lacks its sealed checksums: the server that made it could not reach its seal, or the download was truncated.',
    advice:
      "Take the snapshot again, directly from the leader. If the error persists, check in the leader's log that it reaches its KMS.",
  },
  {
    says: /no space left on device/i,
    means:
      'A disk of this node is full. Vault needs space for the unpacked snapshot in TMPDIR as well as in its data directory.',
    advice: 'Free space in the data directory and in TMPDIR of the Vault service, then try again.',
  },
  {
    says: /read-only file system/i,
    means: "Vault can't write to its file system; it unpacks a snapshot in TMPDIR before it installs it.",
    advice: 'Set TMPDIR of the Vault service to a writable directory with space for the unpacked snapshot.',
  },
  {
    says: /failed to create temp snapshot file/i,
    means: "Vault can't write to its temporary directory, where it unpacks a snapshot before it installs it.",
    advice:
      "Check that TMPDIR of the Vault service exists, is writable by Vault's user, and has space for the unpacked snapshot.",
  },
  {
    says: /failed to read or write snapshot data: .*i\/o timeout|failed to read request body/i,
    means: "The upload was cut off by the listener's read timeout (`http_read_timeout`, 30 seconds unless set).",
    advice: "Raise `http_read_timeout` in the listener of this node's configuration, restart Vault and try again.",
  },
  {
    says: /request body too large/i,
    means: 'The listener, or a proxy in front of it, refuses a request of this size.',
    advice: "Send it to the node's own listener, not through a proxy; raise `max_request_size` there.",
  },
  {
    says: /failed checking integrity of snapshot|hash check failed for|list missing hash for/i,
    means: 'The snapshot does not match its own checksums: it is damaged.',
    advice: 'Verify the copy again; if that fails, choose another copy.',
  },
  {
    says: /failed to decompress snapshot|failed reading snapshot|failed to read snapshot file/i,
    means: 'The upload is not a complete snapshot archive.',
    advice: 'Decrypt and verify the copy again before installing it; if that fails, choose another copy.',
  },
  {
    says: /file already closed/i,
    means: 'Vault has already closed the uploaded snapshot. It logs this after successful restores, too.',
    advice: 'Ignore this message; check whether the node has sealed itself or shows the cluster id of the snapshot.',
  },
];

/** Joining, leaving, Raft TLS, peers. */
export const ABOUT_THE_CLUSTER: readonly KnownMessage[] = [
  {
    says: /was removed from a HA cluster|has been removed from the HA cluster/i,
    means:
      'The data directory of this node records that the cluster removed it, so it neither unseals nor serves requests.',
    advice: 'Stop Vault on this node, set its data directory aside, start it again and join it to the cluster.',
  },
  {
    says: /error writing raft TLS keyring|could not find raft TLS configuration/i,
    means: 'The node has not yet received the Raft TLS keys of the leader, and tried to create its own.',
    advice:
      'Wait until it is a voter. If it does not become one, set its data directory aside, restart the leader, and join it again.',
  },
  {
    says: /tls: unrecognized name|no TLS (certs?|config) found for ALPN/i,
    means: 'The Raft TLS keys of the nodes differ: a node still holds those from before the restore.',
    advice:
      'Restart the restored first node and unseal it; then set the data directory of this node aside and join it again.',
  },
  {
    says: /raft (storage )?is already initialized/i,
    means: 'The data directory of this node is not empty: it already belongs to a cluster.',
    advice: 'Stop Vault on this node, set its data directory aside and start it again, then join it.',
  },
  {
    says: /Vault is already initialized/i,
    means: 'The node is not empty: it was already initialised, or its data directory was not set aside.',
    advice: 'Make sure that this is the right node; if so, set its data directory aside and start it again.',
  },
  {
    says: /raft recovery failed|failed to (parse|delete) peers\.json/i,
    means: 'The node found a `raft/peers.json` but could not recover from it.',
    advice: 'Correct that file, or remove it and restore from a snapshot.',
  },
  {
    says: /not part of stable configuration|node is not in configuration/i,
    means: 'This node is not a member of the cluster: its address or node id has changed, or it was not included.',
    advice:
      'Compare node id and cluster address of this node with `vault operator raft list-peers` (`bao` with OpenBao); then set its data directory aside and join it again.',
  },
  {
    says: /found duplicate (ID|address) in configuration/i,
    means: 'Two nodes share a node id or a cluster address.',
    advice: 'Give each node its own `node_id` and `cluster_addr`.',
  },
  {
    says: /autoloaded licenses?/i,
    means: 'The leader loads its licence from a file; this node has none (Vault Enterprise).',
    advice: 'Put the licence file on this node and name it in `license_path`, then restart Vault.',
  },
  {
    says: /too many raft challenges in flight/i,
    means: 'Too many nodes tried to join at the same time, or one tried too often.',
    advice: 'Wait a minute; the node retries by itself.',
  },
  {
    says: /no expected answer for the server id/i,
    means:
      'The cluster has already accepted the node, but the node restarted or failed before it received the data of the cluster.',
    advice: 'Set its data directory aside, join it again, and unseal it.',
  },
  {
    says: /invalid answer given|error decrypting challenge/i,
    means: 'The node was unsealed with keys that do not belong to the cluster that it joins.',
    advice: 'Set its data directory aside, join it again, and unseal it with the shares of that cluster.',
  },
  {
    says: /waiting for unseal keys to be supplied/i,
    means: 'The node has asked to join, and needs its unseal shares to complete the join.',
    advice: 'Unseal it with the shares of the cluster.',
  },
  {
    says: /cannot use unspecified IP with raft/i,
    means: "Other nodes can't connect to the cluster address of this node (0.0.0.0, for example).",
    advice: 'Set `cluster_addr` in its configuration to an address that the other nodes can reach.',
  },
  {
    says: /failed to contact quorum of nodes/i,
    means: 'The leader lost contact with half or more of the voters, so it stepped down.',
    advice:
      'Check that the other nodes are running, unsealed, and can reach each other at their cluster addresses; check load and disks as well.',
  },
];
