import { z } from 'zod';
import { DrError } from './failures';
import { GENERATION_PATTERN } from './generation';
import { NAME_PATTERN } from './names';
import { ACCEPTABLE, type AcceptCode } from './plan';

const name = z
  .string({ error: 'must be a name in quotes' })
  .regex(NAME_PATTERN, 'must be lower-case letters, digits and hyphens');

export const clusterInput = z.strictObject({ cluster: name });

const person = z
  .string({ error: 'must be a name in quotes' })
  .trim()
  .min(1, 'must say who you are')
  .max(100, 'must be at most 100 characters');

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

export const restoreInput = z
  .strictObject({
    cluster: name,
    /** Another cluster to restore the generation into; without it the cluster itself. */
    into: name.optional(),
    /** Generation id; without it the newest whose copy verifies. */
    generation: generation.default('latest'),
    /** The newest generation captured at or before this instant (RFC 3339). */
    asOf: z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-23T04:00:00Z' }).optional(),
    requestedBy: person.default('unknown'),
    /** Ends when the plan is made. */
    planOnly: z.boolean({ error: 'must be true or false' }).default(false),
    /** Into the running cluster, with nothing stopped: for data that is wrong while the cluster is well. */
    inPlace: z.boolean({ error: 'must be true or false' }).default(false),
    /** A rehearsal: `restore.drills` of the configuration says how many must approve it. */
    drill: z.boolean({ error: 'must be true or false' }).default(false),
    accept,
  })
  .refine(({ inPlace, into, cluster }) => !inPlace || into === undefined || into === cluster, {
    path: ['inPlace'],
    error: 'goes with the cluster itself only: another one does not have the keys of this one',
  });
export type RestoreInput = z.infer<typeof restoreInput>;

export const recoverQuorumInput = z.strictObject({ cluster: name, requestedBy: person.default('unknown'), accept });
export type RecoverQuorumInput = z.infer<typeof recoverQuorumInput>;

export const rebuildNodeInput = z.strictObject({
  cluster: name,
  node: name,
  requestedBy: person.default('unknown'),
  accept,
});
export type RebuildNodeInput = z.infer<typeof rebuildNodeInput>;

export const removeSetAsideInput = z.strictObject({
  cluster: name,
  /** Run id of the recovery that set them aside. */
  run: z
    .string({ error: 'must be a run id, as the report shows it' })
    .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be a run id, as the report shows it'),
  requestedBy: person.default('unknown'),
  accept,
});
export type RemoveSetAsideInput = z.infer<typeof removeSetAsideInput>;

export const approveInput = z.strictObject({
  approver: person,
  planHash: z
    .string({ error: 'must be the plan hash that the run shows' })
    .min(8, 'must be the plan hash that the run shows'),
  /** Armored, by the approver's SSH key over the statement of the approval; see `vault-dr approve --statement`. */
  signature: z
    .string({ error: 'must be an armored SSH signature' })
    .max(4_096, 'is too long for a signature')
    .optional(),
});
export type ApproveInput = z.infer<typeof approveInput>;

export const submitShareInput = z.strictObject({
  holder: person,
  /** An armored age file for the recipients that the run shows; one share in it. */
  share: z.string({ error: 'must be an armored age file' }),
});
export type SubmitShareInput = z.infer<typeof submitShareInput>;

export const operatorInput = z.strictObject({ operator: person });
export type OperatorInput = z.infer<typeof operatorInput>;

export const skipNodeInput = z.strictObject({ operator: person, node: name });
export type SkipNodeInput = z.infer<typeof skipNodeInput>;

export type ClusterInput = z.infer<typeof clusterInput>;

/**
 * Parses what came from the CLI, the UI or a Schedule, where nothing is typed.
 * @throws DrError InvalidInput that lists every problem and shows what is wanted.
 */
export function parseInput<T>(schema: z.ZodType<T>, raw: unknown, example: string): T {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const problems =
    raw === undefined || raw === null
      ? ['no input was given']
      : result.error.issues.map(
          (issue) => `${issue.path.length === 0 ? 'input' : issue.path.join('.')}: ${issue.message}`,
        );
  throw new DrError('InvalidInput', `The input is not usable: ${problems.join('; ')}. Such as: ${example}`);
}
