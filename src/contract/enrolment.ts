import { z } from 'zod';
import { NAME_PATTERN } from './names';

/*
 * How a new agent and the controller's host exchange what must not be copied by hand. Temporal carries it; both sides check it
 * with keys that they derive from a one-time token, which Temporal never sees.
 */

/** Names on the wire. It is no run of a cluster, so it is not among those of `WORKFLOW`. */
export const ENROLMENT = {
  workflow: 'enrolNode',
  /** Signal, from the controller's host: a sealed answer. */
  answer: 'answer',
  /** Signal, from the Vault host: it has written its configuration. */
  taken: 'taken',
  /** Query: what has been sent so far. */
  mailbox: 'mailbox',
} as const;

/** No token is valid for longer, and no mailbox is open for longer. */
export const LONGEST_ENROLMENT_HOURS = 24;
/** Anybody who can write to the namespace can send one: the host takes the first that is genuine. */
export const MOST_ANSWERS = 8;
const LONGEST_OFFER = 32 * 1024;
const LONGEST_ANSWER = 256 * 1024;

const name = z.string().regex(NAME_PATTERN);
const mac = z.string().regex(/^[0-9a-f]{64}$/);

/** From the agent: who it is and what it found on its host. `body` is JSON; `signature` is by the agent's own key. */
export const sealedOffer = z.strictObject({
  body: z.string().max(LONGEST_OFFER),
  mac,
  signature: z.string().max(200),
});
export type SealedOffer = z.infer<typeof sealedOffer>;

/** From the controller's host: the configuration for this agent. `body` is JSON. */
export const sealedAnswer = z.strictObject({ body: z.string().max(LONGEST_ANSWER), mac });
export type SealedAnswer = z.infer<typeof sealedAnswer>;

/** Input of the workflow. */
export const enrolmentInput = z.strictObject({ cluster: name, node: name, offer: sealedOffer });
export type EnrolmentInput = z.infer<typeof enrolmentInput>;

export interface Mailbox {
  offer: SealedOffer;
  answers: SealedAnswer[];
  taken: boolean;
}

/** @param id derived from the token, so that nobody else can take the place first */
export function enrolmentWorkflowId(cluster: string, node: string, id: string): string {
  return `enrol-${cluster}-${node}-${id}`;
}
