import { type AuditLine, CONFLICT, contentHash } from './audit-record';

export interface AuditFinding {
  line: number;
  /** An incident has no innocent reason; a notice may have one. */
  severity: 'incident' | 'notice';
  text: string;
}

/** Clocks in a cluster differ by less; a longer wait for a controller deserves an explanation. */
const TOLERANCE_MS = 5 * 60_000;
const NUMBERED = /^([^/]+)\/([1-9]\d{0,8})$/;
const SHOWABLE = /^[\w./-]{1,200}$/;

/**
 * Contradictions between lines of a trail with an intact chain: forged and missing lines, as far as visible. Missing lines
 * at the end of a run are not.
 * @param others lines of other controllers' trails: what they have is not missing here
 */
export function auditFindings(lines: readonly AuditLine[], others: readonly AuditLine[] = []): AuditFinding[] {
  return [...lines.flatMap(ofOneLine), ...ofClock(lines), ...gaps(lines, others), ...conflicts(lines, others)].toSorted(
    (a, b) => a.line - b.line,
  );
}

function ofOneLine({ seq, action, at, recordedAt, run, workflow, details }: AuditLine): AuditFinding[] {
  const findings: AuditFinding[] = [];
  if (action === CONFLICT) {
    const text = `has a record that came under an id that was taken (${shown(details?.['id'])}): one of the two is forged`;
    findings.push({ line: seq, severity: 'incident', text });
  } else if (workflow && run !== workflow.run) {
    const sender = `the run ${shown(workflow.run)} of ${shown(workflow.id)} (${shown(workflow.type)})`;
    findings.push({
      line: seq,
      severity: 'incident',
      text: `claims to be of the run ${shown(run)}, but ${sender} sent it`,
    });
  }
  const late = recordedAt === undefined ? 0 : Date.parse(recordedAt) - Date.parse(at);
  if (action !== CONFLICT && !(Math.abs(late) <= TOLERANCE_MS)) {
    const text = Number.isNaN(late)
      ? 'has a time that is none'
      : `was written ${inMinutes(late)} ${late > 0 ? 'after' : 'before'} the time that it gives`;
    findings.push({ line: seq, severity: 'notice', text });
  }
  return findings;
}

/** The worker's own clock only moves forward. */
function ofClock(lines: readonly AuditLine[]): AuditFinding[] {
  let latest = Number.NEGATIVE_INFINITY;
  return lines.flatMap(({ seq, recordedAt }) => {
    const time = Date.parse(recordedAt ?? '');
    if (Number.isNaN(time)) return [];
    const back = latest - time;
    latest = Math.max(latest, time);
    if (back <= TOLERANCE_MS) return [];
    const text = `was written ${inMinutes(back)} before a line that stands above it: see the controller's clock`;
    return [{ line: seq, severity: 'notice', text }];
  });
}

/** A step that is repeated on another controller writes the same record there; another one under its id is forged. */
function conflicts(lines: readonly AuditLine[], others: readonly AuditLine[]): AuditFinding[] {
  if (others.length === 0) return [];
  const elsewhere = new Map(others.map((line) => [line.id, line]));
  return lines.flatMap((line) => {
    const other = elsewhere.get(line.id);
    if (other === undefined || contentHash(other) === contentHash(line)) return [];
    const text = `has the id ${shown(line.id)}, under which the trail of another controller has something else: one of the two is forged`;
    return [{ line: line.seq, severity: 'incident' as const, text }];
  });
}

/** A run numbers its records from 1 on: `RUN/1`, `RUN/2`. */
function gaps(lines: readonly AuditLine[], others: readonly AuditLine[]): AuditFinding[] {
  const numbers = new Map<string, { last: number; line: number; seen: Set<number> }>();
  for (const { id, seq } of lines) {
    const [, run, digits] = NUMBERED.exec(id) ?? [];
    if (run === undefined) continue;
    const known = numbers.get(run) ?? { last: 0, line: seq, seen: new Set() };
    known.seen.add(Number(digits));
    if (Number(digits) > known.last) Object.assign(known, { last: Number(digits), line: seq });
    numbers.set(run, known);
  }
  for (const { id } of others) {
    const [, run = '', digits = ''] = NUMBERED.exec(id) ?? [];
    const known = numbers.get(run);
    if (known && Number(digits) < known.last) known.seen.add(Number(digits));
  }
  return [...numbers].flatMap(([run, { last, line, seen }]) => {
    const missing = last - seen.size;
    if (missing === 0) return [];
    const first: number[] = [];
    for (let number = 1; number < last && first.length < 10; number++) if (!seen.has(number)) first.push(number);
    const which = `${first.join(', ')}${missing > first.length ? ` and ${missing - first.length} more` : ''}`;
    const text = `is number ${last} of the run ${shown(run)}, but ${which} ${missing === 1 ? 'is' : 'are'} not there: kept out, not to be written (the run's report says so), or in the trail of another controller`;
    return [{ line, severity: 'notice', text }];
  });
}

function inMinutes(milliseconds: number): string {
  const minutes = Math.round(Math.abs(milliseconds) / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** Anybody may have written it. */
function shown(text: unknown): string {
  return typeof text === 'string' && SHOWABLE.test(text) ? text : '(not fit to be shown)';
}
