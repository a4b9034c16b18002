import type { z } from 'zod';
import { DrError } from '../contract/failures';
import { type VaultEndpoint, withoutQuery } from './transport';

/** The answer is never quoted: it may hold a secret. @throws DrError VaultUnavailable */
export function parseAnswer<T>(
  schema: z.ZodType<T>,
  text: string,
  { node, address }: Pick<VaultEndpoint, 'node' | 'address'>,
  path: string,
): T {
  const parsed = schema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new DrError(
    'VaultUnavailable',
    `${node} answered ${withoutQuery(path)} with something other than Vault's JSON.`,
    { where: node, advice: `Check that ${address} is Vault's own listener, not a proxy in front of it.` },
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
