import { isDrError } from '../../contract/failures';
import { isWrongBytes, passesByItself, s3Code, s3Status } from './s3-errors';

/** Features that a request asks of a bucket in addition to storing data, and calls that not every server supports. */
export type Asked =
  'condition' | 'checksum' | 'size' | 'checksum mode' | 'encryption' | 'storage class' | 'tags' | 'lock' | 'versions';

/**
 * `unsupported`: it knows the header or the call not at all. `denied`: these credentials may not. `later`: another attempt may
 * succeed. `refused`: whatever else, such as a bucket that is not there.
 */
export type Refusal = 'unsupported' | 'denied' | 'later' | 'refused';

/**
 * What a server that refuses, or ignores, leaves of a write. `without`: it is done without, and less may be promised. `refuse`:
 * nothing is written there. Whatever passes by itself is tried again. A real write and `repository check` both go by this.
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
  // With a status of 400, too, there is more than one reason; what is known to mean something else is none of these.
  if (passesByItself(code, status)) return 'later';
  if (status === 401 || status === 403) return 'denied';
  if (status === 405 || status === 501) return 'unsupported';
  return status === 400 && !isWrongBytes(code) && code !== 'NoSuchBucket' ? 'unsupported' : 'refused';
}

/** Features that this server is no longer asked for, because it does not support them. */
export class Concessions {
  readonly #left = new Set<Asked>();

  has(asked: Asked): boolean {
    return this.#left.has(asked);
  }

  get left(): Asked[] {
    return [...this.#left];
  }

  /**
   * Sends a request, and again with less when the server does not know something that may be left out: one after another, then
   * all. What it took is remembered.
   * @param optional what this request asks for
   * @throws what `send` throws; when nothing helps, what it threw first.
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
