import type { FindingCode } from '../catalogue/refusals';
import type { AcceptCode } from '../contract/plan';

/** A reason against a plan. With `accept` an operator may override it; otherwise it must be fixed. */
export interface Finding {
  /** Its entry in the catalogue. */
  code: FindingCode;
  text: string;
  accept?: AcceptCode;
}

export interface Verdict {
  /** Reasons for the refusal; empty if the plan may continue. */
  refusals: string[];
  /** Codes that somebody has overridden. */
  accepted: AcceptCode[];
  /** The same in words. */
  warnings: string[];
}

export function weigh(findings: readonly Finding[], accept: readonly AcceptCode[]): Verdict {
  const takes = ({ accept: code }: Finding) => code !== undefined && accept.includes(code);
  const taken = findings.filter(takes);
  return {
    refusals: findings.filter((finding) => !takes(finding)).map(refusalOf),
    accepted: [...new Set(taken.flatMap(({ accept: code }) => code ?? []))],
    warnings: taken.map(({ text }) => text),
  };
}

/** A reason that can be overridden by its own code. */
export function acceptable(code: AcceptCode, text: string): Finding {
  return { code, text, accept: code };
}

/** Why nothing is known about a node. */
export function notInspected(node: string, problem: string | null): Finding {
  return { code: 'not-inspected', text: `${node}: ${problem ?? 'its agent does not answer'}` };
}

function refusalOf({ code, text, accept }: Finding): string {
  return accept === undefined ? `${text} [${code}]` : `${text} [${code}, override with --accept ${accept}]`;
}
