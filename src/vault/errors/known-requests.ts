import type { KnownMessage } from './known-messages';

/** What goes wrong on the host, on the way between nodes, and with a single request. As `known-messages.ts`. */
export const ABOUT_THE_HOST: readonly KnownMessage[] = [
  {
    says: /failed to open bolt file: timeout/i,
    means: 'Another process has the data directory of this node open: a Vault that still runs.',
    advice: 'Find and stop that process, then start this one.',
  },
  {
    says: /failed to open bolt file|failed to create fsm/i,
    means: 'Vault can not open the database in its data directory.',
    advice:
      'Check owner and mode of the data directory and its disk; if the file is damaged, set the directory aside and join the node again from blank.',
  },
  {
    says: /\b(open|mkdir|stat|unlink|rename|remove|lstat) \S+: permission denied/i,
    means: "Vault's user may not use a file or directory of its own host.",
    advice: 'Give it to the user that Vault runs as, with the owner and mode that it had before.',
  },
  {
    says: /address already in use/i,
    means: 'Something else listens on the address that Vault needs.',
    advice: 'Find it (`ss -ltnp`) and stop it: often it is a Vault that still runs. Then start this one.',
  },
  {
    says: /Failed to lock memory|disable_mlock must be configured/i,
    means: 'Vault may not lock its memory on this host, or its configuration does not say whether it should.',
    advice: 'Set `disable_mlock` in its configuration, or allow the service to lock memory (LimitMEMLOCK).',
  },
  {
    says: /failed to (setup audit table|create audit entry|setup audit backed|audit request, cannot continue)/i,
    means: 'An audit device of the restored cluster can not be opened on this host, so Vault will not become active.',
    advice:
      "Read which device it is in Vault's log, and make its directory or socket on every node, writable for Vault's user. Vault tries again by itself each second.",
  },
  {
    says: /failed to revoke lease/i,
    means:
      'A lease has run out and its credential can not be withdrawn: its database or service does not answer Vault, or does not know the credential.',
    advice:
      'After a restore this is to be expected for credentials that were revoked since. For the others check that this cluster reaches the service; `sys/leases` shows what is left.',
  },
  {
    says: /error restoring leases/i,
    means: 'Vault could not load its leases, so it has sealed itself.',
    advice: 'Read in its log which lease it is; on a slow disk try again.',
  },
  {
    says: /x509: |tls: (bad certificate|unknown certificate|failed to verify certificate)/i,
    means:
      'A TLS certificate is not accepted: its CA is not known there, it has expired, or it does not name the address that was called.',
    advice:
      'Compare the address with the names in the certificate, and give the caller the right CA (for a join: `leader_ca_cert_file`, `leader_tls_servername`).',
  },
  {
    says: /redirect would cause protocol downgrade/i,
    means: 'The node sends the request on to an address with http:// although it was asked with https://.',
    advice: 'Set `api_addr` of every node to its own https:// address.',
  },
  {
    says: /failed to (retry )?join raft cluster|failed to get raft challenge|error during raft bootstrap/i,
    means: 'The node could not reach the leader, or does not trust its certificate.',
    advice: "Check from this host that the leader's API and cluster address answer and that its CA is known here.",
  },
  {
    says: /failed to heartbeat to|failed to make requestVote RPC|failed to appendEntries to/i,
    means: 'This node can not reach another node at its cluster address.',
    advice: 'Check that the other node runs and that its cluster address (port 8201) can be reached from this host.',
  },
];

/** What fits much, and so comes last. */
export const ABOUT_REQUESTS: readonly KnownMessage[] = [
  {
    says: /raft storage is not in use/i,
    means: 'This cluster keeps its data somewhere else than in integrated (Raft) storage.',
    advice:
      'Snapshots of this kind exist for integrated storage only; check that the configuration names the right cluster.',
    answerOnly: true,
  },
  {
    says: /invalid role or secret ID|invalid (secret|role)[ _]id/i,
    means: 'The role id or the secret id is not valid (any more): secret ids expire and can be used up.',
    advice: 'Issue a new secret id for the role and put it where the configuration reads it from.',
    answerOnly: true,
  },
  {
    says: /invalid token|bad token|missing client token/i,
    means: 'The token is missing, has expired, was revoked, or belongs to another cluster.',
    advice: 'Check the auth section of the configuration, and that the credential in it is still valid.',
    answerOnly: true,
  },
  {
    says: /permission denied/i,
    means: 'The credential is known, or may not even log in, but its policy does not allow this.',
    advice: 'Grant the path in the policy of the role that the configuration names.',
    answerOnly: true,
  },
  {
    says: /unsupported operation/i,
    means: 'The node does not offer this: the endpoint is turned off there, or it does not know this way to call it.',
    advice:
      'To make a root token with the keys alone, allow it first: on OpenBao 2.5.3 and later `disable_unauthed_generate_root_endpoints = false` in a listener, on Vault 2.0 and later `enable_unauthenticated_access = ["generate-root"]`.',
    answerOnly: true,
  },
  {
    says: /context deadline exceeded/i,
    means: 'Vault gave up on something that took too long: its storage, its seal, or another node.',
    advice:
      "Read in its log what that was; look at the load and the disks. For a snapshot the caller's own time limit may be too short.",
  },
  {
    says: /Vault is sealed/i,
    means: 'The node is up and waits for its unseal shares.',
    advice: 'Unseal it; with auto-unseal, check that it reaches its KMS.',
    answerOnly: true,
  },
  {
    says: /Vault is not initialized/i,
    means: 'The node is blank: it holds no data.',
    advice: 'If it should hold data, check its data directory; else join it to the cluster.',
    answerOnly: true,
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
    answerOnly: true,
  },
  {
    says: /no handler for route|unsupported path/i,
    means: 'Nothing is mounted at this path, or this version of Vault does not know it.',
    advice: 'Check the mount path in the configuration.',
    answerOnly: true,
  },
  {
    says: /Client sent an HTTP request to an HTTPS server/i,
    means: 'The listener speaks TLS, the configured address does not.',
    advice: 'Write the address of the node with https://.',
  },
];
