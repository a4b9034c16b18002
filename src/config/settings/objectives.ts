import { z } from 'zod';
import { duration } from './values';

export const objectives = z.strictObject({
  rpo: duration
    .optional()
    .describe(
      'How much a restore may lose, such as 6h: `vault-dr ready` says no while the newest good backup is older. Default: a day.',
    ),
});
