import { z } from 'zod';
import { DrError } from './failures';
import { GENERATION_PATTERN } from './generation';
import { walkMessage } from './message-bounds';
import { NAME_PATTERN } from './names';
import { personName } from './person';
import { ACCEPTABLE, type AcceptCode } from './plan';
import { printable } from './printable';
import { parseWanted } from './wanted';

const name = z
  .string({ error: 'must be a name in quotes' })
  .regex(NAME_PATTERN, 'must be lower-case letters, digits and hyphens');

const NOT_AN_IDENTITY = 'must be text of one line, without characters that nobody sees';
const identityText = (longest: number) =>
  z
    .string({ error: NOT_AN_IDENTITY })
    .min(1, NOT_AN_IDENTITY)
    .max(longest, `must be at most ${longest} characters`)
    .refine((text) => printable(text) === text, NOT_AN_IDENTITY);

/**
 * Who acts, by the login of the server of the pages. It is that server's word: whoever else can write to the namespace could
 * say the same.
 */
const identity = z.strictObject({ issuer: identityText(500), subject: identityText(500) }).optional();
export type Identity = NonNullable<z.infer<typeof identity>>;

export const clusterInput = z.strictObject({ cluster: name });
/**
 * `method`: instead of that of the configuration, for a cluster that has just been migrated. `without`: a controller that a
 * recovery found silent; counts in a backup that is part of one.
 */
export const backupInput = z.strictObject({
  cluster: name,
  method: z.literal('raft').optional(),
  without: name.optional(),
});

const NOT_A_GENERATION = 'is not a generation id: see `vault-dr generations list`';
const generation = z
  .string({ error: NOT_A_GENERATION })
  .refine((id) => id === 'latest' || GENERATION_PATTERN.test(id), NOT_A_GENERATION);

const accept = z
  .array(
    z.enum(Object.keys(ACCEPTABLE) as [AcceptCode, ...AcceptCode[]], {
      error: `must be one of ${Object.keys(ACCEPTABLE).join(', ')}`,
    }),
  )
  .default([]);

