import { z } from 'zod';
import { duration } from './values';

export const objectives = z.strictObject({
  rpo: duration
    .optional()
    .describe(
      'How much a restore may lose, such as 6h: `vault-dr ready` says no while the newest good backup is older. Default: a day.',
    ),
  rto: duration
    .optional()
    .describe(
      'How long a restore may take, such as 30m, people included: `vault-dr ready` says no if more is expected.',
    ),
  people: duration
    .optional()
    .describe(
      'How long people need in a restore until they have approved and submitted their shares. Default: as long as they needed in restores.',
    ),
});
