import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import { type SealedAnswer, sealedAnswer, type SealedOffer, sealedOffer } from '../contract/enrolment';
import { DrError } from '../contract/failures';
import { walkMessage } from '../contract/message-bounds';
import { agentPublicKey, isAgentPublicKey, isSignedBy, signText } from '../crypto/agent-key';
import { type AnswerBody, answerBody, type OfferBody, offerBody } from './offer';
import type { EnrolmentKeys } from './token';

const BOUNDS = { depth: 32, nodes: 20_000, characters: 512 * 1024 };

/** @param privateKey of the agent, PEM */
export function sealOffer(body: OfferBody, keys: EnrolmentKeys, privateKey: string): SealedOffer {
  if (agentPublicKey(privateKey) !== body.parts.agentPublicKey) throw new Error('the offer names another key');
  const text = JSON.stringify(body);
  return { body: text, mac: macOf(keys.offer, text), signature: signText(privateKey, statementOf(text)) };
}

/**
 * Who made it had the token, and has the private half of the key in it.
 * @returns null for anything else
 */
export function openOffer(
  message: unknown,
  keys: EnrolmentKeys,
  scope: { cluster: string; node: string },
): OfferBody | null {
  const { data: sealed } = sealedOffer.safeParse(message);
  if (sealed === undefined || !isMac(keys.offer, sealed.body, sealed.mac)) return null;
  const body = bodyOf(sealed.body, offerBody);
  if (body === null || body.cluster !== scope.cluster || body.node !== scope.node) return null;
  const { agentPublicKey: key } = body.parts;
  return isAgentPublicKey(key) && isSignedBy(key, statementOf(sealed.body), sealed.signature) ? body : null;
}

export function sealAnswer(body: AnswerBody, keys: EnrolmentKeys): SealedAnswer {
  const text = JSON.stringify(body);
  const sealed = { body: text, mac: macOf(keys.answer, text) };
  if (sealedAnswer.safeParse(sealed).success) return sealed;
  throw new DrError('InvalidConfiguration', 'The configuration of this cluster is too large to send to an agent.', {
    advice: 'Copy the configuration to that host by hand, and set agentPublicKey by `vault-dr agent-key`.',
  });
}

/** Who made it had the token, or what the controller's host keeps of it. @returns null for anything else */
export function openAnswer(
  message: unknown,
  keys: EnrolmentKeys,
  expected: Pick<AnswerBody, 'cluster' | 'node' | 'agentPublicKey' | 'offer'>,
): AnswerBody | null {
  const { data: sealed } = sealedAnswer.safeParse(message);
  if (sealed === undefined || !isMac(keys.answer, sealed.body, sealed.mac)) return null;
  const body = bodyOf(sealed.body, answerBody);
  if (body === null) return null;
  const isOurs = (['cluster', 'node', 'agentPublicKey', 'offer'] as const).every((key) => body[key] === expected[key]);
  return isOurs ? body : null;
}

/** Of the offer that an answer is for. */
export function hashOf({ body }: SealedOffer): string {
  return createHash('sha256').update(body).digest('hex');
}

/** So that no signature of another kind of statement fits. */
function statementOf(body: string): string {
  return `vault-dr enrolment\n${body}`;
}

function macOf(key: string, text: string): string {
  return createHmac('sha256', Buffer.from(key, 'hex')).update(text).digest('hex');
}

function isMac(key: string, text: string, mac: string): boolean {
  return timingSafeEqual(Buffer.from(macOf(key, text), 'hex'), Buffer.from(mac, 'hex'));
}

function bodyOf<T>(text: string, schema: z.ZodType<T>): T | null {
  try {
    const value: unknown = JSON.parse(text);
    if (walkMessage(value, () => false, BOUNDS) !== null) return null;
    return schema.safeParse(value).data ?? null;
  } catch {
    return null;
  }
}
