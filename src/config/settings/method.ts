import { z } from 'zod';
import { METHODS } from '../../contract/method';
import { consulPath } from '../../contract/step-input/content';
import { clusterTls } from './tls';
import { name, secretSource, vaultUrl } from './values';

export const method = z.enum(METHODS, { error: "must be 'raft', 'filesystem' or 'consul'" });

/** Of a backup for which a node is stopped. */
export const filesystem = z.strictObject({
  node: name.optional().describe('The node that is copied. Default: a follower, picked for each backup.'),
  window: z
    .strictObject({
      start: z
        .string()
        .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day in UTC, such as 02:30')
        .describe('Time of day in UTC, such as 02:30.'),
      minutes: z.number().int().min(1).max(1_440).describe('Minutes after the start in which a node may be stopped.'),
    })
    .optional()
    .describe(
      'Maintenance window: a backup stops a node only in it. Required in a cluster of one node, which does not serve meanwhile. Default: at any time.',
    ),
  leastMinutesBetween: z
    .number()
    .positive()
    .default(30)
    .describe('An agent stops its node for a backup no more often than this, whoever starts it.'),
});

/** Where Vault stores, if it stores in Consul. */
export const consul = z.strictObject({
  addresses: z
    .array(vaultUrl)
    .min(1, 'must name at least one address')
    .describe("URLs of Consul's servers, or of agents that lead to them, in order of preference."),
  tls: clusterTls
    .optional()
    .describe("How Consul's certificates are checked, and the client certificate, if Consul demands one."),
  token: secretSource.optional().describe('ACL token. Default: none, for a Consul without ACLs.'),
  path: consulPath
    .default('vault/')
    .describe('`path` of `storage "consul"` in Vault\'s configuration, with a slash at the end.'),
  consistency: z
    .enum(['default', 'consistent'])
    .default('default')
    .describe('`consistent`: the leader of Consul proves that it still leads before it answers.'),
});
export type ConsulConfig = z.infer<typeof consul>;
