import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { isLoopbackHost, socketPathOf } from '../../contract/addresses';
import { NAME_PATTERN } from '../../contract/names';
import { sshKeyOf } from '../../crypto/ssh-signature';

export const name = z.string().regex(NAME_PATTERN, 'must be lower-case letters, digits and hyphens');
export const path = z
  .string()
  .regex(/^\//, 'must be an absolute path')
  .transform((value) => resolve(value));
export const command = z.array(z.string()).min(1, 'must be a command and its arguments, as a list');
export const httpsUrl = z.url({
  protocol: /^https?$/,
  error: 'must be a URL such as https://vault-1.example.com:8200',
});

/** Address of a Vault node. Tokens are sent over it, and shares over the local one. */
export const vaultUrl = httpsUrl
  .refine((url) => !URL.canParse(url) || !isExposed(new URL(url)), {
    error:
      "must begin with https://: otherwise tokens cross the network unencrypted. Enable TLS on Vault's listener, or put a TLS proxy in front of it; http:// is accepted for 127.0.0.1 only",
  })
  .refine((url) => !URL.canParse(url) || isOrigin(new URL(url)), {
    error: 'must end with the port: vault-dr adds the path, /v1/…, itself',
  });

function isExposed({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && !isLoopbackHost(hostname);
}

/** Only scheme, host and port. */
function isOrigin({ pathname, search, hash, username, password }: URL): boolean {
  return pathname === '/' && [search, hash, username, password].every((part) => part === '');
}

/** The address at which others reach the node, so never "any address". */
export const remoteUrl = vaultUrl.refine((url) => !URL.canParse(url) || !isAnyAddress(new URL(url)), {
  error: 'must name the host: 0.0.0.0 and [::] mean every address of the host',
});

function isAnyAddress({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' && ['0.0.0.0', '[::]'].includes(hostname);
}

/** Of Vault on the host itself; also a unix socket. */
export const localUrl = z.string().superRefine((url, context) => {
  if (url.startsWith('unix:')) {
    if (socketPathOf(url) === null)
      context.addIssue({ code: 'custom', message: 'must be unix:// and an absolute path' });
    return;
  }
  for (const { message } of vaultUrl.safeParse(url).error?.issues ?? []) context.addIssue({ code: 'custom', message });
});

/** Of IP: `10.0.0.9` or `10.0.0.0/24`. */
export const addressRange = z
  .string()
  .refine(isAddressRange, { error: 'must be an IP address, or a prefix such as 10.0.0.0/24' });

function isAddressRange(text: string): boolean {
  const [, address = '', prefix] = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return Number(prefix ?? 0) <= bits;
}

/** The source of a secret; the configuration never contains the secret itself. */
export const secretSource = z.union(
  [
    z.strictObject({ file: path.describe('The secret is the content of this file, without trailing line ends.') }),
    z.strictObject({
      env: z
        .string()
        .regex(/^[A-Z_][A-Z0-9_]*$/i, 'must be the name of an environment variable')
        .describe('The secret is the value of this environment variable of the controller or agent.'),
    }),
    z.strictObject({
      credential: z
        .string()
        .regex(
          /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,200}$/,
          'must be the name of a systemd credential, such as vault-dr-role-id',
        )
        .describe('The secret is the systemd credential of this name, which `vault-dr install` puts into the unit.'),
    }),
    z.strictObject({ command: command.describe('The secret is what this command prints, within 30 seconds.') }),
  ],
  {
    error:
      'must be {file: …}, {env: …}, {credential: …} or {command: […]}: secrets are not written in the configuration',
  },
);
export type SecretSource = z.infer<typeof secretSource>;

export const ageRecipient = z
  .string()
  .trim()
  .regex(/^(age1|ssh-ed25519 AAAA)/, 'must be an age recipient (age1…) or an SSH public key (ssh-ed25519 AAAA…)');

export const fingerprint = z
  .string()
  .transform((text) => text.replaceAll(' ', '').toUpperCase())
  .pipe(
    z.string().regex(/^([0-9A-F]{40}|[0-9A-F]{64})$/, 'must be a full fingerprint, as shown by `gpg --fingerprint`'),
  );

export const mount = z.string().regex(/^[^/\s]+(\/[^/\s]+)*$/, 'must be the path of an auth mount, such as approle');

export const count = z.number().int().min(0);
const UNIT_SECONDS = { h: 3_600, d: 86_400, w: 7 * 86_400 } as const;
export const age = z
  .string({ error: 'must be a duration such as 36h, 90d or 52w' })
  .regex(/^[1-9]\d{0,5}[hdw]$/, 'must be a duration such as 36h, 90d or 52w')
  .transform((text) => Number(text.slice(0, -1)) * UNIT_SECONDS[text.at(-1) as keyof typeof UNIT_SECONDS]);

const DURATION_SECONDS = { m: 60, ...UNIT_SECONDS } as const;
/** Seconds. */
export const duration = z
  .string({ error: 'must be a duration such as 30m, 6h or 2d' })
  .regex(/^[1-9]\d{0,5}[mhdw]$/, 'must be a duration such as 30m, 6h or 2d')
  .transform((text) => Number(text.slice(0, -1)) * DURATION_SECONDS[text.at(-1) as keyof typeof DURATION_SECONDS]);

const UNIT_BYTES = { MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;
export const size = z
  .string({ error: 'must be a size such as 512MiB or 1GiB' })
  .regex(/^[1-9]\d{0,5}(MiB|GiB)$/, 'must be a size such as 512MiB or 1GiB')
  .transform((text) => Number(text.slice(0, -3)) * UNIT_BYTES[text.slice(-3) as keyof typeof UNIT_BYTES]);

export const sshPublicKey = z
  .string()
  .trim()
  .refine(
    (line) => sshKeyOf(line) !== null,
    'must be an SSH public key: ssh-ed25519 AAAA… or sk-ssh-ed25519@openssh.com AAAA…',
  );
