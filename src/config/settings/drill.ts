import { z } from 'zod';
import { personName } from '../../contract/person';
import { name } from './values';

/** Instead of the name of a repository. */
export const ROTATING = 'rotating';

export const drill = z.strictObject({
  backup: z
    .enum(['newest', 'random'])
    .default('newest')
    .describe('Which backup a drill takes that names none: `newest`, or any of those that are kept.'),
  from: name
    .default(ROTATING)
    .describe(
      'The repository that a drill fetches from. `rotating`: of those that have the backup, the one whose last drill is longest ago.',
    ),
  everyDays: z
    .number()
    .positive()
    .max(3_660)
    .optional()
    .describe(
      'How long ago the last drill that passed may be: `vault-dr ready` says no after that. Default: any time.',
    ),
});

export const rollCall = z.strictObject({
  holders: z
    .array(personName)
    .max(100)
    .default([])
    .describe('Who has a share, as each says it with `--as`: those whom a roll-call expects to answer.'),
  everyDays: z
    .number()
    .positive()
    .max(3_660)
    .default(90)
    .describe(
      'For how long the answer of a key holder counts. One more than the threshold should have proved theirs in that time.',
    ),
});
