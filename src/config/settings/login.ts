import { z } from 'zod';
import { path, secretSource } from './values';

/** Free text that people choose themselves: two of them may look like one person, and one like another. */
const CHOSEN_BY_ANYBODY = ['name', 'nickname', 'given_name', 'family_name', 'middle_name', 'profile', 'website'];

const claimName = z
  .string()
  .regex(/^[A-Za-z0-9_:./-]{1,200}$/, 'must be the name of a claim, such as preferred_username');

const groups = z
  .array(z.string().min(1).max(256, 'must be at most 256 characters'))
  .max(100, 'are more groups than anybody can keep track of');

const roles = z
  .strictObject({
    viewer: groups
      .optional()
      .describe('Groups that may look. Default: everybody who can log in. Who has another role may look as well.'),
    operator: groups.default([]).describe('Groups that may start runs, and decide in them.'),
    approver: groups.default([]).describe('Groups that may approve plans.'),
    holder: groups.default([]).describe('Groups that may hand in unseal shares, encrypted.'),
  })
  .prefault({})
  .describe('Which groups may do what. A group that is not named may look at most.');

const common = {
  roles,
  sessionMinutes: z
    .int()
    .min(5)
    .max(12 * 60, 'must be 12 hours at most')
    .default(60)
    .describe('How long somebody stays logged in. Groups are read at the login alone.'),
  cookieKey: secretSource
    .optional()
    .describe(
      'At least 32 bytes, as `openssl rand -base64 32` prints them: seals sessions. Needed where several servers share one address. Default: a key of its own for each start.',
    ),
};

/** Of the issuer: tokens are read from it. */
const issuer = z
  .url({ protocol: /^https$/, error: 'must be a URL that begins with https://' })
  .refine((url) => !URL.canParse(url) || isPlain(new URL(url)), {
    error: 'must have no user, query or fragment',
  });

function isPlain({ username, password, search, hash }: URL): boolean {
  return [username, password, search, hash].every((part) => part === '');
}

export const login = z
  .discriminatedUnion('method', [
    z.strictObject({
      method: z.literal('off').describe('Nobody can log in: the pages show, and take encrypted shares only.'),
    }),
    z
      .strictObject({
        method: z.literal('oidc').describe('OpenID Connect: the authorization code flow with PKCE.'),
        issuer: issuer.describe('As its discovery document names it, such as https://id.example.com/realms/ops.'),
        clientId: z.string().min(1).max(256).describe('Of the client that is registered there.'),
        clientSecret: secretSource.optional().describe('Its secret.'),
        privateKey: secretSource
          .optional()
          .describe(
            'Instead of a secret: private key, PEM (RSA, P-256 or Ed25519), that signs for the client (private_key_jwt).',
          ),
        caFile: path.optional().describe('Certificate authority of the issuer, PEM. Default: those of the system.'),
        scopes: z
          .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'must be a scope'))
          .max(20)
          .default(['profile', 'email', 'groups'])
          .describe('What is asked for besides `openid`.'),
        claimsFrom: z
          .enum(['idToken', 'userInfo'])
          .default('idToken')
          .describe('Where name and groups are read: in the signed token, or at the userinfo endpoint as well.'),
        nameClaim: claimName
          .refine((claim) => !CHOSEN_BY_ANYBODY.includes(claim), {
            error: 'must not be free text that people choose themselves: take preferred_username, email or sub',
          })
          .default('preferred_username')
          .describe(
            'The claim that names the person in runs and in the audit trail. It must be one that people cannot change themselves. `email` counts only if the issuer says that it is verified.',
          ),
        groupsClaim: claimName.default('groups').describe('The claim that lists the groups.'),
        ...common,
      })
      .refine(({ clientSecret, privateKey }) => clientSecret === undefined || privateKey === undefined, {
        path: ['privateKey'],
        error: 'goes without clientSecret: the client proves itself by one of them',
      }),
    z.strictObject({
      method: z.literal('certificate').describe('TLS client certificates (mutual TLS).'),
      caFile: path.describe('The certificate authority of the people, PEM. It must sign for nobody else.'),
      nameFrom: z
        .enum(['commonName', 'email'])
        .default('commonName')
        .describe('What names the person: the common name, or the one e-mail address among the alternative names.'),
      groupsFrom: z
        .enum(['organizationalUnit', 'name'])
        .default('organizationalUnit')
        .describe(
          'What `roles` lists: organizational units of the certificates, or names of people where there are no such.',
        ),
      roles: common.roles,
      cookieKey: common.cookieKey,
    }),
  ])
  .default({ method: 'off' });

export type LoginConfig = z.infer<typeof login>;
export type OidcConfig = Extract<LoginConfig, { method: 'oidc' }>;
export type CertificateConfig = Extract<LoginConfig, { method: 'certificate' }>;
export type RolesConfig = OidcConfig['roles'];
