import { isIPv6 } from 'node:net';

/** A bucket for each client that empties by what it asks, and fills again as time passes. */
export class RateLimit {
  readonly #buckets = new Map<string, { left: number; at: number }>();

  /** @param most clients that are remembered; who has been away longest is forgotten first */
  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    private readonly most = 10_000,
  ) {}

  /** Whether the client may go ahead. @param now milliseconds */
  takes(client: string, now: number): boolean {
    const known = this.#buckets.get(client) ?? { left: this.burst, at: now };
    const left = Math.min(this.burst, known.left + ((now - known.at) / 1_000) * this.perSecond);
    const taken = left >= 1;
    this.#buckets.delete(client);
    this.#buckets.set(client, { left: taken ? left - 1 : left, at: now });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > this.most && oldest !== undefined) this.#buckets.delete(oldest);
    return taken;
  }
}

/** Whoever has one address of IPv6 has the other 2^64 of its network as well. */
export function clientOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail = ''] = plain.split('::');
  const groups = head.split(':').filter(Boolean);
  const missing = plain.includes('::') ? 8 - groups.length - tail.split(':').filter(Boolean).length : 0;
  const all = [...groups, ...Array.from({ length: missing }, () => '0'), ...tail.split(':').filter(Boolean)];
  return `${all.slice(0, 4).join(':')}::/64`;
}
