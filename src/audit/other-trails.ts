import { type AuditFinding, auditFindings } from './audit-findings';
import type { AuditHead } from './audit-heads';
import type { AuditLine } from './audit-record';
import { checkCopy, type CopiedTrail, joinCopies } from './trail-copies';

/** The trail of another controller, as the repositories have it. */
export interface OtherTrail {
  controller: string;
  /** First digits of the SHA-256 of its first line. */
  trail: string;
  records: number;
  /** Lines that are on that controller's own disk alone. */
  behind: number;
  problems: string[];
  findings: AuditFinding[];
}

/** Of all trails but one. @param first SHA-256 of the first line of that one; `name`: of its controller */
export function othersAmong(
  copies: readonly CopiedTrail[],
  { first = '', name }: { first?: string | undefined; name: string },
): CopiedTrail[] {
  return joinCopies(copies).filter(({ controller, trail }) => controller !== name || !first.startsWith(trail));
}

export function linesOf({ lines }: CopiedTrail): AuditLine[] {
  const bySeq = [...lines].toSorted(([left], [right]) => left - right);
  return bySeq.flatMap(([, { line }]) => (line === null ? [] : [line]));
}

/** @param own lines of the trail at hand; a trail of which there are heads alone counts as well */
export function checkOthers(
  others: readonly CopiedTrail[],
  heads: readonly AuditHead[],
  own: { first: string | undefined; lines: readonly AuditLine[] },
): OtherTrail[] {
  const known = others.map((copy): OtherTrail => {
    const elsewhere = [...own.lines, ...others.filter((other) => other !== copy).flatMap(linesOf)];
    return { ...checkCopy(copy, heads), findings: auditFindings(linesOf(copy), elsewhere) };
  });
  const strange = new Map<string, OtherTrail>();
  for (const { trail, controller, host, seq } of heads) {
    if (trail === own.first || known.some((other) => trail.startsWith(other.trail))) continue;
    const behind = Math.max(seq, strange.get(trail)?.behind ?? 0);
    const short = trail.slice(0, 8);
    strange.set(trail, {
      controller: controller ?? host,
      trail: short,
      records: 0,
      behind,
      problems: [],
      findings: [],
    });
  }
  return [...known, ...strange.values()];
}
