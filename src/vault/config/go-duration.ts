const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * A duration as Vault's configuration takes it (parseutil.ParseDurationSecond): a number of seconds, with or without
 * quotes, whole days (`10d`), or Go's own form (`1h30m`).
 * @returns milliseconds; null when it is none of them.
 */
export function durationMs(value: unknown): number | null {
  if (typeof value === 'number') return Math.trunc(value) * 1_000;
  if (typeof value !== 'string') return null;
  if (value === '' || value === '0') return 0;
  if (/^[+-]?\d+$/.test(value)) return Number(value) * 1_000;
  if (/^[+-]?\d+d$/.test(value)) return Number(value.slice(0, -1)) * 24 * 3_600_000;
  const [, sign = '', parts = ''] = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(value) ?? [];
  if (parts === '') return null;
  const matches = parts.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g);
  const total = [...matches].reduce((sum, [, number, unit = '']) => sum + Number(number) * (UNIT_MS[unit] ?? 0), 0);
  return sign === '-' ? -total : total;
}
