import type { AcceptCode } from '../contract/plan';

/** A reason against a plan. With `accept` an operator may take it upon himself; without, it has to be mended. */
export interface Finding {
  text: string;
  accept?: AcceptCode;
}

export interface Verdict {
  /** What stands against the plan; empty when it may go on. */
  refusals: string[];
  /** What somebody accepted, and would stand against it otherwise. */
  accepted: AcceptCode[];
  /** What was accepted, in words. */
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

function refusalOf({ text, accept }: Finding): string {
  return accept === undefined ? text : `${text} (if you mean it: --accept ${accept})`;
}
