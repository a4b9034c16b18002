import { explain, explainLog } from '../../../../src/vault/errors/error-dictionary';

describe('explain', () => {
  it.each([
    [
      'invalid key: failed to setup unseal key: crypto/aes: invalid key size 33',
      'another number of shares',
      'Restart Vault',
    ],
    ['node was removed from a HA cluster', 'has removed it', 'set its data directory aside'],
    ['node has been removed from the HA cluster', 'has removed it', 'set its data directory aside'],
    ['failed to heartbeat: remote error: tls: unrecognized name', 'Raft TLS keys', 'Restart the restored first node'],
    ['no TLS config found for ALPN', 'Raft TLS keys', 'join it again'],
    [
      'could not verify hash file, possibly the snapshot is using a different set of unseal keys; use the snapshot-force API to bypass this check',
      'other unseal keys',
      'with force',
    ],
    ['raft storage is already initialized', 'not blank', 'set its data directory aside'],
    ['raft is already initialized', 'not blank', 'set its data directory aside'],
    ['Vault is already initialized', 'not blank', 'the right node'],
    ['failed to create audit entry: path=file/ error="sanity check failed"', 'audit device', 'on every node'],
    ['failed to setup audit table', 'audit device', 'on every node'],
    ['failed to audit request, cannot continue', 'audit device', 'on every node'],
    [
      'Error configuring seal "transit": Put "https://kms": dial tcp: connection refused',
      'use its seal',
      'seal stanza',
    ],
    ['namespace is sealed', 'keys of its own', 'bao namespace unseal'],
    ['self-initialization failed: refusing to unseal', '`initialize` stanza', 'Take `initialize` out'],
    ['self-initialization requires auto-unseal as there is no way to persist', 'a cluster of its own', 'set the data'],
    ['failed to read request body', 'http_read_timeout', 'http_read_timeout'],
    ['stored unseal keys are supported, but none were found', 'auto-unseal', 'Restart Vault on the first node'],
    ['unable to retrieve stored keys: x', 'do not open', 'Recovery keys never unseal'],
    ['failed to decrypt encrypted stored keys: x', 'do not open', 'KMS'],
    ['invalid key: failed to decrypt keys from storage: cipher: y', 'do not open', 'seal stanza'],
    ['Unseal failed, invalid key', 'do not fit together', 'Start the round of shares over'],
    ['cipher: message authentication failed', 'do not fit together', 'Start the round of shares over'],
    ["'key' must be a valid hex or base64 string", 'not an unseal share', 'without quotes'],
    ['failed to join raft cluster: x', 'could not reach the leader', 'from this host'],
    ['error during raft bootstrap init call: x', 'could not reach the leader', 'CA'],
    ['write /tmp/snapshot1: no space left on device', 'full', 'TMPDIR'],
    ['failed to read snapshot file: failed to decompress snapshot: x', 'not a whole snapshot', 'choose another copy'],
    ['failed reading snapshot: unexpected EOF', 'not a whole snapshot', 'choose another copy'],
    ['raft storage is not in use', 'somewhere else', 'integrated storage only'],
    ['invalid role or secret ID', 'expire', 'Issue a new secret id'],
    ['invalid secret id', 'expire', 'Issue a new secret id'],
    ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n', 'The token is missing', 'auth section'],
    ['missing client token', 'The token is missing', 'auth section'],
    ['1 error occurred:\n\t* permission denied\n\n', 'policy does not allow', 'Grant the path'],
    ['Vault is sealed', 'waits for its unseal shares', 'Unseal it'],
    ['Vault is not initialized', 'blank', 'data directory'],
    ['local node not active but active cluster node not found', 'no leader', 'Wait for the election'],
    ['node is not the leader', 'no leader', 'Wait for the election'],
    ['request path "x": rate limit quota exceeded', 'rate limit quota', 'Exempt'],
    ['no handler for route "nope/x". route entry not found.', 'Nothing is mounted', 'mount path'],
    ['unsupported path', 'Nothing is mounted', 'mount path'],
    ['invalid key: failed to setup unseal key: crypto/aes: invalid key size 0', 'a form', 'the version that made it'],
    ['crypto/aes: invalid key size 0', 'was given its shares before', 'wait'],
    [
      'unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: error decrypting seal wrapped value\nerror decrypting using seal shamir: cipher: message authentication failed',
      'do not fit together',
      'Start the round of shares over',
    ],
    ['invalid key: failed to compute combined key: all parts must be the same length', 'one set', 'Reset the round'],
    ['invalid key: failed to compute combined key: parts must be at least two bytes', 'one set', 'Reset the round'],
    ['invalid key: failed to compute combined key: duplicate part detected', 'one set', 'Reset the round'],
    ['invalid key: key is shorter than minimum 16 bytes', 'not a whole unseal share', 'last character'],
    ['invalid key: key is longer than maximum 33 bytes', 'not a whole unseal share', 'last character'],
    ["'key' must be specified in request body as JSON, or 'reset' set to true", 'no share', 'Submit a share'],
    [
      'invalid key: failed to verify recovery key: recovery key does not match submitted values',
      'recovery keys are not those',
      'never unseal',
    ],
    ['recovery key verification failed: x', 'recovery keys are not those', 'never unseal'],
    [
      'incompatible seal types between raft leader (shamir) and follower (transit)',
      'another seal',
      'seal stanza of the leader',
    ],
    ['migrate option not provided and seal migration is pending', 'another kind of seal', 'unseal -migrate'],
    ['cannot auto-unseal during seal migration', 'another kind of seal', 'unseal -migrate'],
    ['entering seal migration mode; Vault will not automatically unseal', 'another kind of seal', 'unseal -migrate'],
    [
      'cannot seal migrate from "transit" to Shamir, no disabled seal in configuration',
      'another kind of seal',
      'can not be moved',
    ],
    [
      'barrier seal type of "shamir" does not match loaded type of "transit"',
      'another kind of seal',
      'can not be moved',
    ],
    [
      'barrier seal type of "awskms" does not match expected type of "shamir"',
      'another kind of seal',
      'can not be moved',
    ],
    ['recovery seal type of "x" does not match loaded type of "shamir"', 'another kind of seal', 'can not be moved'],
    ['newer seal generation found in storage, in memory seal configuration is out of date', 'older', 'restart it'],
    ['fetching stored unseal keys failed: x', 'do not open', 'KMS'],
    ['unseal with stored key failed: x', 'do not open', 'KMS'],
    [
      'error parsing Seal configuration: Put "http://127.0.0.1:1/v1/transit/encrypt/a": dial tcp 127.0.0.1:1: connect: connection refused',
      'can not use its seal',
      'answers',
    ],
    ['raft snapshot restore failed to get stored keys: error=x', 'sealed itself', 'may use the key'],
    ['raft snapshot restore failed to unseal barrier: error=x', 'sealed itself', 'may use the key'],
    ['raft snapshot restore failed preSeal: error=x', 'sealed itself', 'may use the key'],
    ['failed to perform key upgrades, sealing: error=x', 'how it should be', 'original shares'],
    ['failed to perform TLS key upgrades, sealing: error=x', 'how it should be', 'original shares'],
    ['error while restoring raft snapshot: error=x', 'not known', 'install the snapshot again'],
    ['Raft error when restoring snapshot: x', 'not known', 'install the snapshot again'],
    ['failed to install snapshot database: x', 'not known', 'install the snapshot again'],
    ['failed to restore snapshot: error=x', 'not known', 'install the snapshot again'],
    [
      'encryption keys have changed out from underneath us (possibly due to replication enabling), must be unsealed again',
      'changed under a running node',
      'several running nodes',
    ],
    [
      'stored unseal keys found, but flag indicates Vault initialization is still in progress',
      'cut off',
      'start it blank',
    ],
    ['incomplete snapshot, unable to read SHA256SUMS.sealed file', 'without its sealed sums', 'reaches its KMS'],
    ['failed to seal snapshot hashes: x', 'without its sealed sums', 'reaches its KMS'],
    ['failed to open the sealed hashes: x', 'without its sealed sums', 'straight from the leader'],
    ['failed to create temp snapshot file: open /tmp/snapshot1: read-only file system', 'can not write', 'Set TMPDIR'],
    ['failed to create temp snapshot file: open /gone/snapshot1: no such file or directory', 'temporary', 'TMPDIR'],
    [
      '1 error occurred:\n\t* failed to read snapshot file: failed to read or write snapshot data: read tcp 127.0.0.1:28200->127.0.0.1:39960: i/o timeout\n\n',
      'http_read_timeout',
      'http_read_timeout',
    ],
    [
      'failed to read snapshot file: failed to read or write snapshot data: unexpected EOF',
      'not a whole snapshot',
      'choose another copy',
    ],
    ['http: request body too large', 'this size', 'max_request_size'],
    ['failed checking integrity of snapshot: hash check failed for "state.bin"', 'damaged', 'another one'],
    ['failed checking integrity of snapshot: list missing hash for "x"', 'damaged', 'another one'],
    ['close /tmp/snapshot1: file already closed', 'went well', 'cluster id'],
    [
      'node has been removed from the HA cluster. Raft data for this node must be cleaned up before it can be added back',
      'has removed it',
      'join it again',
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
    ['not part of stable configuration, aborting election', 'do not know this node', 'list-peers'],
    ['rejecting vote request since node is not in configuration: from=x', 'do not know this node', 'list-peers'],
    ['found duplicate ID in configuration: a', 'same node id', 'of its own'],
    [
      'attempt to join a cluster using autoloaded licenses while not using autoloading ourself',
      'licence',
      'license_path',
    ],
    ['too many raft challenges in flight', 'at the same time', 'Wait'],
    ['invalid answer given', 'other keys', 'shares of that cluster'],
    ['no expected answer for the server id provided', 'let the node in already', 'join it again'],
    ['error decrypting challenge: x', 'other keys', 'shares of that cluster'],
    ['waiting for unseal keys to be supplied', 'waits for its unseal shares', 'Unseal it'],
    ['cannot use unspecified IP with raft storage: 0.0.0.0:8201', 'no other node can call', 'cluster_addr'],
    ['failed to contact quorum of nodes, stepping down', 'more than half', 'cluster addresses'],
    [
      'Error initializing storage of type raft: failed to create fsm: failed to open bolt file: timeout',
      'Another process',
      'stop that process',
    ],
    [
      'Error initializing storage of type raft: failed to create fsm: failed to open bolt file: invalid database',
      'can not open the database',
      'from blank',
    ],
    ['open /opt/vault/data/node-id: permission denied', 'of its own host', 'the user that Vault runs as'],
    [
      'Error initializing listener of type tcp: listen tcp 127.0.0.1:8200: bind: address already in use',
      'Something else listens',
      'ss -ltnp',
    ],
    ['Failed to lock memory: cannot allocate memory', 'lock its memory', 'disable_mlock'],
    ["ERROR: disable_mlock must be configured 'true' or 'false'", 'lock its memory', 'disable_mlock'],
    ['failed to setup audit backed: path=file/ type=file error=x', 'audit device', 'on every node'],
    ['expiration: failed to revoke lease: lease_id=database/creds/a/1 error=x', 'can not be withdrawn', 'sys/leases'],
    ['error restoring leases: error=x', 'could not load its leases', 'which lease'],
    [
      "failed to verify certificate: x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
      'certificate is not accepted',
      'names in the certificate',
    ],
    ['http: TLS handshake error from 10.0.0.2:1: remote error: tls: bad certificate', 'certificate', 'right CA'],
    ['redirect would cause protocol downgrade', 'http://', 'api_addr'],
    ['failed to retry join raft cluster: retry=2s err="failed to get raft challenge"', 'the leader', 'from this host'],
    ['failed to heartbeat to: peer=10.0.0.2:8201 error="dial tcp: connection refused"', 'another node', '8201'],
    ['failed to make requestVote RPC: target=x', 'another node', '8201'],
    ['failed to appendEntries to: peer=x', 'another node', '8201'],
    ['unsupported operation', 'does not offer this', 'generate_root'],
    ['context deadline exceeded', 'took too long', 'time limit'],
    ['Client sent an HTTP request to an HTTPS server.', 'speaks TLS', 'https://'],
  ])('explains %j', (message, means, advice) => {
    const explanation = explain(message);

    expect(explanation?.means).toContain(means);
    expect(explanation?.advice).toContain(advice);
  });

  it('is silent about what it does not know', () => {
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
