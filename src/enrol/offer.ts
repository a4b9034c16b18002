import { z } from 'zod';
import { canonicalJson } from '../contract/canonical-json';
import { node } from '../config/settings/node';

const short = z.string().max(300);
const paths = z.array(z.string().max(4_096)).max(100);

/** The settings of a node that its own host knows best; the same names as in the configuration. */
export const nodeParts = z.strictObject({
  agentPublicKey: z.string().max(200),
  dataDir: z.string().startsWith('/').max(4_096),
  configFiles: paths,
  service: z.unknown().transform((value, context) => {
    const { data, error } = node.shape.service.safeParse(value);
    if (data === undefined) context.addIssue({ code: 'custom', message: error?.issues[0]?.message ?? 'is missing' });
    return value as Record<string, unknown>;
  }),
  stateDir: z.string().startsWith('/').max(4_096),
  runtimeDir: z.string().startsWith('/').max(4_096),
});
export type NodeParts = z.infer<typeof nodeParts>;

/** For people: what the host looks like. Nothing is decided by it. */
export const seen = z.strictObject({
  host: short,
  version: short,
  server: short.nullable(),
  unit: short.nullable(),
  owner: short.nullable(),
  mode: short.nullable(),
  freeBytes: z.number().nonnegative().nullable(),
  listeners: z.array(short).max(20),
  clusterAddress: short.nullable(),
  nodeId: short.nullable(),
  /** The user that the agent was enrolled as. */
  user: short,
  problems: z.array(z.string().max(1_000)).max(50),
});
export type Seen = z.infer<typeof seen>;

export const offerBody = z.strictObject({
  cluster: short,
  node: short,
  parts: nodeParts,
  seen,
  /** RFC 3339. */
  at: z.iso.datetime(),
});
export type OfferBody = z.infer<typeof offerBody>;

export const answerBody = z.strictObject({
  cluster: short,
  node: short,
  /** Of the agent that it is for. */
  agentPublicKey: short,
  /** SHA-256 of the body of the offer that it answers. */
  offer: short,
  config: z.record(z.string(), z.unknown()),
  /** PEM. */
  signingPublicKey: z.string().max(10_000),
  vaultCa: z.string().max(100_000).nullable(),
});
export type AnswerBody = z.infer<typeof answerBody>;

/** Whether two findings lead to the same configuration. */
export function sameParts(left: NodeParts, right: NodeParts): boolean {
  return canonicalJson(left) === canonicalJson(right);
}
