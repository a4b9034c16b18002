import { cut } from '../../contract/retry-notice';
import { findsShareInClear } from '../../contract/share';

const LONGEST_LINE = 300;

/** The last line of a log, if it can be in an error, which ends up in history; null if it may hold a secret. */
export function logLineFit(log: string): string | null {
  const line = log.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line === '' || maybeSecret(line) ? null : cut(line, LONGEST_LINE);
}

function maybeSecret(line: string): boolean {
  return /\bhv[sbr]\.|\bs\.[A-Za-z0-9]{24}\b|token|secret|password/i.test(line) || findsShareInClear(line);
}
