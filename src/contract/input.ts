import { z } from 'zod';
import { DrError } from './failures';
import { GENERATION_PATTERN } from './generation';
import { NAME_PATTERN } from './names';

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

export const restoreInput = z.strictObject({
  cluster: name,
  /** Generation id; without it the newest whose copy verifies. */
  generation: generation.default('latest'),
  /** The newest generation captured at or before this instant (RFC 3339). */
  asOf: z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-23T04:00:00Z' }).optional(),
  requestedBy: person.default('unknown'),
});
export type RestoreInput = z.infer<typeof restoreInput>;

export const approveInput = z.strictObject({
  approver: person,
  planHash: z
    .string({ error: 'must be the plan hash that the run shows' })
    .min(8, 'must be the plan hash that the run shows'),
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
  throw new DrError('InvalidInput', `The input is not usable: ${problems.join('; ')}. Give it as JSON: ${example}`);
}
