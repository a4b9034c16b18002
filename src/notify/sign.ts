import { createHmac } from 'node:crypto';

/**
 * Headers by which a receiver knows that a message is genuine, complete and not sent once more by somebody else: those of
 * Standard Webhooks, for which libraries exist.
 * @param secret text, or `whsec_` and base64
 * @param at seconds since the epoch, of this attempt: a receiver refuses what is minutes old
 */
export function signatureHeaders(secret: string, id: string, at: number, body: string): Record<string, string> {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  const signature = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': `v1,${signature}` };
}
