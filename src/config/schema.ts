import { resolve } from 'node:path';
import { z } from 'zod';
import { isLoopbackHost, socketPathOf } from '../contract/addresses';
import { NAME_PATTERN } from '../contract/names';
import { personName } from '../contract/person';
import { sshKeyOf } from '../crypto/ssh-signature';

const name = z.string().regex(NAME_PATTERN, 'must be lower-case letters, digits and hyphens');
const path = z
  .string()
  .regex(/^\//, 'must be an absolute path')
  .transform((value) => resolve(value));
const command = z.array(z.string()).min(1, 'must be a command and its arguments, as a list');
const httpsUrl = z.url({ protocol: /^https?$/, error: 'must be a URL such as https://vault-1.example.com:8200' });

/** Of a node of Vault. Tokens go over it, and over the one on the host itself the shares. */
const vaultUrl = httpsUrl
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

/** Nothing but scheme, host and port. */
function isOrigin({ pathname, search, hash, username, password }: URL): boolean {
  return pathname === '/' && [search, hash, username, password].every((part) => part === '');
}

/** The address at which others reach the node, so never "any address". */
const remoteUrl = vaultUrl.refine((url) => !URL.canParse(url) || !isAnyAddress(new URL(url)), {
  error: 'must name the host: 0.0.0.0 and [::] mean every address of the host',
});

function isAnyAddress({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' && ['0.0.0.0', '[::]'].includes(hostname);
}

/** Of Vault on the host itself; also a unix socket. */
const localUrl = z.string().superRefine((url, context) => {
  if (url.startsWith('unix:')) {
    if (socketPathOf(url) === null)
      context.addIssue({ code: 'custom', message: 'must be unix:// and an absolute path' });
    return;
  }
  for (const { message } of vaultUrl.safeParse(url).error?.issues ?? []) context.addIssue({ code: 'custom', message });
});

/** Where a secret comes from; the secret itself never stands in the configuration. */
const secretSource = z.union(
  [
    z.strictObject({ file: path }),
    z.strictObject({ env: z.string().regex(/^[A-Z_][A-Z0-9_]*$/i, 'must be the name of an environment variable') }),
    z.strictObject({ command }),
  ],
  { error: 'must be {file: …}, {env: …} or {command: […]}: secrets are not written in the configuration' },
);
export type SecretSource = z.infer<typeof secretSource>;

/** What vault-dr shows to a listener that demands a client certificate; both files are read for each connection. */
const clientTls = z.strictObject({
  /** PEM; with intermediate certificates, if there are any. */
  certificateFile: path,
  key: secretSource,
});

const clusterTls = z
  .strictObject({ caFile: path.optional(), ...clientTls.partial().shape })
  .refine(({ certificateFile, key }) => (certificateFile === undefined) === (key === undefined), {
    error: 'must have certificateFile and key, or neither',
  });

const ageRecipient = z
  .string()
  .trim()
  .regex(/^(age1|ssh-ed25519 AAAA)/, 'must be an age recipient (age1…) or an SSH public key (ssh-ed25519 AAAA…)');

const fingerprint = z
  .string()
  .transform((text) => text.replaceAll(' ', '').toUpperCase())
  .pipe(
    z.string().regex(/^([0-9A-F]{40}|[0-9A-F]{64})$/, 'must be a full fingerprint, as shown by `gpg --fingerprint`'),
  );

const service = z.discriminatedUnion('driver', [
  z.strictObject({
    driver: z.literal('process'),
    /** Started by the agent as its own child; it keeps running when the agent dies. */
    command,
    env: z.record(z.string(), z.string()).default({}),
    logFile: path.optional(),
    stopTimeoutSeconds: z.number().positive().default(30),
  }),
  z.strictObject({
    driver: z.literal('command'),
    start: command,
    stop: command,
    /** Exit status 0: the service runs; 3, as with `systemctl is-active`: it does not; anything else is an error. */
    status: command,
    /**
     * Prints the end of the log of Vault, such as `journalctl --unit=vault --lines=500 --output=cat`: used to explain a
     * time-out.
     */
    log: command.optional(),
    timeoutSeconds: z.number().positive().default(90),
  }),
]);
export type ServiceConfig = z.infer<typeof service>;

const node = z.strictObject({
  name,
  /** API address as clients use it. */
  address: remoteUrl,
  /** `host:port` of the cluster listener. */
  clusterAddress: z.string().regex(/^[^\s/]+:\d+$/, 'must be host:port'),
  /** API address on the host itself; TLS is checked against the host of `address`. Default: where Vault listens, see `localAddressOf`. */
  localAddress: localUrl.optional(),
  /** The client certificate for this node, instead of the cluster's. */
  tls: clientTls.optional(),
  /** Raft node id; default: the name. */
  nodeId: z.string().min(1).optional(),
  dataDir: path.refine((value) => value !== '/', "must not be '/'"),
  /**
   * Files of the agent: staged backup, claims, audit of its acts. On another disk than the data directory, which could
   * fill it.
   */
  stateDir: path.default('/var/lib/vault-dr'),
  /**
   * Public key of the node's agent, as printed by `vault-dr agent-key`: a sender of a share verifies the recipient with
   * it.
   */
  agentPublicKey: z
    .string()
    .regex(/^[A-Za-z0-9+/]+=*$/, 'must be the line printed by `vault-dr agent-key`')
    .optional(),
  /**
   * Files and directories to include, encrypted, in each backup: those that a new host needs and the snapshot lacks.
   */
  configFiles: z.array(path).default([]),
  /** Where Vault spools a snapshot that is uploaded (TMPDIR of its service). */
  tempDir: path.default('/tmp'),
  /** Memory-backed directory for identities that live as long as a run. */
  runtimeDir: path.default('/run/vault-dr'),
  service,
});
export type NodeConfig = z.infer<typeof node>;

const mount = z.string().regex(/^[^/\s]+(\/[^/\s]+)*$/, 'must be the path of an auth mount, such as approle');

const auth = z.discriminatedUnion('method', [
  z.strictObject({ method: z.literal('token'), token: secretSource }),
  z.strictObject({
    method: z.literal('approle'),
    mount: mount.default('approle'),
    roleId: secretSource,
    secretId: secretSource,
  }),
  z.strictObject({
    method: z.literal('kubernetes'),
    mount: mount.default('kubernetes'),
    role: z.string().min(1),
    /** Token of the service account. */
    jwt: secretSource.default({ file: '/var/run/secrets/kubernetes.io/serviceaccount/token' }),
  }),
  z.strictObject({
    method: z.literal('jwt'),
    mount: mount.default('jwt'),
    /** Default: the mount's own default role. */
    role: z.string().min(1).optional(),
    jwt: secretSource,
  }),
  z.strictObject({
    method: z.literal('cert'),
    mount: mount.default('cert'),
    /** Name of the role in Vault; default: whichever fits the certificate. */
    role: z.string().min(1).optional(),
    /** PEM; with intermediate certificates, if there are any. */
    certificateFile: path,
    key: secretSource,
  }),
]);
export type AuthConfig = z.infer<typeof auth>;

const count = z.number().int().min(0);
const UNIT_SECONDS = { h: 3_600, d: 86_400, w: 7 * 86_400 } as const;
const age = z
  .string({ error: 'must be a duration such as 36h, 90d or 52w' })
  .regex(/^[1-9]\d{0,5}[hdw]$/, 'must be a duration such as 36h, 90d or 52w')
  .transform((text) => Number(text.slice(0, -1)) * UNIT_SECONDS[text.at(-1) as keyof typeof UNIT_SECONDS]);

/** The same in every repository of the cluster; see `RetentionPolicy`. */
const retention = z
  .strictObject({
    last: count.min(1).default(30),
    hourly: count.default(0),
    daily: count.default(0),
    weekly: count.default(0),
    monthly: count.default(0),
    yearly: count.default(0),
    maxAge: age.optional(),
    minimum: count.min(1).default(3),
  })
  .transform(({ maxAge, ...counts }) => ({ ...counts, maxAgeSeconds: maxAge ?? null }));

const UNIT_BYTES = { MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;
const size = z
  .string({ error: 'must be a size such as 512MiB or 1GiB' })
  .regex(/^[1-9]\d{0,5}(MiB|GiB)$/, 'must be a size such as 512MiB or 1GiB')
  .transform((text) => Number(text.slice(0, -3)) * UNIT_BYTES[text.slice(-3) as keyof typeof UNIT_BYTES]);

const approver = z.strictObject({
  name: personName,
  /** SSH public key, as it stands in a file such as `id_ed25519.pub`. */
  key: z
    .string()
    .trim()
    .refine(
      (line) => sshKeyOf(line) !== null,
      'must be an SSH public key: ssh-ed25519 AAAA… or sk-ssh-ed25519@openssh.com AAAA…',
    ),
});

const cluster = z.strictObject({
  nodes: z.array(node).min(1, 'must name at least one node'),
  tls: clusterTls.optional(),
  auth,
  backup: z
    .strictObject({
      encryption: z
        .union(
          [
            z.strictObject({ age: z.array(ageRecipient).min(1, 'must name at least one recipient') }),
            z.strictObject({
              openpgp: z.strictObject({
                recipients: z.array(fingerprint).min(1, 'must name at least one recipient'),
                /** GnuPG home directory; default: that of the user. */
                home: path.optional(),
              }),
            }),
            z.literal('none'),
          ],
          { error: "must be {age: [age1…]}, {openpgp: {recipients: [FINGERPRINT]}} or 'none'" },
        )
        .default('none'),
      /** A nonce is written there before each capture and looked for after a restore. With KV version 2 the path has `/data/`. */
      canary: z
        .strictObject({
          path: z.string().regex(/^[^/\s]+(\/[^/\s]+)+$/, 'must be a path such as secret/data/vault-dr-canary'),
        })
        .optional(),
      retention: retention.prefault({}),
      /** Fall in size or key count against the generation before, in percent, that becomes a warning. */
      dropWarningPercent: z.number().min(0).max(100).default(20),
    })
    .prefault({}),
  /** In order of preference; the first that answers takes a new generation, the others get copies. */
  repositories: z.array(name).min(1, 'must name at least one repository'),
  restore: z
    .strictObject({
      /** Whose signatures let a host be changed: each with a key of their own. */
      approvers: z.array(approver).min(1, 'must name at least one approver').optional(),
      /**
       * `namespace`: anyone who can write to Temporal's namespace may have every host wiped. Only instead of approvers.
       */
      trust: z.literal('namespace', { error: "must be 'namespace', or omitted if approvers are named" }).optional(),
      /** Different people who must approve the plan. */
      approvals: z.number().int().min(0).default(1),
      /** age identities or OpenSSH private keys that open a generation; read on the node that takes it in, at `stage` and `install`. */
      identities: z.array(secretSource).default([]),
      /** Where the secret keys are that open OpenPGP generations; default: the user's own GnuPG home directory. */
      openpgp: z.strictObject({ home: path }).optional(),
      /** What becomes of old data directories: renamed, and kept for `graceDays`; or, on small disks, deleted. */
      setAside: z.enum(['rename', 'delete'], { error: "must be 'rename' or 'delete'" }).default('rename'),
      /** Days after which data that was set aside may be removed. */
      graceDays: z.number().min(0).default(7),
      /** Minutes for which a plan, and the approvals of it, count. */
      approvalMinutes: z.number().positive().default(60),
      /** Allows rehearsals on this cluster, started with `drill`, with approvals of their own. */
      drills: z.strictObject({ approvals: z.number().int().min(0) }).optional(),
      /** Restarts each follower at the end and lets the leadership move once, as proof that the cluster bears it. */
      rollingRestart: z.boolean().default(false),
      /** Login that may write `sys/storage/raft/snapshot`, for restores in place; the default is the cluster's own. */
      auth: auth.optional(),
      /**
       * When people are reminded that a run waits for them, and when the alternates are notified. No time-out ever ends
       * a restore.
       */
      reminders: z
        .strictObject({
          remindMinutes: z.number().positive().default(10),
          escalateMinutes: z.number().positive().default(30),
          alternates: z.array(z.string()).default([]),
        })
        .prefault({}),
    })
    .prefault({}),
});
export type ClusterConfig = z.infer<typeof cluster>;

const repository = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('directory'), path }),
  z.strictObject({
    type: z.literal('s3'),
    bucket: z.string().min(3),
    prefix: z
      .string()
      .regex(/^([^/]+\/)*$/, 'must end with a slash and not begin with one')
      .default(''),
    region: z.string().default('us-east-1'),
    /** For S3-compatible servers; AWS needs none. */
    endpoint: httpsUrl.optional(),
    forcePathStyle: z.boolean().default(false),
    /** ARN of the key; without it the bucket's default applies. */
    kmsKeyId: z
      .string()
      .regex(
        /^(?!(.*:)?alias\/)/,
        'must be the ARN of the key, not an alias: it is compared with the ARN that the bucket returns',
      )
      .optional(),
    storageClass: z
      .string()
      .regex(
        /^(?!(GLACIER|DEEP_ARCHIVE)$)/i,
        'must be a class with immediate access, such as STANDARD_IA or GLACIER_IR',
      )
      .optional(),
    /** Put on every object in the request that stores it. */
    tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}),
    /** Larger objects go in parts, which a repeated attempt takes up where they stand. S3 takes at most 5 GiB in one piece. */
    multipartThreshold: size
      .refine((bytes) => bytes >= 5 * 1024 ** 2 && bytes <= 5 * 1024 ** 3, 'must be between 5MiB and 5GiB')
      .default(1024 ** 3),
    objectLock: z
      .strictObject({ mode: z.enum(['GOVERNANCE', 'COMPLIANCE']), days: z.number().int().min(1).max(3650) })
      .optional(),
    /** Default: the AWS default chain. */
    credentials: z.strictObject({ accessKeyId: secretSource, secretAccessKey: secretSource }).optional(),
  }),
]);
export type RepositoryConfig = z.infer<typeof repository>;

export const configSchema = z.strictObject({
  clusters: z.record(name, cluster),
  repositories: z.record(name, repository),
  /** Files of the controller: staged backups, audit trail. */
  stateDir: path.default('/var/lib/vault-dr'),
  /** Run with a JSON document on standard input whenever people are needed or notified; see docs/operate/notifications.md. */
  notify: z.strictObject({ command }).optional(),
  /** Ed25519 key pair that signs manifests. PEM; `openssl genpkey -algorithm ed25519`. */
  signing: z.strictObject({
    /** Needed where backups are made. */
    privateKey: secretSource.optional(),
    publicKeyFile: path,
  }),
});

export type Config = z.infer<typeof configSchema>;
