import { InvalidArgumentError } from 'commander';
import type { Listen } from '../temporal';

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @throws InvalidArgumentError */
export function parseDuration(text: string): number {
  const [, number, unit] = /^(\d{1,9})([smhd])$/.exec(text === '0' ? '0s' : text) ?? [];
  const milliseconds = Number(number) * (UNITS[unit ?? ''] ?? NaN);
  if (milliseconds >= 0) return milliseconds;
  throw new InvalidArgumentError('It must be a whole number and a unit, such as 90s, 30m, 6h or 1d.');
}

/** @throws InvalidArgumentError */
export function parseInterval(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds > 0) return milliseconds;
  throw new InvalidArgumentError('It must be 1s or longer. To stop backups, pause the schedule.');
}

/** @throws InvalidArgumentError */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port, from 1 to 65535.');
}

/** @throws InvalidArgumentError */
export function parseListen(text: string): Listen {
  const [, bracketed, plain, port = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d+)$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  if (address !== undefined) return { address, port: parsePort(port) };
  throw new InvalidArgumentError('It must be an address and a port, such as 10.0.0.5:7234 or [::]:7234.');
}
