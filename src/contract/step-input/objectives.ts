import { z } from 'zod';
import type { Objective, RtoObjective } from '../objectives';
import { span, strict } from './values';

const known = { targetSeconds: span.nullable(), expectedSeconds: span.nullable() };

export const objective = strict<Objective>(known);
export const rtoObjective = strict<RtoObjective>({
  ...known,
  machineSeconds: span.nullable(),
  measuredBy: z.enum(['restores', 'drills']).nullable(),
  peopleSeconds: span.nullable(),
});
