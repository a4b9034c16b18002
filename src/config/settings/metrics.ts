import { z } from 'zod';

export const metrics = z.strictObject({
  address: z
    .string()
    .regex(
      /^(\[[0-9a-fA-F:.]+\]|\d{1,3}(\.\d{1,3}){3}):\d{1,5}$/,
      'must be an IP address and a port, such as 127.0.0.1:9464',
    )
    .default('127.0.0.1:9464')
    .describe('IP address and port on which they are served, under /metrics. Anybody who reaches it can read them.'),
  everySeconds: z
    .int()
    .min(10)
    .max(3_600)
    .default(60)
    .describe('How often they are computed; each time the repositories are listed.'),
});
