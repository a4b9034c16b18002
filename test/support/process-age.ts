import { readFile } from 'node:fs/promises';
import { startTimeOf } from '../../src/files/process-identity';

/** Of Linux, on every machine that this runs on: `getconf CLK_TCK`. */
const TICKS_PER_SECOND = 100;

/** When a process began, in milliseconds since the epoch; NaN when it is dead. */
export async function startedAt(pid: number): Promise<number> {
  const [ticks, uptime] = await Promise.all([startTimeOf(pid), readFile('/proc/uptime', 'utf8')]);
  const bootedAt = Date.now() - Number(uptime.split(' ')[0]) * 1_000;
  return ticks === null ? NaN : bootedAt + (Number(ticks) / TICKS_PER_SECOND) * 1_000;
}
