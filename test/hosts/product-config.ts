import { fullName } from './network';

export const CLUSTER = 'prod';
const DIRECTORY = '/etc/vault-dr';
export const PRODUCT_FILES = {
  directory: DIRECTORY,
  config: `${DIRECTORY}/vault-dr.yaml`,
  temporal: `${DIRECTORY}/temporal.toml`,
  temporalAuthority: `${DIRECTORY}/temporal/ca.pem`,
  temporalCertificate: `${DIRECTORY}/temporal/client.pem`,
  temporalKey: `${DIRECTORY}/temporal/client.key`,
  s3AccessKeyId: `${DIRECTORY}/s3-access-key-id`,
  s3SecretAccessKey: `${DIRECTORY}/s3-secret-access-key`,
  backupIdentity: `${DIRECTORY}/backup-identity.txt`,
} as const;

/** Of the first controller alone. */
export const LOCAL_REPOSITORY = '/var/backups/vault';

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
