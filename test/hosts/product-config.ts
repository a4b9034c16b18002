import { stringify } from 'yaml';
import type { z } from 'zod';
import type { configSchema } from '../../src/config/schema';
import { fullName, VAULT_HOSTS } from './network';
import { BUCKET, S3_ENDPOINT } from './s3-host';
import type { SiteSecrets } from './secrets';

export const CLUSTER = 'prod';
export const PRODUCT_FILES = {
  config: '/etc/vault-dr/vault-dr.yaml',
  temporal: '/etc/vault-dr/temporal.toml',
  temporalAuthority: '/etc/vault-dr/temporal/ca.pem',
  temporalCertificate: '/etc/vault-dr/temporal/client.pem',
  temporalKey: '/etc/vault-dr/temporal/client.key',
  environment: '/etc/vault-dr/environment',
  vaultAuthority: '/etc/vault-dr/vault-ca.pem',
  signingKey: '/etc/vault-dr/signing-key.pem',
  signingPublicKey: '/etc/vault-dr/signing-key.pub.pem',
  roleId: '/etc/vault-dr/role-id',
  secretId: '/etc/vault-dr/secret-id',
  s3AccessKeyId: '/etc/vault-dr/s3-access-key-id',
  s3SecretAccessKey: '/etc/vault-dr/s3-secret-access-key',
  backupIdentity: '/etc/vault-dr/backup-identity.txt',
} as const;

/** As docs/install.md has it, the same on every host. @param agentKeys by host, as the hosts have printed them */
export function productConfig(secrets: SiteSecrets, agentKeys: Record<string, string>): string {
  const config: z.input<typeof configSchema> = {
    signing: {
      privateKey: { file: PRODUCT_FILES.signingKey },
      publicKeyFile: PRODUCT_FILES.signingPublicKey,
    },
    clusters: {
      [CLUSTER]: {
        nodes: VAULT_HOSTS.map((host) => ({
          name: host,
          address: `https://${fullName(host)}:8200`,
          clusterAddress: `${fullName(host)}:8201`,
          dataDir: '/opt/vault/data',
          agentPublicKey: agentKeys[host],
          configFiles: ['/etc/vault.d', '/opt/vault/tls'],
          service: {
            driver: 'command' as const,
            start: ['systemctl', 'start', 'vault'],
            stop: ['systemctl', 'stop', 'vault'],
            status: ['systemctl', 'is-active', '--quiet', 'vault'],
            log: ['journalctl', '--unit=vault', '--lines=500', '--output=cat'],
          },
        })),
        tls: { caFile: PRODUCT_FILES.vaultAuthority },
        auth: {
          method: 'approle',
          roleId: { file: PRODUCT_FILES.roleId },
          secretId: { file: PRODUCT_FILES.secretId },
        },
        backup: { encryption: { age: [secrets.backupRecipient] } },
        repositories: ['offsite'],
        restore: {
          approvers: [{ name: secrets.approver.name, key: secrets.approver.key }],
          approvals: 1,
          identities: [{ file: PRODUCT_FILES.backupIdentity }],
        },
      },
    },
    repositories: {
      offsite: {
        type: 's3',
        bucket: BUCKET,
        endpoint: S3_ENDPOINT,
        forcePathStyle: true,
        objectLock: { mode: 'GOVERNANCE', days: 1 },
        credentials: {
          accessKeyId: { file: PRODUCT_FILES.s3AccessKeyId },
          secretAccessKey: { file: PRODUCT_FILES.s3SecretAccessKey },
        },
      },
    },
  };
  return stringify(config);
}

export function temporalProfile(): string {
  return `[profile.default]
address = "${fullName('temporal')}:7233"
namespace = "vault-dr"

[profile.default.tls]
server_ca_cert_path = "${PRODUCT_FILES.temporalAuthority}"
client_cert_path = "${PRODUCT_FILES.temporalCertificate}"
client_key_path = "${PRODUCT_FILES.temporalKey}"
`;
}