/** Node ids of dead members to remove from the cluster, once the plan that names them is approved. */
const removePeers = z
  .array(z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be node ids, as `raft list-peers` shows them'))
  .max(20, 'are more than a cluster loses')
  .optional();

export const restoreInput = z
  .strictObject({
    cluster: name,
    /** Another cluster to restore the generation into; default: the same one. */
    into: name.optional(),
    /** Generation id; default: the newest with a good copy. */
    generation: generation.default('latest'),
    /** The newest generation captured at or before this instant (RFC 3339). */
    asOf: z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-23T04:00:00Z' }).optional(),
    requestedBy: personName.default('unknown'),
    identity,
    /** Ends once the plan is made. */
    planOnly: z.boolean({ error: 'must be true or false' }).default(false),
    /** Into the running cluster, without stopping anything: for wrong data in a healthy cluster. */
    inPlace: z.boolean({ error: 'must be true or false' }).default(false),
    /** A rehearsal: `restore.drills` of the configuration says how many must approve. */
    drill: z.boolean({ error: 'must be true or false' }).default(false),
    /** The first node comes up behind a fence, and nobody reaches it until somebody says `goLive`. */
    quiet: z.boolean({ error: 'must be true or false' }).optional(),
    removePeers,
    accept,
  })
  .refine(({ inPlace, removePeers: peers = [] }) => inPlace || peers.length === 0, {
    path: ['removePeers'],
    error: 'goes with inPlace only: any other restore makes a cluster that has no old peers',
  })
  .refine(({ inPlace, quiet }) => !inPlace || quiet !== true, {
    path: ['quiet'],
    error: 'does not go with inPlace: a cluster that serves is not quiet',
  })
  .refine(({ inPlace, into, cluster }) => !inPlace || into === undefined || into === cluster, {
    path: ['inPlace'],
    error: 'goes with the cluster itself only: another one does not have the keys of this one',
  });
export type RestoreInput = z.infer<typeof restoreInput>;

/** A week: nobody plans a drill that waits for longer. */
const LONGEST_WAIT_MINUTES = 7 * 24 * 60;
/** For how long shares are waited for, once they are asked for; and approvals, where they are needed. */
const waitMinutes = z
  .number({ error: 'must be a number of minutes' })
  .positive('must be more than 0')
  .max(LONGEST_WAIT_MINUTES, 'must be a week at most')
  .default(24 * 60);

export const drillInput = z.strictObject({
  cluster: name,
  /** Backup id or latest; default: what the configuration says. */
  generation: generation.optional(),
  /** Repository to fetch it from; default: what the configuration says. */
  from: name.optional(),
  /** Asks the key holders for their shares. A seal that opens by itself needs none. */
  unseal: z.boolean({ error: 'must be true or false' }).default(false),
  waitMinutes,
  requestedBy: personName.default('unknown'),
  identity,
});
export type DrillInput = z.infer<typeof drillInput>;

export const rollCallInput = z.strictObject({
  cluster: name,
  waitMinutes,
  requestedBy: personName.default('unknown'),
  identity,
});
export type RollCallInput = z.infer<typeof rollCallInput>;

/** Approvers and holders shall read all of it. */
const MOST_PATHS = 50;
const MOST_RECIPIENTS = 10;
const LONGEST_RECIPIENT = 4_000;

/** Of a secret, a policy, a role or a mount, as `vault-dr recover --path` takes it. */
export const wantedPath = z.string({ error: 'must be a path in quotes' }).transform((text, context) => {
  try {
    return parseWanted(text).path;
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});

/** Never the secret half; whether it is a key at all is checked before anybody is asked. */
export const secretRecipient = z
  .string({ error: 'must be an age recipient or an SSH key, in quotes' })
  .max(LONGEST_RECIPIENT, 'is too long for a key')
  .regex(/^(age1[0-9a-z]+|ssh-ed25519 [A-Za-z0-9+/=]+( [\x20-\x7e]*)?)$/, 'must be an age recipient or an SSH key');

const unique = (values: string[]) => new Set(values).size === values.length;

export const recoverSecretInput = z.strictObject({
  cluster: name,
  /** Backup id or latest. */
  generation: generation.default('latest'),
  /** Repository to fetch it from; default: all, in their order. */
  from: name.optional(),
  paths: z
    .array(wantedPath, { error: 'must be a list of paths' })
    .min(1, 'must name a path')
    .max(MOST_PATHS, `must be ${MOST_PATHS} at most`)
    .refine(unique, 'must all be different'),
  versions: z
    .union([z.enum(['latest', 'all']), z.int().positive().max(999_999_999)], {
      error: 'must be latest, all or the number of a version',
    })
    .default('latest'),
  deleted: z.boolean({ error: 'must be true or false' }).default(false),
  recipients: z
    .array(secretRecipient, { error: 'must be a list of age recipients or SSH keys' })
    .min(1, 'must say for whom it is encrypted')
    .max(MOST_RECIPIENTS, `must be ${MOST_RECIPIENTS} at most`)
    .refine(unique, 'must all be different'),
  /** For how long approvals and shares are waited for. */
  waitMinutes,
  requestedBy: personName.default('unknown'),
});
export type RecoverSecretInput = z.infer<typeof recoverSecretInput>;

export const readinessInput = z.strictObject({ cluster: name, requestedBy: personName.default('unknown') });
export type ReadinessInput = z.infer<typeof readinessInput>;

export const recoverQuorumInput = z.strictObject({ cluster: name, requestedBy: personName.default('unknown'), accept });
export type RecoverQuorumInput = z.infer<typeof recoverQuorumInput>;

export const rebuildNodeInput = z.strictObject({
  cluster: name,
  node: name,
  requestedBy: personName.default('unknown'),
  removePeers,
  accept,
});
export type RebuildNodeInput = z.infer<typeof rebuildNodeInput>;

export const copyNodeInput = z.strictObject({ cluster: name, requestedBy: personName.default('unknown') });
export type CopyNodeInput = z.infer<typeof copyNodeInput>;

export const removeSetAsideInput = z.strictObject({
  cluster: name,
  /** Run id of the recovery that set them aside. */
  run: z
    .string({ error: 'must be a run id, as the report shows it' })
    .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be a run id, as the report shows it'),
  requestedBy: personName.default('unknown'),
  accept,
});
export type RemoveSetAsideInput = z.infer<typeof removeSetAsideInput>;

/** Id of the lost run: shown in the plan of a restore, and part of directory names on the hosts. */
export const rollBackRunInput = removeSetAsideInput;
export type RollBackRunInput = z.infer<typeof rollBackRunInput>;

export const migrateStorageInput = z.strictObject({
  cluster: name,
  to: z.literal('raft', { error: "must be 'raft': no other storage can be migrated to" }).default('raft'),
  requestedBy: personName.default('unknown'),
  /** Ends when the plan is made. */
  planOnly: z.boolean({ error: 'must be true or false' }).default(false),
  accept,
});
export type MigrateStorageInput = z.infer<typeof migrateStorageInput>;

const NOT_A_HASH = 'must be the plan hash that the run shows';
export const approveInput = z.strictObject({
  approver: personName,
  identity,
  /** Or the beginning of it. */
  planHash: z.string({ error: NOT_A_HASH }).regex(/^[0-9a-f]{8,64}$/, NOT_A_HASH),
  /** Armored, by the approver's SSH key over the statement of the approval; see `vault-dr approve --statement`. */
  signature: z
    .string({ error: 'must be an armored SSH signature' })
    .max(4_096, 'is too long for a signature')
    .optional(),
});
export type ApproveInput = z.infer<typeof approveInput>;

const LONGEST_SHARE_MESSAGE = 64 * 1024;
export const submitShareInput = z.strictObject({
  holder: personName,
  identity,
  /** An armored age file with one share, for the recipients that the run shows. */
  share: z
    .string({ error: 'must be an armored age file' })
    .max(LONGEST_SHARE_MESSAGE, `must be an armored age file of at most ${LONGEST_SHARE_MESSAGE / 1024} KiB`),
});
export type SubmitShareInput = z.infer<typeof submitShareInput>;

export const operatorInput = z.strictObject({ operator: personName, identity });
export type OperatorInput = z.infer<typeof operatorInput>;

export const skipNodeInput = z.strictObject({ operator: personName, identity, node: name });
export type SkipNodeInput = z.infer<typeof skipNodeInput>;

export type ClusterInput = z.infer<typeof clusterInput>;

/** Nobody reads more. */
const MOST_PROBLEMS = 20;
const LONGEST_PROBLEM = 200;

/**
 * Parses input from the CLI, the Web UI or a Schedule, which is untyped.
 * @throws DrError InvalidInput that lists every problem and shows an example.
 */
export function parseInput<T>(schema: z.ZodType<T>, raw: unknown, example: string): T {
  const tooLarge = walkMessage(raw);
  if (tooLarge !== null) throw unusable(`it is too large: ${tooLarge}`, example);
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  if (raw === undefined || raw === null) throw unusable('no input was given', example);
  const problems = result.error.issues.map(({ path, message }) => {
    return `${path.length === 0 ? 'input' : path.join('.')}: ${message}`.slice(0, LONGEST_PROBLEM);
  });
  const further = problems.length > MOST_PROBLEMS ? [`and ${problems.length - MOST_PROBLEMS} more`] : [];
  throw unusable([...problems.slice(0, MOST_PROBLEMS), ...further].join('; '), example);
}

function unusable(problem: string, example: string): DrError {
  return new DrError('InvalidInput', `The input is not usable: ${problem}.`, { advice: `Such as: ${example}` });
}
