// What the benchmarks share.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export const MIB = 1024 * 1024;
const UNITS = { KiB: 1024, MiB: MIB, GiB: 1024 * MIB };
/** In base64, so that archives can't compress it; Consul takes no value above 512 KiB. */
const VALUE_BYTES = 128 * 1024;
const FILLED_AT_ONCE = 4;
/** Clock ticks of /proc are hundredths of a second on every Linux that Node supports. */
const TICKS = 100;

export async function fill(lab, node, size) {
  const count = Math.ceil(size / VALUE_BYTES);
  let next = 0;
  const work = async () => {
    while (next < count) {
      const body = { data: { value: randomBytes((VALUE_BYTES * 3) / 4).toString('base64') } };
      await accepted(lab, node, `secret/data/bench/${next++}`, body);
    }
  };
  await Promise.all(Array.from({ length: FILLED_AT_ONCE }, work));
}

export async function accepted(lab, node, path, body) {
  const { status } = await lab.vault(node, 'POST', path, { body });
  if (status >= 300) throw new Error(`writing a secret answered ${status}`);
}

export async function json(lab, args) {
  const { code, stdout, stderr } = await lab.cli([...args, '--json']);
  if (code !== 0) throw new Error(`vault-dr ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  return JSON.parse(stdout);
}

export async function timed(work) {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1_000;
}

/** Null of nothing. */
export function percentile(values, part) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

/** Median, and from the least to the most where there are several. */
export function spread(values) {
  const median = percentile(values, 0.5).toFixed(1);
  return values.length === 1
    ? median
    : `${median} (${Math.min(...values).toFixed(1)}-${Math.max(...values).toFixed(1)})`;
}

export function number(value) {
  return value === null ? '-' : value.toFixed(0);
}

export function sizeText(bytes) {
  const [unit, size] = Object.entries(UNITS).findLast(([, least]) => bytes >= least && bytes % least === 0);
  return `${bytes / size} ${unit}`;
}

export function bytesOf(text) {
  const [, count, unit] = /^([1-9]\d*)(KiB|MiB|GiB)$/.exec(text) ?? [];
  if (unit === undefined) throw new TypeError(`--size: '${text}' is not a size such as 64MiB`);
  return Number(count) * UNITS[unit];
}

export function wholeNumber(option, text) {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new TypeError(`${option}: '${text}' is not a whole number above 0`);
}

/** MiB that a process has in memory now (VmRSS), or had at most (VmHWM). */
export function resident(pid, field = 'VmRSS') {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`${field}:\\s+(\\d+) kB`));
  return Number(line[1]) / 1024;
}

/** The peak counts from now on. */
export function forgetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Seconds of CPU that a process has used. */
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Over the cluster that serves: nobody has to unseal anything, and the approval is not counted. */
export async function restored(lab, generation) {
  const { restoreDriver } = createRequire(import.meta.url)('../dist/test/support/restore-driver.js');
  const driver = restoreDriver(lab);
  await driver.start('--generation', generation, '--accept', 'lose-newer-data');
  await driver.approve();
  const { status, phases, rtoMachineSeconds } = await driver.result();
  if (status !== 'completed') throw new Error(`the restore is ${status}`);
  const at = (phase, edge) => Date.parse(phases.find((item) => item.phase === phase)[edge]);
  const stoppedAt = at('stop', 'startedAt');
  return {
    // Until the first node has been checked; it serves from then on at the latest.
    stopToFirstSeconds: (at('verify', 'finishedAt') - stoppedAt) / 1_000,
    stopToAllSeconds: (at('converge', 'finishedAt') - stoppedAt) / 1_000,
    // From the plan to the report, with the new backup at the end.
    machineSeconds: rtoMachineSeconds,
  };
}
