import { z } from 'zod';
import {
  type Consistency,
  type ConsulContent,
  type Content,
  type FilesystemContent,
  METHODS,
  MIGRATION_SOURCES,
} from '../method';
import { byKey, count, name, oneOf, short, strict } from './values';

export const method = z.enum(METHODS);
export const migrationSource = z.enum(MIGRATION_SOURCES);

/** Of Vault's keys in Consul. */
export const consulPath = z
  .string()
  .max(200)
  .regex(/^([A-Za-z0-9_-][A-Za-z0-9_.-]*\/)+$/, 'must be a path that ends with a slash, such as vault/');

const filesystem = strict<FilesystemContent>({
  method: z.literal('filesystem'),
  storage: oneOf<FilesystemContent['storage']>({ raft: true, file: true }),
  node: name,
  nodeId: short.nullable(),
  files: count,
  lag: count.nullable(),
});

const ofConsul = {
  scope: z.literal('all'),
  path: consulPath,
  consistency: oneOf<Consistency>({ default: true, consistent: true, stale: true }).nullable(),
  // Consul's own are no UUIDs of RFC 9562: the anonymous token is 00000000-0000-0000-0000-000000000002.
  accessor: z.guid().nullable(),
  others: byKey(count),
};
export const consulArchive = strict<Omit<ConsulContent, 'method'>>(ofConsul);
const consul = strict<ConsulContent>({ method: z.literal('consul'), ...ofConsul });

type Variants = Parameters<typeof z.discriminatedUnion>[1];
export const content = z.discriminatedUnion('method', [
  filesystem,
  consul,
] as unknown as Variants) as unknown as z.ZodType<Content>;
