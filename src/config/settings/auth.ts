import { z } from 'zod';
import { clientTls } from './tls';
import { mount, secretSource } from './values';

const mountPath = mount.describe('Mount path of the auth method.');

export const auth = z.discriminatedUnion('method', [
  z.strictObject({
    method: z.literal('token').describe('A token.'),
    token: secretSource.describe('A periodic token that something else renews.'),
  }),
  z.strictObject({
    method: z.literal('approle').describe('An AppRole; the usual method.'),
    mount: mountPath.default('approle'),
    roleId: secretSource.describe('Role id.'),
    secretId: secretSource.describe('Secret id. Must be older than the backup that is restored, and still valid.'),
  }),
  z.strictObject({
    method: z.literal('kubernetes').describe('The service account of a pod.'),
    mount: mountPath.default('kubernetes'),
    role: z.string().min(1).describe('Role in Vault.'),
    jwt: secretSource
      .default({ file: '/var/run/secrets/kubernetes.io/serviceaccount/token' })
      .describe('Token of the service account.'),
  }),
  z.strictObject({
    method: z.literal('jwt').describe('A JWT.'),
    mount: mountPath.default('jwt'),
    role: z.string().min(1).optional().describe('Role in Vault. Default: that of the mount.'),
    jwt: secretSource.describe('The token.'),
  }),
  z.strictObject({
    method: z.literal('cert').describe('A TLS client certificate.'),
    mount: mountPath.default('cert'),
    role: z.string().min(1).optional().describe('Role in Vault. Default: any that matches the certificate.'),
    ...clientTls.shape,
  }),
]);
export type AuthConfig = z.infer<typeof auth>;
