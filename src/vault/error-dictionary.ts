export interface Explanation {
  /** What the message says, in plain words. */
  means: string;
  /** What the operator does next. */
  advice: string;
}

/** Vault's own words, as far as they are the same on every node, and what they say. The first that fits counts. */
const DICTIONARY: readonly (Explanation & { says: RegExp })[] = [
  {
    says: /invalid key size/i,
    means:
      'The node still works with another number of shares or threshold than the cluster that the shares belong to (or the cluster is so old that its keys have a legacy form).',
    advice:
      "Restart Vault on this node while it is sealed, then submit the shares again. If it says so again, install the snapshot again with the snapshot's own shares and threshold, on the Vault version that made it.",
  },
  {
    says: /was removed from a HA cluster|has been removed from the HA cluster/i,
    means: 'The data directory of this node says that the cluster has removed it, so it neither unseals nor serves.',
    advice: 'Stop Vault on this node, set its data directory aside, start it blank and join it again.',
  },
  {
    says: /tls: unrecognized name|no TLS (certs?|config) found for ALPN/i,
    means: 'The Raft TLS keys of the nodes differ: a node still holds those of the time before the restore.',
    advice:
      'Restart the restored first node and unseal it; then set the data directory of this node aside and join it again.',
  },
  {
    says: /could not verify hash file/i,
    means: 'The snapshot was made under other unseal keys, or another auto-unseal key, than this node has.',
    advice:
      'This is normal on a freshly initialised node: install with force. Anywhere else make sure that the snapshot belongs to this cluster.',
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
    says: /failed to setup audit table/i,
    means: 'An audit device of the restored cluster can not be opened on this host, so Vault will not become active.',
    advice:
      "Read which device it is in Vault's log; create its directory or socket, writable for Vault's user, on every node; then restart Vault and unseal it.",
  },
  {
    says: /failed to read request body/i,
    means: "The upload was cut by the listener's read timeout (`http_read_timeout`, 30 seconds unless set).",
    advice: "Raise `http_read_timeout` in the listener of this node's configuration, restart Vault and try again.",
  },
  {
    says: /unseal keys are supported, but none were found/i,
    means: 'An auto-unseal node has not received the stored keys from the leader yet: its join did not come through.',
    advice:
      'Restart Vault on the first node; if this node does not unseal within a minute after that, join it again from blank.',
  },
  {
    says: /unable to retrieve stored keys|failed to decrypt (encrypted stored keys|keys from storage)/i,
    means: 'The stored keys do not open: the snapshot belongs to another auto-unseal key, or to other shares.',
    advice:
      'Check the seal stanza and that this host may use the key (KMS or transit) which the original cluster used. Recovery keys never unseal.',
  },
  {
    says: /cipher: message authentication failed|Unseal failed, invalid key/i,
    means: 'These shares do not fit together, or are not those of this cluster.',
    advice: 'Start the round of shares over, with the shares that belonged to the cluster when the snapshot was made.',
  },
  {
    says: /'key' must be a valid hex or base64 string/i,
    means: 'What was submitted is not an unseal share.',
    advice: 'Submit the share as it was printed when the cluster was initialised, without quotes or spaces.',
  },
  {
    says: /failed to join raft cluster|error during raft bootstrap/i,
    means: 'The node could not reach the leader, or does not trust its certificate.',
    advice: "Check from this host that the leader's API and cluster address answer and that its CA is known here.",
  },
  {
    says: /no space left on device/i,
    means:
      'A disk of this node is full. Vault needs room for the unpacked snapshot in TMPDIR as well as in its data directory.',
    advice: 'Make room in the data directory and in TMPDIR of the Vault service, then try again.',
  },
  {
    says: /failed to decompress snapshot|failed reading snapshot|failed to read snapshot file/i,
    means: 'What was uploaded is not a whole snapshot archive.',
    advice: 'Decrypt and verify the copy again before you install it; choose another copy if it fails.',
  },
  {
    says: /raft storage is not in use/i,
    means: 'This cluster keeps its data somewhere else than in integrated (Raft) storage.',
    advice:
      'Snapshots of this kind exist for integrated storage only; check that the configuration names the right cluster.',
  },
  {
    says: /invalid role or secret ID|invalid (secret|role)[ _]id/i,
    means: 'The role id or the secret id is not valid (any more): secret ids expire and can be used up.',
    advice: 'Issue a new secret id for the role and put it where the configuration reads it from.',
  },
  {
    says: /invalid token|bad token|missing client token/i,
    means: 'The token is missing, has expired, was revoked, or belongs to another cluster.',
    advice: 'Check the auth section of the configuration, and that the credential in it is still valid.',
  },
  {
    says: /permission denied/i,
    means: 'The credential is known, or may not even log in, but its policy does not allow this.',
    advice: 'Grant the path in the policy of the role that the configuration names.',
  },
  {
    says: /Vault is sealed/i,
    means: 'The node is up and waits for its unseal shares.',
    advice: 'Unseal it; with auto-unseal, check that it reaches its KMS.',
  },
  {
    says: /Vault is not initialized/i,
    means: 'The node is blank: it holds no data.',
    advice: 'If it should hold data, check its data directory; else join it to the cluster.',
  },
  {
    says: /local node not active but active cluster node not found|node is not the leader/i,
    means: 'The cluster has no leader at the moment.',
    advice: 'Wait for the election. If none comes, more than half of the voters must be up and unsealed.',
  },
  {
    says: /rate limit quota exceeded/i,
    means: 'A rate limit quota of this Vault refused the request.',
    advice: 'Exempt the paths under sys/storage/raft/ from the quota, or try again later.',
  },
  {
    says: /no handler for route|unsupported path/i,
    means: 'Nothing is mounted at this path, or this version of Vault does not know it.',
    advice: 'Check the mount path in the configuration.',
  },
  {
    says: /Client sent an HTTP request to an HTTPS server/i,
    means: 'The listener speaks TLS, the configured address does not.',
    advice: 'Write the address of the node with https://.',
  },
];

/** @returns null when the message is none of the known ones. */
export function explain(message: string): Explanation | null {
  const entry = DICTIONARY.find(({ says }) => says.test(message));
  return entry ? { means: entry.means, advice: entry.advice } : null;
}
