import { z } from 'zod';
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
});
