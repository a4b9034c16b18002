import { explain, explainLog } from '../../../../src/vault/errors/error-dictionary';

describe('explain', () => {
  it.each([
    [
      'invalid key: failed to setup unseal key: crypto/aes: invalid key size 33',
      'a different number of shares',
      'Restart Vault',
    ],
    ['node was removed from a HA cluster', 'the cluster removed it', 'set its data directory aside'],
    ['node has been removed from the HA cluster', 'the cluster removed it', 'set its data directory aside'],
    ['failed to heartbeat: remote error: tls: unrecognized name', 'Raft TLS keys', 'Restart the restored first node'],
    ['no TLS config found for ALPN', 'Raft TLS keys', 'join it again'],
    [
      'could not verify hash file, possibly the snapshot is using a different set of unseal keys; use the snapshot-force API to bypass this check',
      'unseal keys, or an auto-unseal key, that this node does not have',
      'with force',
    ],
    ['raft storage is already initialized', 'not empty', 'set its data directory aside'],
    ['raft is already initialized', 'not empty', 'set its data directory aside'],
    ['Vault is already initialized', 'not empty', 'the right node'],
    ['failed to create audit entry: path=file/ error="sanity check failed"', 'audit device', 'on every node'],
    ['failed to setup audit table', 'audit device', 'on every node'],
    ['failed to audit request, cannot continue', 'audit device', 'on every node'],
    [
      'Error configuring seal "transit": Put "https://kms": dial tcp: connection refused',
      'use its seal',
      'seal stanza',
    ],
    ['namespace is sealed', 'its own keys', 'bao namespace unseal'],
    ['self-initialization failed: refusing to unseal', '`initialize` stanza', 'Remove `initialize`'],
    ['self-initialization requires auto-unseal as there is no way to persist', 'as a new cluster', 'set the data'],
    ['failed to read request body', 'http_read_timeout', 'http_read_timeout'],
    ['stored unseal keys are supported, but none were found', 'auto-unseal', 'Restart Vault on the first node'],
    ['unable to retrieve stored keys: x', "can't be decrypted", 'Recovery keys never unseal'],
    ['failed to decrypt encrypted stored keys: x', "can't be decrypted", 'KMS'],
    ['invalid key: failed to decrypt keys from storage: cipher: y', "can't be decrypted", 'seal stanza'],
    ['Unseal failed, invalid key', 'do not belong together', 'Reset the unseal round'],
    ['cipher: message authentication failed', 'do not belong together', 'Reset the unseal round'],
    ["'key' must be a valid hex or base64 string", 'not an unseal share', 'without quotes'],
    ['failed to join raft cluster: x', 'could not reach the leader', 'from this host'],
    ['error during raft bootstrap init call: x', 'could not reach the leader', 'CA'],
    ['write /tmp/snapshot1: no space left on device', 'full', 'TMPDIR'],
    [
      'failed to read snapshot file: failed to decompress snapshot: x',
      'not a complete snapshot',
      'choose another copy',
    ],
    ['failed reading snapshot: unexpected EOF', 'not a complete snapshot', 'choose another copy'],
    ['raft storage is not in use', 'does not use integrated', 'integrated storage only'],
    ['invalid role or secret ID', 'expire', 'Issue a new secret id'],
    ['invalid secret id', 'expire', 'Issue a new secret id'],
    ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n', 'The token is missing', 'auth section'],
    ['missing client token', 'The token is missing', 'auth section'],
    ['1 error occurred:\n\t* permission denied\n\n', 'does not allow this request', 'Grant the path'],
    ['Vault is sealed', 'and sealed', 'Unseal it'],
    ['Vault is not initialized', 'holds no data', 'data directory'],
    ['local node not active but active cluster node not found', 'no leader', 'Wait for the election'],
    ['node is not the leader', 'no leader', 'Wait for the election'],
    ['request path "x": rate limit quota exceeded', 'rate limit quota', 'Exempt'],
    ['no handler for route "nope/x". route entry not found.', 'Nothing is mounted', 'mount path'],
    ['unsupported path', 'Nothing is mounted', 'mount path'],
    [
      'invalid key: failed to setup unseal key: crypto/aes: invalid key size 0',
      'format of the stored keys',
      'the version that made it',
    ],
    ['crypto/aes: invalid key size 0', 'already has its shares', 'wait'],
    [
      'unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: error decrypting seal wrapped value\nerror decrypting using seal shamir: cipher: message authentication failed',
      'do not belong together',
      'Reset the unseal round',
    ],
    [
      'invalid key: failed to compute combined key: all parts must be the same length',
      'one set',
      'Reset the unseal round',
    ],
    [
      'invalid key: failed to compute combined key: parts must be at least two bytes',
      'one set',
      'Reset the unseal round',
    ],
    ['invalid key: failed to compute combined key: duplicate part detected', 'one set', 'Reset the unseal round'],
    ['invalid key: key is shorter than minimum 16 bytes', 'not a complete unseal share', 'the whole share'],
    ['invalid key: key is longer than maximum 33 bytes', 'not a complete unseal share', 'the whole share'],
    ["'key' must be specified in request body as JSON, or 'reset' set to true", 'no share', 'Submit a share'],
    [
      'invalid key: failed to verify recovery key: recovery key does not match submitted values',
      'recovery keys belong to another cluster',
      'never unseal',
    ],
    ['recovery key verification failed: x', 'recovery keys belong to another cluster', 'never unseal'],
    [
      'incompatible seal types between raft leader (shamir) and follower (transit)',
      "differs from the leader's",
      "leader's seal stanza",
    ],
    ['migrate option not provided and seal migration is pending', 'another type of seal', 'unseal -migrate'],
    ['cannot auto-unseal during seal migration', 'another type of seal', 'unseal -migrate'],
    ['entering seal migration mode; Vault will not automatically unseal', 'another type of seal', 'unseal -migrate'],
    [
      'cannot seal migrate from "transit" to Shamir, no disabled seal in configuration',
      'another type of seal',
      "can't be changed",
    ],
    [
      'barrier seal type of "shamir" does not match loaded type of "transit"',
      'another type of seal',
      "can't be changed",
    ],
    [
      'barrier seal type of "awskms" does not match expected type of "shamir"',
      'another type of seal',
      "can't be changed",
    ],
    ['recovery seal type of "x" does not match loaded type of "shamir"', 'another type of seal', "can't be changed"],
    ['newer seal generation found in storage, in memory seal configuration is out of date', 'older', 'restart it'],
    ['fetching stored unseal keys failed: x', "can't be decrypted", 'KMS'],
    ['unseal with stored key failed: x', "can't be decrypted", 'KMS'],
    [
      'error parsing Seal configuration: Put "http://127.0.0.1:1/v1/transit/encrypt/a": dial tcp 127.0.0.1:1: connect: connection refused',
      "can't use its seal",
      'is reachable',
    ],
    ['raft snapshot restore failed to get stored keys: error=x', 'sealed itself', 'may use the same key'],
    ['raft snapshot restore failed to unseal barrier: error=x', 'sealed itself', 'may use the same key'],
    ['raft snapshot restore failed preSeal: error=x', 'sealed itself', 'may use the same key'],
    ['failed to perform key upgrades, sealing: error=x', 'is expected', 'original shares'],
    ['failed to perform TLS key upgrades, sealing: error=x', 'is expected', 'original shares'],
    ['error while restoring raft snapshot: error=x', 'unknown', 'install the snapshot again'],
    ['Raft error when restoring snapshot: x', 'unknown', 'install the snapshot again'],
    ['failed to install snapshot database: x', 'unknown', 'install the snapshot again'],
    ['failed to restore snapshot: error=x', 'unknown', 'install the snapshot again'],
    [
      'encryption keys have changed out from underneath us (possibly due to replication enabling), must be unsealed again',
      'changed under a running node',
      'several running nodes',
    ],
    [
      'stored unseal keys found, but flag indicates Vault initialization is still in progress',
      'was interrupted',
      'start it again',
    ],
    ['incomplete snapshot, unable to read SHA256SUMS.sealed file', 'lacks its sealed checksums', 'reaches its KMS'],
    ['failed to seal snapshot hashes: x', 'lacks its sealed checksums', 'reaches its KMS'],
    ['failed to open the sealed hashes: x', 'lacks its sealed checksums', 'directly from the leader'],
    ['failed to create temp snapshot file: open /tmp/snapshot1: read-only file system', "can't write", 'Set TMPDIR'],
    ['failed to create temp snapshot file: open /gone/snapshot1: no such file or directory', 'temporary', 'TMPDIR'],
    [
      '1 error occurred:\n\t* failed to read snapshot file: failed to read or write snapshot data: read tcp 127.0.0.1:28200->127.0.0.1:39960: i/o timeout\n\n',
      'http_read_timeout',
      'http_read_timeout',
    ],
    [
      'failed to read snapshot file: failed to read or write snapshot data: unexpected EOF',
      'not a complete snapshot',
      'choose another copy',
    ],
    ['http: request body too large', 'this size', 'max_request_size'],
    ['failed checking integrity of snapshot: hash check failed for "state.bin"', 'damaged', 'choose another copy'],
    ['failed checking integrity of snapshot: list missing hash for "x"', 'damaged', 'choose another copy'],
    ['close /tmp/snapshot1: file already closed', 'after successful restores', 'cluster id'],
    [
      'node has been removed from the HA cluster. Raft data for this node must be cleaned up before it can be added back',
      'the cluster removed it',
      'join it to the cluster',
    ],
    [
      'error writing raft TLS keyring: error="node is not the leader"',
      'Raft TLS keys of the leader',
      'until it is a voter',
    ],
    ['could not find raft TLS configuration', 'Raft TLS keys of the leader', 'until it is a voter'],
    ['no TLS certs found for ALPN: ALPN=["raft_storage_v1"]', 'Raft TLS keys', 'join it again'],
    ['raft recovery failed to parse peers.json: x', 'peers.json', 'Correct that file'],
    ['raft recovery failed: x', 'peers.json', 'Correct that file'],
    ['not part of stable configuration, aborting election', 'not a member of the cluster', 'list-peers'],
    ['rejecting vote request since node is not in configuration: from=x', 'not a member of the cluster', 'list-peers'],
    ['found duplicate ID in configuration: a', 'share a node id', 'its own'],
    [
      'attempt to join a cluster using autoloaded licenses while not using autoloading ourself',
      'licence',
      'license_path',
    ],
    ['too many raft challenges in flight', 'at the same time', 'Wait'],
    ['invalid answer given', 'with keys that do not belong', 'shares of that cluster'],
    ['no expected answer for the server id provided', 'already accepted the node', 'join it again'],
    ['error decrypting challenge: x', 'with keys that do not belong', 'shares of that cluster'],
    ['waiting for unseal keys to be supplied', 'needs its unseal shares', 'Unseal it'],
    [
      'cannot use unspecified IP with raft storage: 0.0.0.0:8201',
      "can't connect to the cluster address",
      'cluster_addr',
    ],
    ['failed to contact quorum of nodes, stepping down', 'half or more', 'cluster addresses'],
    [
      'Error initializing storage of type raft: failed to create fsm: failed to open bolt file: timeout',
      'Another process',
      'stop that process',
    ],
    [
      'Error initializing storage of type raft: failed to create fsm: failed to open bolt file: invalid database',
      "can't open the database",
      'join the node again',
    ],
    ['open /opt/vault/data/node-id: permission denied', 'on this host', "Vault's user"],
    [
      'Error initializing listener of type tcp: listen tcp 127.0.0.1:8200: bind: address already in use',
      'Another process listens',
      'ss -ltnp',
    ],
    ['Failed to lock memory: cannot allocate memory', 'lock its memory', 'disable_mlock'],
    ["ERROR: disable_mlock must be configured 'true' or 'false'", 'lock its memory', 'disable_mlock'],
    ['failed to setup audit backed: path=file/ type=file error=x', 'audit device', 'on every node'],
    ['expiration: failed to revoke lease: lease_id=database/creds/a/1 error=x', "can't be revoked", 'sys/leases'],
    ['error restoring leases: error=x', 'could not load its leases', 'Find the lease'],
    [
      "failed to verify certificate: x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
      'certificate was rejected',
      'names in the certificate',
    ],
    ['http: TLS handshake error from 10.0.0.2:1: remote error: tls: bad certificate', 'certificate', 'right CA'],
    ['redirect would cause protocol downgrade', 'http://', 'api_addr'],
    ['failed to retry join raft cluster: retry=2s err="failed to get raft challenge"', 'the leader', 'from this host'],
    ['failed to heartbeat to: peer=10.0.0.2:8201 error="dial tcp: connection refused"', 'another node', '8201'],
    ['failed to make requestVote RPC: target=x', 'another node', '8201'],
    ['failed to appendEntries to: peer=x', 'another node', '8201'],
    ['unsupported operation', 'endpoint is disabled', 'generate_root'],
    ['context deadline exceeded', 'timed out', 'time limit'],
    ['Client sent an HTTP request to an HTTPS server.', 'uses TLS', 'https://'],
  ])('explains %j', (message, means, advice) => {
    const explanation = explain(message);

    expect(explanation?.means).toContain(means);
    expect(explanation?.advice).toContain(advice);
  });

  it('has no explanation for an unknown message', () => {
    expect(explain('the moon is in the wrong phase')).toBeNull();
  });
});

