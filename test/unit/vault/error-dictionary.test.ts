import { explain } from '../../../src/vault/error-dictionary';

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
    ['failed to setup audit table', 'audit device', 'on every node'],
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
