import { isDrError } from '../../src/contract/failures';
import type { BackupSurvey } from '../../src/contract/readiness';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { attempt, cancellation, withHeartbeats } from '../heartbeat';
import { chooseFrom, listEverywhere, type Shown } from './choose';
import { settingsOf } from './confirm';
import type { Controller } from './context';

/** A connection that breaks says nothing of the backups: until this attempt the step is retried. */
const PATIENT_ATTEMPTS = 3;

/**
 * What a restore would load, read end to end, and what else is known of the backups. That there is nothing to load is a
 * result, too.
 * @throws DrError that another attempt may not meet
 */
export async function surveyBackups(
  controller: Controller,
  { cluster }: ControllerInput<'surveyBackups'>,
): Promise<BackupSurvey> {
  const settings = settingsOf(controller, { cluster });
  const shown = await withHeartbeats('list', () => listEverywhere(controller, cluster, settings.repositories));
  const { unanswered, chain, untrusted } = shown;
  const known = { newest: newestIn(shown), unanswered, chain, marks: untrusted };
  try {
    const chosen = await chooseFrom(controller, settings, shown, { generation: 'latest', asOf: null });
    return { ...known, chosen, problem: null };
  } catch (error) {
    cancellation().throwIfAborted();
    if (!isDrError(error) || (error.retryable && attempt() < PATIENT_ATTEMPTS)) throw error;
    const { code, message: text, retryable } = error;
    return { ...known, chosen: null, problem: { code, text, retryable } };
  }
}

function newestIn({ copies, unread }: Shown): string | null {
  return (
    [...copies, ...unread]
      .map(({ generation }) => generation)
      .sort()
      .at(-1) ?? null
  );
}