describe('explainLog', () => {
  // As Vault 1.21.1 wrote it.
  const JOINING = `2026-11-24T15:39:39.602Z [INFO]  core: raft retry join initiated
2026-11-24T15:39:39.602Z [INFO]  core: vault is sealed
2026-11-24T15:39:39.603Z [ERROR] core: failed to get raft challenge: leader_addr=http://127.0.0.1:1 error="error during raft bootstrap init call: Put \\"http://127.0.0.1:1/v1/sys/storage/raft/bootstrap/challenge\\": dial tcp 127.0.0.1:1: connect: connection refused"
2026-11-24T15:39:39.603Z [ERROR] core: failed to retry join raft cluster: retry=2s err="failed to get raft challenge"
2026-11-24T15:39:41.605Z [ERROR] core: failed to retry join raft cluster: retry=2s err="failed to get raft challenge"
`;

  it('says each thing once', () => {
    expect(explainLog(JOINING)).toEqual([explain('failed to join raft cluster: x')]);
  });

  it('says the newest first', () => {
    const log = `${JOINING}2026-11-24T15:39:45.000Z [ERROR] storage.raft: failed to heartbeat to: peer=b error="remote error: tls: unrecognized name"\n`;

    expect(explainLog(log)).toEqual([explain('tls: unrecognized name'), explain('failed to join raft cluster: x')]);
    expect(explainLog(log + JOINING)).toEqual(explainLog(log).toReversed());
  });

  it('reads a log of JSON as well', () => {
    const line = {
      '@level': 'error',
      '@message': 'failed to join raft cluster',
      error: 'node has been removed from the HA cluster',
    };

    expect(explainLog(JSON.stringify(line))).toEqual([explain('node has been removed from the HA cluster')]);
  });

  it.each([
    ['an empty log', ''],
    ['a log of a good start', '[INFO]  core: vault is sealed\n[INFO]  core: vault is unsealed\n'],
    [
      'refused requests',
      '[ERROR] core: failed to run request: error="permission denied"\n[WARN] no handler for route "x"',
    ],
    ['what is long past', `${JOINING}${'[INFO]  core: all is well\n'.repeat(600)}`],
  ])('is silent about %s', (_what, log) => {
    expect(explainLog(log)).toEqual([]);
  });
});
