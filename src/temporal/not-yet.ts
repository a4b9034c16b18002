import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { failureDetails } from '../contract/failure-details';
import type { FailureCode } from '../contract/failures';
import { formatNumber } from '../contract/format';
import type { Turn, Turns } from './turns';

const NOT_YET: FailureCode = 'NotYet';

/** For the details of the step that waits. @param what such as `backups` */
export function waitsIn({ underWay }: Turns, what: string): string {
  return `waits for its turn; ${what} under way on this controller: ${formatNumber(underWay.length)}`;
}

/** No error: the step is tried again when it says. @param what such as `Backups` */
export function notYet(turns: Turns, what: string, { againMs }: NonNullable<Turn>, advice: string): ApplicationFailure {
  const [underWay, waiting] = [turns.underWay.length, turns.waiting].map(formatNumber);
  return ApplicationFailure.create({
    message: `It waits for its turn. ${what} under way on this controller: ${underWay}; waiting: ${waiting}.`,
    type: NOT_YET,
    details: [failureDetails({ advice })],
    category: ApplicationFailureCategory.BENIGN,
    nextRetryDelay: againMs,
  });
}
