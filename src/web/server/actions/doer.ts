import { type Client, ServiceError, type WorkflowHandle } from '@temporalio/client';
import { DrError } from '../../../contract/failures';
import type { DrillInput, RestoreInput, RollCallInput } from '../../../contract/input';
import { MESSAGE } from '../../../contract/names';
import type { SharePurpose } from '../../../contract/recipients';
import { type Answer, no } from '../../../contract/update-answers';
import { secretSubjectToSign, subjectToSign } from '../../../plan/subject-to-sign';
import {
  askRestore,
  recoveryHandle,
  recoveryProgress,
  secretHandle,
  secretProgress,
  startBackup,
  startDrill,
  startRecovery,
  startRollCall,
} from '../../../temporal/runs';
import { shareRun } from '../../../temporal/share-run';
import type { RunMessage, RunRequest } from './requests';

/** What the actions do to the world. */
export interface Doer {
  /** @returns the workflow id of what has begun */
  start(request: RunRequest): Promise<string>;
  /** To this run alone: not to one that has begun since the page was shown. */
  send(cluster: string, kind: 'recovery' | 'secrets', run: string, message: RunMessage): Promise<Answer>;
  submit(cluster: string, purpose: SharePurpose, run: string, message: RunMessage): Promise<Answer>;
}

/** Asks Temporal, within some time. */
export type AskTemporal = <T>(work: (client: Client) => Promise<T>) => Promise<T>;

export function temporalDoer(askTemporal: AskTemporal): Doer {
  const ask: AskTemporal = (work) => askTemporal(work).catch((error) => Promise.reject(orUnreachable(error)));
  return {
    start: (request) => ask(async (client) => (await begun(client, request)).workflowId),
    send: (cluster, kind, run, message) =>
      ask(async (client) => {
        const { handle, progress, subject } = await decidable(client, cluster, kind);
        if (progress.run !== run) return notThisRun();
        const { name, input } = message;
        // A statement of another plan than the one that is shown is not passed on, whoever has signed it.
        if (name === MESSAGE.approve && progress.plan?.trust === 'approvers') subject(input.planHash ?? '');
        return askRestore(handle, name, input);
      }),
    submit: (cluster, purpose, run, { name, input }) =>
      ask(async (client) => {
        const { handle, progress } = await shareRun(client, cluster, purpose);
        return progress.run === run ? askRestore(handle, name, input) : notThisRun();
      }),
  };
}

function orUnreachable(cause: unknown): unknown {
  if (!(cause instanceof ServiceError)) return cause;
  return new DrError('TemporalUnreachable', 'Temporal has not answered in time.', {
    advice: 'It may have been done all the same: load the page again before you repeat it.',
    cause,
  });
}

function notThisRun(): Answer {
  return no('That run has ended, and another one has begun. Nothing was sent: load the page again.');
}

function begun(client: Client, { start, input }: RunRequest): Promise<Pick<WorkflowHandle, 'workflowId'>> {
  if (start === 'backup') return startBackup(client, input.cluster);
  if (start === 'drill') return startDrill(client, input as DrillInput);
  if (start === 'rollCall') return startRollCall(client, input as RollCallInput);
  const { cluster, planOnly, generation } = input as RestoreInput;
  const summary = `${planOnly ? 'Plan of a restore' : 'Restore'} of ${cluster} from ${generation}`;
  return startRecovery(client, { workflow: 'restoreCluster', cluster, input: input as RestoreInput, summary });
}

async function decidable(client: Client, cluster: string, kind: 'recovery' | 'secrets') {
  if (kind === 'secrets') {
    const handle = secretHandle(client, cluster);
    const progress = await secretProgress(handle);
    return { handle, progress, subject: (hash: string) => secretSubjectToSign(progress, cluster, hash) };
  }
  const handle = recoveryHandle(client, cluster);
  const progress = await recoveryProgress(handle);
  return { handle, progress, subject: (hash: string) => subjectToSign(progress, cluster, hash) };
}
