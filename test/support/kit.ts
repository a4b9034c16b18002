import { parseConfig } from '../../src/config/load';
import type { Manifest } from '../../src/contract/generation';
import { type KitFacts, kitFacts, type KitSources } from '../../src/kit/facts';
import { sampleManifest } from './generation';

/** Nobody has the private half of it. */
export const KIT_SIGNING_KEY = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAwZMKOoDBTm+xFkmK0DvZjRU81ujVOPzip7+KZLUj4Ps=
-----END PUBLIC KEY-----
`;

/** A cluster as a company has it: two repositories, approvers, holders. @param nodes how many it has */
export function kitConfig(nodes: number): string {
  const each = Array.from({ length: nodes }, (_unused, index) => `vault-${index + 1}`);
  return `clusters:
  prod:
    nodes:
${each
  .map(
    (name) => `      - name: ${name}
        address: https://${name}.example.com:8200
        clusterAddress: ${name}.example.com:8201
        dataDir: /opt/vault/data
        service: { driver: systemd, unit: vault }`,
  )
  .join('\n')}
    tls: { caFile: /etc/vault-dr/vault-ca.pem }
    auth: { method: token, token: { file: /etc/vault-dr/token } }
    repositories: [local, offsite]
    backup: { encryption: { age: [age16s6qjslwd035z6ug3nqllmpugk7vq7nsfyaes3qlx55jnzsmn5xqc5690t] } }
    rollCall: { holders: [carol, dave, erin, frank, grace] }
    restore:
      approvals: 2
      identities: [{ file: /etc/vault-dr/backup-identity.txt }]
      approvers:
        - { name: ana, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIBxnIqDTVLJmt7DmJ6gMJSUz0cMfjkEpRHYWiUqRfXY ana }
        - { name: bob, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMb9mRFTbxJsBkYSIkHUxVhKSjcs2y8wM2qMr0SBzkDw bob }
        - { name: carol, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGS0vbCLwl3mbyBEsbBDx6OtsV9Z1rJ0qGFCu2QvpWPz carol }
repositories:
  local: { type: directory, path: /var/backups/vault, host: controller-1 }
  offsite:
    type: s3
    bucket: example-vault-backups
    prefix: vault/
    region: eu-central-1
    kmsKeyId: arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
signing: { publicKeyFile: /etc/vault-dr/signing-key.pub.pem }
`;
}

/** A backup of that cluster. */
export function kitBackup(nodes: number, overrides: Partial<Manifest> = {}): Manifest {
  const names = Array.from({ length: nodes }, (_unused, index) => `vault-${index + 1}`);
  return sampleManifest(Buffer.from('snapshot'), {
    raft: {
      index: 4711,
      term: 3,
      peers: names.map((id) => ({ id, address: `${id}.example.com:8201`, suffrage: 'voter' as const })),
    },
    bundles: names.map((node) => ({
      node,
      file: `config-${node}.tar.gz.age`,
      sha256: 'b'.repeat(64),
      sizeBytes: 4,
    })),
    ...overrides,
  });
}

export function sampleKit(
  nodes: number,
  changes: Partial<Omit<KitSources, 'config'>> & { yaml?: string } = {},
): KitFacts {
  const { yaml = kitConfig(nodes), ...sources } = changes;
  return kitFacts({
    config: parseConfig(yaml, 'vault-dr.yaml'),
    cluster: 'prod',
    signingKey: KIT_SIGNING_KEY,
    authorities: null,
    backup: kitBackup(nodes),
    rollCalls: [],
    holderPage: null,
    ...sources,
  });
}
