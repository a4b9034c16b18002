import { IDENTITY_SUFFIX } from '../../src/host/run/run-identity';
import type { ChaosLab } from './chaos-lab';

/** Each minute agents ask whether the runs are over whose identities they hold. */
const SWEPT_WITHIN_MS = 75_000;

/** What a terminated run has left is its operator's to remove; in the cases after it that is done, but for identities. */
export function isOfTerminated({ terminated }: ChaosLab, text: string, inThisCase?: string): boolean {
  const isYetToBeSwept = (at: number) => text.includes(IDENTITY_SUFFIX) && Date.now() - at < SWEPT_WITHIN_MS;
  return [...terminated].some(([run, at]) => text.includes(run) && (run === inThisCase || isYetToBeSwept(at)));
}
