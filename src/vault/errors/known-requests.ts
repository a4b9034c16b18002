import type { KnownMessage } from './known-messages';

/** Errors of the host, of the network between nodes, and of single requests. See `known-messages.ts`. */
export const ABOUT_THE_HOST: readonly KnownMessage[] = [
  {
    says: /failed to open bolt file: timeout/i,
    means: 'Another process has the data directory of this node open: a Vault that is still running.',
    advice: 'Find and stop that process, then start this one.',
  },
  {
    says: /failed to open bolt file|failed to create fsm/i,
    means: "Vault can't open the database in its data directory.",
    advice:
      'Check owner and mode of the data directory and its disk; if the file is damaged, set the directory aside and join the node again.',
  },
  {
    says: /\b(open|mkdir|stat|unlink|rename|remove|lstat) \S+: permission denied/i,
    means: "Vault's user has no access to a file or directory on this host.",
    advice: "Make Vault's user the owner of the file or directory, and restore the mode that it had before.",
  },
  {
    says: /address already in use/i,
    means: 'Another process listens on the address that Vault needs.',
    advice: 'Find it (`ss -ltnp`) and stop it: often it is a Vault that is still running. Then start this one.',
  },
  {
    says: /Failed to lock memory|disable_mlock must be configured/i,
    means: "Vault can't lock its memory on this host, or its configuration does not set `disable_mlock`.",
    advice: 'Set `disable_mlock` in its configuration, or allow the service to lock memory (LimitMEMLOCK).',
  },
  {
    says: /failed to (setup audit table|create audit entry|setup audit backed|audit request, cannot continue)/i,
    means: "An audit device of the restored cluster can't be opened on this host, so Vault does not become active.",
    advice:
      "Find the device in Vault's log, and create its directory or socket on every node, writable by Vault's user. Vault retries every second.",
  },
  {
    says: /failed to revoke lease/i,
    means:
      "A lease has expired and its credential can't be revoked: its database or service is unreachable, or no longer has the credential.",
    advice:
      'After a restore this is expected for credentials revoked since the backup. For others, check that this cluster can reach the service; `sys/leases` lists the remaining leases.',
  },
  {
    says: /error restoring leases/i,
    means: 'Vault could not load its leases, so it has sealed itself.',
    advice: "Find the lease in Vault's log; on a slow disk, try again.",
  },
  {
    says: /x509: |tls: (bad certificate|unknown certificate|failed to verify certificate)/i,
    means:
      'A TLS certificate was rejected: its CA is unknown, it has expired, or it does not name the requested address.',
    advice:
      'Compare the address with the names in the certificate, and give the caller the right CA (for a join: `leader_ca_cert_file`, `leader_tls_servername`).',
  },
  {
    says: /redirect would cause protocol downgrade/i,
    means: 'The node redirects an https:// request to an http:// address.',
    advice: 'Set `api_addr` of every node to its own https:// address.',
  },
  {
    says: /failed to (retry )?join raft cluster|failed to get raft challenge|error during raft bootstrap/i,
    means: 'The node could not reach the leader, or does not trust its certificate.',
    advice: "Check from this host that the leader's API and cluster address answer and that its CA is known here.",
  },
  {
    says: /failed to heartbeat to|failed to make requestVote RPC|failed to appendEntries to/i,
    means: "This node can't reach another node at its cluster address.",
    advice: 'Check that the other node is running and that this host can reach its cluster address (port 8201).',
  },
];

/** Broad patterns: must come last. */
export const ABOUT_REQUESTS: readonly KnownMessage[] = [
  {
    says: /raft storage is not in use/i,
    means: 'This cluster does not use integrated (Raft) storage.',
    advice: 'Raft snapshots exist for integrated storage only; check that the configuration names the right cluster.',
    answerOnly: true,
  },
  {
    says: /invalid role or secret ID|invalid (secret|role)[ _]id/i,
    means: 'The role id or the secret id is not valid: secret ids expire and have a limited number of uses.',
    advice: 'Issue a new secret id for the role and store it where the configuration reads it.',
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
    means: 'The policy of this credential does not allow this request, or the credential may not log in.',
    advice: 'Grant the path in the policy of the role that the configuration names.',
    answerOnly: true,
  },
  {
    says: /unsupported operation/i,
    means: 'The endpoint is disabled on this node, or does not support this method.',
    advice:
      'To generate a root token from the unseal keys alone, enable that first: on OpenBao 2.5.3 and later `disable_unauthed_generate_root_endpoints = false` in a listener, on Vault 2.0 and later `enable_unauthenticated_access = ["generate-root"]`.',
    answerOnly: true,
  },
  {
    says: /context deadline exceeded/i,
    means: 'An operation in Vault timed out: on its storage, its seal, or another node.',
    advice:
      "Find the operation in Vault's log; check load and disks. For a snapshot, the caller's own time limit may be too short.",
  },
  {
    says: /Vault is sealed/i,
    means: 'The node is running, and sealed.',
    advice: 'Unseal it; with auto-unseal, check that it can reach its KMS.',
    answerOnly: true,
  },
  {
    says: /Vault is not initialized/i,
    means: 'The node is not initialised: it holds no data.',
    advice: 'If it should hold data, check its data directory; otherwise join it to the cluster.',
    answerOnly: true,
  },
  {
    says: /local node not active but active cluster node not found|node is not the leader/i,
    means: 'The cluster has no leader at the moment.',
    advice:
      'Wait for the election. If no leader is elected, make sure that more than half of the voters are running and unsealed.',
  },
  {
    says: /rate limit quota exceeded/i,
    means: 'A rate limit quota of this Vault refused the request.',
    advice: 'Exempt the paths under sys/storage/raft/ from the quota, or try again later.',
    answerOnly: true,
  },
  {
    says: /no handler for route|unsupported path/i,
    means: 'Nothing is mounted at this path, or this version of Vault does not support it.',
    advice: 'Check the mount path in the configuration.',
    answerOnly: true,
  },
  {
    says: /Client sent an HTTP request to an HTTPS server/i,
    means: 'The listener uses TLS, but the configured address begins with http://.',
    advice: 'Change the address of the node to https://.',
  },
];
