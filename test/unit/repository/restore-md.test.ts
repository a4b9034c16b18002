import { restoreMd } from '../../../src/repository/restore-md/restore-md';
import { sampleManifest } from '../../support/generation';

const SNAPSHOT = Buffer.from('snapshot');

/** The commands, in order, without comments. */
function commandsOf(text: string): string[] {
  return [...text.matchAll(/```sh\n([^]*?)```/g)]
    .flatMap(([, block = '']) => block.split('\n'))
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
}

describe('RESTORE.md', () => {
  it('of an encrypted Shamir cluster gives the stock commands in the order that works', () => {
    const commands = commandsOf(restoreMd(sampleManifest(SNAPSHOT)));

    expect(commands).toEqual([
      'sha256sum -c SHA256SUMS',
      'openssl pkeyutl -verify -pubin -inkey SIGNING-PUBLIC-KEY.pem -rawin -in manifest.json -sigfile manifest.json.sig',
      `grep "^  .sumsSha256.: .$(sha256sum SHA256SUMS | cut -d ' ' -f 1)" manifest.json`,
      'age -d -i IDENTITY -o snapshot.snap snapshot.snap.age',
      'systemctl stop vault',
      'mv DATA_DIR DATA_DIR.pre-restore && mkdir -m 0700 DATA_DIR && chown --reference=DATA_DIR.pre-restore DATA_DIR',
      'systemctl start vault',
      'export VAULT_ADDR=https://ADDRESS-OF-THIS-NODE:8200',
      'vault operator init -key-shares=5 -key-threshold=3',
      'vault operator unseal',
      'vault login',
      'vault operator raft snapshot restore -force snapshot.snap',
      'systemctl restart vault',
      'vault operator unseal',
      'vault status',
      'vault operator raft list-peers',
      'systemctl start vault',
      'export VAULT_ADDR=https://ADDRESS-OF-THIS-NODE:8200',
      'vault operator raft join -leader-ca-cert=@CA.pem https://ADDRESS-OF-THE-FIRST-NODE:8200',
      'vault operator unseal',
    ]);
  });

  it('names peers, recipients, and how many original keys it takes', () => {
    const text = restoreMd(sampleManifest(SNAPSHOT));

    expect(text).toContain('3 of the 5 **original** unseal keys');
    expect(text).toContain('- vault-2 (vault-2.example.com:8201), voter');
    expect(text).toContain('age16s6qjslwd035z6ug3nqllmpugk7vq7nsfyaes3qlx55jnzsmn5xqc5690t');
    expect(text).toContain('`bao`');
  });

  it('of OpenBao has its program, its unit and its own ways', () => {
    const text = restoreMd(
      sampleManifest(SNAPSHOT, {
        product: 'openbao',
        serverVersion: '2.6.2',
        ownSeals: [
          { id: '5ee1a2e0', path: 'team-a/' },
          { id: '9a0d2c61', path: null },
        ],
      }),
    );

    const commands = commandsOf(text);
    expect(commands.filter((command) => /vault|VAULT/.test(command))).toEqual([]);
    expect(commands).toEqual(
      expect.arrayContaining(['systemctl stop openbao', 'bao operator raft snapshot restore -force snapshot.snap']),
    );
    expect(commands.slice(-2)).toEqual(['bao namespace unseal team-a/', 'bao namespace unseal PATH']);
    expect(text).toContain('`disable_unauthed_generate_root_endpoints = false` in a listener');
    expect(text).not.toContain('instead of `vault`');
  });

  it('of a snapshot in clear has nothing to decrypt', () => {
    const manifest = sampleManifest(SNAPSHOT, { encryption: { method: 'none', recipients: [] } });
    manifest.stored.file = 'snapshot.snap';

    const text = restoreMd(manifest);

    expect(commandsOf(text).filter((command) => command.startsWith('age'))).toEqual([]);
    expect(text).not.toContain('an age identity');
    expect(commandsOf(text)).toContain('vault operator raft snapshot restore -force snapshot.snap');
  });

  it('of an auto-unseal cluster asks for recovery keys and never for unseal keys', () => {
    const manifest = sampleManifest(SNAPSHOT, {
      seal: { type: 'transit', secretShares: 1, secretThreshold: 1 },
      recovery: { type: 'shamir', secretShares: 7, secretThreshold: 4 },
    });

    const commands = commandsOf(restoreMd(manifest));

    expect(commands).toContain('vault operator init -recovery-shares=7 -recovery-threshold=4');
    expect(commands.filter((command) => command.startsWith('vault operator unseal'))).toEqual([]);
    expect(commands).toContain('systemctl restart vault');
  });

  const files = {
    method: 'filesystem',
    storage: 'raft',
    node: 'vault-2',
    nodeId: 'vault-2',
    files: 6,
    lag: 0,
  } as const;

  it('of a copied data directory unpacks it, makes the node the only member, and needs no throwaway key', () => {
    const manifest = sampleManifest(SNAPSHOT, { content: files });
    manifest.stored.file = 'data.tar.gz.age';

    const text = restoreMd(manifest);

    expect(text).toContain('the data directory of vault-2, Raft index 4711');
    expect(commandsOf(text).slice(3)).toEqual([
      'age -d -i IDENTITY -o data.tar.gz data.tar.gz.age',
      'systemctl stop vault',
      'mv DATA_DIR DATA_DIR.pre-restore && mkdir -m 0700 DATA_DIR && chown --reference=DATA_DIR.pre-restore DATA_DIR',
      'tar -xzOf data.tar.gz meta.json',
      'tar -xzf data.tar.gz -C DATA_DIR --strip-components=1 --no-same-owner data',
      'rm -f DATA_DIR/node-id',
      `echo '[{"id": "NODE_ID", "address": "CLUSTER_ADDRESS", "non_voter": false}]' > DATA_DIR/raft/peers.json`,
      'chown -R --reference=DATA_DIR.pre-restore DATA_DIR',
      'systemctl start vault',
      'export VAULT_ADDR=https://ADDRESS-OF-THIS-NODE:8200',
      'vault operator unseal',
      'vault status',
      'vault operator raft list-peers',
      'systemctl start vault',
      'export VAULT_ADDR=https://ADDRESS-OF-THIS-NODE:8200',
      'vault operator raft join -leader-ca-cert=@CA.pem https://ADDRESS-OF-THE-FIRST-NODE:8200',
      'vault operator unseal',
    ]);
  });

  it('of `storage "file"` has no peers, and nobody to join', () => {
    const manifest = sampleManifest(SNAPSHOT, { content: { ...files, storage: 'file', nodeId: null, lag: null } });
    manifest.stored.file = 'data.tar.gz.age';

    const text = restoreMd(manifest);

    expect(text).toContain('the files of vault-2 (storage "file")');
    expect(commandsOf(text).filter((command) => /raft|peers|init/.test(command))).toEqual([]);
    expect(commandsOf(text).at(-1)).toBe('vault status');
  });
});
