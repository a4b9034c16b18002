import { isDrError } from '../../contract/failures';
import { isWrongBytes, passesByItself, s3Code, s3Status } from './s3-errors';

/** Features that a request needs beyond storing data, and calls that not every server supports. */
export type Asked =
  'condition' | 'checksum' | 'size' | 'checksum mode' | 'encryption' | 'storage class' | 'tags' | 'lock' | 'versions';

/**
 * `unsupported`: the server does not know the header or the call. `denied`: these credentials may not. `later`: another
 * attempt may succeed. `refused`: anything else, such as a missing bucket.
 */
export type Refusal = 'unsupported' | 'denied' | 'later' | 'refused';

/**
 * What follows if a server refuses or ignores a feature. `without`: write without it, and promise less. `refuse`: write
 * nothing there. Temporary failures are retried. Both backups and `repository check` use this.
 */
export const ANSWERS: Record<Asked, Record<'unsupported' | 'ignored' | 'denied' | 'refused', 'without' | 'refuse'>> = {
  condition: { unsupported: 'without', ignored: 'without', denied: 'refuse', refused: 'refuse' },
  checksum: { unsupported: 'without', ignored: 'without', denied: 'refuse', refused: 'refuse' },
  size: { unsupported: 'without', ignored: 'without', denied: 'refuse', refused: 'refuse' },
  'checksum mode': { unsupported: 'without', ignored: 'without', denied: 'refuse', refused: 'refuse' },
  encryption: { unsupported: 'refuse', ignored: 'refuse', denied: 'refuse', refused: 'refuse' },
  'storage class': { unsupported: 'refuse', ignored: 'without', denied: 'refuse', refused: 'refuse' },
  tags: { unsupported: 'refuse', ignored: 'without', denied: 'refuse', refused: 'refuse' },
  lock: { unsupported: 'refuse', ignored: 'refuse', denied: 'refuse', refused: 'refuse' },
  versions: { unsupported: 'without', ignored: 'without', denied: 'refuse', refused: 'refuse' },
};

/** From the SDK's error, or from the DrError made from it. */
export function refusalOf(error: unknown): Refusal {
  const thrown = isDrError(error) ? error.cause : error;
  if (typeof thrown !== 'object' || thrown === null) return 'refused';
  const [status, code] = [s3Status(thrown), s3Code(thrown)];
  // Status 400 has several reasons, too; known other ones are excluded.
  if (passesByItself(code, status)) return 'later';
  if (status === 401 || status === 403) return 'denied';
  if (status === 405 || status === 501) return 'unsupported';
  return status === 400 && !isWrongBytes(code) && code !== 'NoSuchBucket' ? 'unsupported' : 'refused';
}

/** Features that are no longer requested of this server, because it does not support them. */
export class Concessions {
  readonly #left = new Set<Asked>();

  has(asked: Asked): boolean {
    return this.#left.has(asked);
  }

  get left(): Asked[] {
    return [...this.#left];
  }

  /**
   * Sends a request; if the server does not know an optional feature, repeats it without: one feature at a time, then all of
   * them. The combination that worked is remembered.
   * @param optional features of this request
   * @throws what `send` throws; if nothing helps, its first error.
   */
  async send<T>(optional: readonly Asked[], send: (asks: (asked: Asked) => boolean) => Promise<T>): Promise<T> {
    const open = optional.filter((asked) => !this.#left.has(asked) && ANSWERS[asked].unsupported === 'without');
    const attempts = [[], ...open.map((asked) => [asked]), ...(open.length > 1 ? [open] : [])];
    let first: unknown;
    for (const without of attempts) {
      try {
        const result = await send((asked) => !this.#left.has(asked) && !without.includes(asked));
        for (const asked of without) this.#left.add(asked);
        return result;
      } catch (error) {
        if (refusalOf(error) !== 'unsupported') throw error;
        first ??= error;
      }
    }
    throw first;
  }
}
