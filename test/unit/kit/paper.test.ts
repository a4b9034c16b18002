import type { Manifest } from '../../../src/contract/generation';
import { kitContents } from '../../../src/kit/contents';
import { kitPaper } from '../../../src/kit/paper';
import { createAuthority } from '../../../src/lab/certificates';
import { paperPdf } from '../../../src/paper/pdf';
import { paperText } from '../../../src/paper/text';
import { kitBackup, kitConfig, sampleKit } from '../../support/kit';

const paperOf = (facts = sampleKit(3)) => kitPaper(facts, kitContents(facts));
const textOf = (facts = sampleKit(3)) => paperText(paperOf(facts));
const pagesOf = (pdf: Buffer) => pdf.toString('latin1').match(/\/Type \/Page\b/g)?.length;
/** What is typed, in order, without remarks. */
const commandsOf = (text: string) =>
  text
    .replaceAll(/ \\\n +/g, ' ')
    .split('\n')
    .filter((line) => line.startsWith('    '))
    .map((line) => line.trim().replace(/(^|\s+)# .*/, ''))
    .filter((line) => line !== '');
const DIRECTORIES = kitConfig(5).replaceAll(
  /name: vault-(\d)\n([^]*?)dataDir: \S+/g,
  (_whole, n: string, between: string) => `name: vault-${n}\n${between}dataDir: /srv/vault-${n}/data`,
);
const GAPS =
  /DATA_DIR\b(?<!\$DATA_DIR)|ADDRESS-OF|\bIDENTITY\b|SIGNING-PUBLIC|CA\.pem|NODE_ID|CLUSTER_ADDRESS|undefined|\bnull\b/;

describe('the break-glass kit', () => {
  it.each([
    ['3 nodes', 3, {}],
    ['5 nodes', 5, {}],
    ['5 nodes with directories of their own', 5, { yaml: DIRECTORIES }],
    ['5 nodes and nobody named', 5, { yaml: kitConfig(5).replace(/ *rollCall.*\n/, '') }],
    [
      '5 nodes that unseal themselves',
      5,
      {
        backup: kitBackup(5, {
          seal: { type: 'awskms', secretShares: 1, secretThreshold: 1 },
          recovery: { type: 'shamir', secretShares: 7, secretThreshold: 4 },
        }),
      },
    ],
  ])('is two pages for a cluster of %s', async (_what, nodes, changes) => {
    const { certificate: authorities } = await createAuthority('Example Vault CA');
    const pdf = await paperPdf(paperOf(sampleKit(nodes, { authorities, ...changes })));

    expect(pagesOf(pdf)).toBe(2);
  });

  it('has the checksum of the page that key holders keep, where agents have keys', () => {
    const sha256 = '5a'.repeat(32);

    expect(textOf(sampleKit(3, { holderPage: sha256 }))).toMatch(
      new RegExp(`key holders' page +SHA-256 ${sha256}, as vault-dr`),
    );
    expect(textOf(sampleKit(3))).not.toContain("key holders' page");
  });

  it('is the same file while nothing changes', async () => {
    const [one, other] = await Promise.all([paperPdf(paperOf()), paperPdf(paperOf())]);

    expect(one.equals(other)).toBe(true);
  });

  it('has every command that brings the cluster back, with nothing left to fill in', async () => {
    const { certificate: authorities } = await createAuthority('Example Vault CA');

    expect(commandsOf(textOf(sampleKit(3, { authorities })))).toEqual([
      'B=$(ls /var/backups/vault/prod | grep ^2 | tail -n 1); echo $B; cp /var/backups/vault/prod/$B/* .',
      "B=$(aws s3 ls --region eu-central-1 s3://example-vault-backups/vault/prod/2 | awk 'END {print $2}')",
      'echo $B; aws s3 cp --recursive --region eu-central-1 s3://example-vault-backups/vault/prod/$B .',
      "cat >signing-key.pub.pem <<'END'",
      '-----BEGIN PUBLIC KEY-----',
      'MCowBQYDK2VwAyEAwZMKOoDBTm+xFkmK0DvZjRU81ujVOPzip7+KZLUj4Ps=',
      '-----END PUBLIC KEY-----',
      'END',
      'openssl pkey -pubin -in signing-key.pub.pem -outform DER | sha256sum',
      'openssl x509 -in ca.pem -outform DER | sha256sum',
      'export VAULT_ADDR=https://vault-1.example.com:8200 VAULT_CACERT=ca.pem',
      'export VAULT_ADDR=https://vault-2.example.com:8200 VAULT_CACERT=ca.pem',
      'export VAULT_ADDR=https://vault-3.example.com:8200 VAULT_CACERT=ca.pem',
      'sha256sum -c SHA256SUMS',
      'openssl pkeyutl -verify -pubin -inkey signing-key.pub.pem -rawin -in manifest.json -sigfile manifest.json.sig',
      `grep "^  .sumsSha256.: .$(sha256sum SHA256SUMS | cut -d ' ' -f 1)" manifest.json`,
      'age -d -i identity.txt -o snapshot.snap snapshot.snap.age',
      'age -d -i identity.txt config-vault-1.tar.gz.age | tar -tzv',
      'age -d -i identity.txt config-vault-1.tar.gz.age | tar -xzp -C /',
      'systemctl stop vault',
      'mv /opt/vault/data /opt/vault/data.pre-restore &&',
      'mkdir -m 0700 /opt/vault/data &&',
      'chown --reference=/opt/vault/data.pre-restore /opt/vault/data',
      'systemctl start vault',
      'vault operator init -key-shares=5 -key-threshold=3',
      'vault operator unseal',
      'vault login',
      'vault operator raft snapshot restore -force snapshot.snap',
      'systemctl restart vault',
      'vault operator unseal',
      'vault status',
      'vault operator raft list-peers',
      'systemctl start vault',
      'vault operator raft join -leader-ca-cert=@ca.pem https://vault-1.example.com:8200',
      'vault operator unseal',
    ]);
  });

  const files = { method: 'filesystem', storage: 'raft', node: 'vault-2', nodeId: null, files: 6, lag: 0 } as const;
  const consul = {
    method: 'consul',
    scope: 'all',
    path: 'vault/',
    consistency: null,
    accessor: null,
    others: {},
  } as const;
  const cases: [string, Partial<Manifest>, string[], string?][] = [
    [
      'OpenBao',
      { product: 'openbao', serverVersion: '2.5.5' },
      ['bao operator raft join https://vault-1.example.com:8200', 'systemctl stop vault'],
    ],
    [
      'OpenPGP',
      {
        encryption: { method: 'openpgp', recipients: ['A'.repeat(40)] },
        stored: { file: 'snapshot.snap.gpg', sha256: 'c'.repeat(64), sizeBytes: 1 },
      },
      ['gpg -d -o snapshot.snap snapshot.snap.gpg'],
      kitConfig(3).replace(/age: \[.*?\]/, `openpgp: { recipients: [${'A'.repeat(40)}] }`),
    ],
    ['backups in clear', { encryption: { method: 'none', recipients: [] } }, ['sha256sum -c SHA256SUMS']],
    [
      'auto-unseal',
      {
        seal: { type: 'transit', secretShares: 1, secretThreshold: 1 },
        recovery: { type: 'shamir', secretShares: 7, secretThreshold: 4 },
      },
      ['vault operator init -recovery-shares=7 -recovery-threshold=4'],
    ],
    [
      'a copied data directory',
      { content: files },
      [
        `echo '[{"id": "vault-1", "address": "vault-1.example.com:8201", "non_voter": false}]' > /opt/vault/data/raft/peers.json`,
      ],
    ],
    [
      'Consul',
      { content: consul },
      [
        'export CONSUL_HTTP_ADDR=https://consul.example.com:8501',
        'consul kv delete vault/core/lock',
        'export VAULT_ADDR=https://vault-3.example.com:8200',
      ],
      kitConfig(3).replace(
        '    tls:',
        '    method: consul\n    consul: { addresses: ["https://consul.example.com:8501"] }\n    tls:',
      ),
    ],
  ];
  it.each(cases)('of %s leaves nothing to fill in either', (_what, manifest, wanted, yaml = kitConfig(3)) => {
    const text = textOf(sampleKit(3, { yaml, backup: kitBackup(3, manifest) }));

    expect(commandsOf(text)).toEqual(expect.arrayContaining(wanted));
    // Explained beside the commands in which they would stand.
    const gaps = text
      .split('\n')
      .filter((line) => GAPS.test(line) && !/NODE_ID is|node_id|RAFT_NODE_ID|CLUSTER_ADDRESS is/.test(line));
    expect(gaps).toEqual([]);
  });

  it('sets a variable on each node for what is not the same on all', () => {
    const commands = commandsOf(
      textOf(sampleKit(5, { yaml: DIRECTORIES.replace('unit: vault }', 'unit: vault@one }') })),
    );

    expect(commands).toEqual(
      expect.arrayContaining([
        'export VAULT_ADDR=https://vault-1.example.com:8200 DATA_DIR=/srv/vault-1/data UNIT=vault@one',
        'export VAULT_ADDR=https://vault-5.example.com:8200 DATA_DIR=/srv/vault-5/data UNIT=vault',
        'systemctl stop $UNIT',
        'mv $DATA_DIR $DATA_DIR.pre-restore &&',
      ]),
    );
  });

  it('says how to start and stop a Vault that systemd does not', () => {
    const yaml = kitConfig(3)
      .replace(
        '{ driver: systemd, unit: vault }',
        "{ driver: command, start: [rc, 'start it'], stop: [rc, stop], status: [rc] }",
      )
      .replace(
        '{ driver: systemd, unit: vault }',
        '{ driver: process, command: [/usr/bin/vault, server, -config=/etc/v.hcl] }',
      );

    expect(textOf(sampleKit(3, { yaml }))).toMatch(
      /rc 'start it' +# start on vault-1\n +rc stop +# stop on vault-1\n +\/usr\/bin\/vault server -config=\/etc\/v\.hcl & +# start on vault-2\n +kill \$\(pgrep -fx '\/usr\/bin\/vault server -config=\/etc\/v\\\.hcl'\)/,
    );
  });

  it('names people, what each is for, and leaves room for their phones', () => {
    const rollCalls = [{ holder: 'heidi', outcome: 'right' as const, shares: 1 }].map((one) => ({
      generation: '20261123T040000Z-000000004711-00000000',
      manifestSha256: 'a'.repeat(64),
      repository: 'local',
      keys: 'unseal' as const,
      shares: 5,
      threshold: 3,
      holders: [one],
      at: '2026-11-01T08:00:00.000Z',
      run: 'run-1',
    }));
    const text = textOf(sampleKit(3, { rollCalls }));

    expect(text).toMatch(/^ carol +holds a share; approves +_+$/m);
    expect(text).toMatch(/^ heidi +holds a share, proved 2026-11-01 +_+$/m);
    expect(text).toMatch(/^ ana +approves +_+$/m);
    expect(text).toContain('Unsealing takes 3 of 5 shares');
    expect(text).toContain('2 of those named, besides whoever starts it.');
    expect(text).toMatch(/identity\.txt +file \/etc\/vault-dr\/backup-identity\.txt on vault-1/);
    expect(text).toMatch(/approves: bob +SHA256:[A-Za-z0-9+/]{43}$/m);
  });

  it('of a cluster without a backup says that there is none', () => {
    expect(textOf(sampleKit(3, { backup: null }))).toMatch(
      /There was no backup when this was made[^]*print this again/,
    );
  });
});

describe('as an attacker would have it', () => {
  const EVIL = "x'; touch /tmp/owned; $(id) `id`\n```\n\n```sh\ntouch /tmp/owned\n```\n\u202Efdp";

  it('makes no command of what others have named', () => {
    const yaml = kitConfig(3)
      .replace('path: /var/backups/vault', `path: ${JSON.stringify(`/var/${EVIL}`)}`)
      .replaceAll('dataDir: /opt/vault/data', `dataDir: ${JSON.stringify(`/opt/${EVIL}`)}`)
      .replace('prefix: vault/', `prefix: ${JSON.stringify(`${EVIL.replaceAll('/', '')}/`)}`)
      .replace('region: eu-central-1', `region: ${JSON.stringify(EVIL)}`);
    const backup = kitBackup(3, {
      product: 'openbao',
      serverVersion: `2.5.5${EVIL}`,
      clusterId: EVIL,
      leader: { node: EVIL, address: EVIL },
      seal: { type: EVIL, secretShares: 5, secretThreshold: 3 },
      encryption: { method: 'age', recipients: [EVIL] },
      ownSeals: [{ id: EVIL, path: EVIL }],
    });
    backup.raft.peers[0] = { id: EVIL, address: EVIL, suffrage: 'voter' };
    const text = textOf(sampleKit(3, { yaml, backup }));

    expect(text).not.toMatch(/^\s*touch/m);
    expect(text).not.toContain('\u202E');
    for (const command of commandsOf(text)) {
      // Whatever is outside of quotes and remarks.
      const bare = command.replaceAll(/'[^']*'|\\'/g, '');
      expect(bare).not.toMatch(/touch|\$\(id\)|`id`/);
    }
  });

  it('has no secret, wherever one may have been put', () => {
    const secret = 'hvs.PLANTEDplantedPLANTED';
    const yaml = kitConfig(3)
      .replace(
        '{ driver: systemd, unit: vault }',
        `{ driver: process, command: [vault, server], env: { TOKEN: ${secret} } }`,
      )
      .replace('[{ file: /etc/vault-dr/backup-identity.txt }]', `[{ command: [/opt/bin/fetch, --token, ${secret}] }]`)
      .replace('    bucket:', `    endpoint: https://user:${secret}@s3.example.com/?key=${secret}\n    bucket:`);
    const text = textOf(sampleKit(3, { yaml, signingKey: `${secret}\n${kitKey()}` }));

    expect(text).not.toMatch(/planted/i);
    expect(text).toContain('what the command fetch of restore.identities prints on vault-1');
    expect(text).toContain('--endpoint-url https://s3.example.com ');
  });
});

function kitKey(): string {
  return sampleKit(1).signing.pem;
}
