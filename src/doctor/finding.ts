import type { FindingCode } from '../catalogue/refusals';
import type { SetupCode } from '../catalogue/setup';

/** `problem`: must be fixed. `warning`: should be. `unchecked`: it is not known, and so no reason to fail. */
export const SEVERITIES = ['problem', 'warning', 'unchecked'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Finding {
  /** Null for what could not be checked. */
  code: SetupCode | FindingCode | null;
  severity: Severity;
  /** Host part: a file, a node, a repository. */
  where: string;
  /** What is wrong, as a sentence without its full stop. */
  text: string;
  /** A command that fixes it; null where a person has to decide. */
  fix: string | null;
}

export function problem(code: NonNullable<Finding['code']>, where: string, text: string, fix: string | null): Finding {
  return { code, severity: 'problem', where, text, fix };
}

export function warning(code: NonNullable<Finding['code']>, where: string, text: string, fix: string | null): Finding {
  return { code, severity: 'warning', where, text, fix };
}

export function unchecked(where: string, text: string): Finding {
  return { code: null, severity: 'unchecked', where, text, fix: null };
}
