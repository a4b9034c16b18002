import { diffLines } from 'diff';
import { formatBytes, formatTime } from '../../contract/format';
import { printable } from '../../contract/printable';
import type { OfferBody } from '../../enrol/offer';
import { style } from '../../terminal';

/** Nothing of what is decided about may be out of sight. */
const LONGEST = 8_000;
/** Lines around a change. */
const AROUND = 2;

/** What an agent has sent, for a person who compares it with the host. */
export function offerText({ cluster, node, parts, seen, at }: OfferBody, fingerprint: string): string[] {
  const rows: [string, string | null][] = [
    ['fingerprint', fingerprint],
    ['host', `${seen.host}, vault-dr ${seen.version}, as user ${seen.user}`],
    ['sent', formatTime(at)],
    ['server', seen.server],
    ['unit', seen.unit],
    ['service', serviceText(parts.service)],
    ['data', `${parts.dataDir}${factsOf(seen)}`],
    ['files', parts.configFiles.join(', ') || 'none'],
    ['listeners', seen.listeners.join(', ') || null],
    ['cluster address', seen.clusterAddress],
    ['node id', seen.nodeId],
    ...seen.problems.map((problem): [string, string] => ['!', problem]),
  ];
  const shown = rows.filter((row): row is [string, string] => row[1] !== null);
  return [`Agent of ${node} of ${cluster}:`, ...shown.map(([name, value]) => `  ${name.padEnd(15)}  ${clean(value)}`)];
}

function serviceText(service: Record<string, unknown>): string {
  const words = Object.entries(service).map(([key, value]) => {
    return `${key}: ${Array.isArray(value) ? value.join(' ') : typeof value === 'string' ? value : JSON.stringify(value)}`;
  });
  return words.join('; ');
}

function factsOf({ owner, mode, freeBytes }: OfferBody['seen']): string {
  const facts = [owner, mode, freeBytes === null ? null : `${formatBytes(freeBytes)} free`].filter(
    (fact) => fact !== null,
  );
  return facts.length === 0 ? ' (does not exist yet)' : ` (${facts.join(', ')})`;
}

/** What changes in a file, with a few lines around it. */
export function changeText(file: string, before: string, after: string): string[] {
  if (before === after) return [`${file} stays as it is.`];
  const parts = diffLines(before, after);
  const lines = parts.flatMap(({ added, removed, value }, index) => {
    const own = value.replace(/\n$/, '').split('\n');
    if (added) return own.map((line) => style('green', `+ ${clean(line)}`, process.stderr));
    if (removed) return own.map((line) => style('red', `- ${clean(line)}`, process.stderr));
    const head = index === 0 ? [] : own.slice(0, AROUND);
    const tail = index === parts.length - 1 ? [] : own.slice(-AROUND);
    const kept = own.length <= 2 * AROUND ? own : [...head, '…', ...tail];
    return kept.map((line) => `  ${clean(line)}`);
  });
  return [`${file}:`, ...lines];
}

/** From another host: one line, nothing that a screen acts upon. */
function clean(text: string): string {
  const line = printable(text);
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
