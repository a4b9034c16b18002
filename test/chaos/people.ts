import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { SandboxProgress } from '../../src/contract/drill';
import type { SecretProgress } from '../../src/contract/secret-run';
import type { RecoveryProgress, RunRecipient } from '../../src/contract/recovery';
import { MESSAGE, PROGRESS_QUERY } from '../../src/contract/names';
import { encryptArmored } from '../../src/crypto/age';
import { askRestore, type RecoveryHandle, recoveryProgress } from '../../src/temporal/runs';
import { signedApproval } from '../support/approval';
import type { ChaosLab } from './chaos-lab';

const POLL_INTERVAL_MS = 100;
const ANSWER_WITHIN_MS = 5_000;
const LATE_MS = 1_000;
const HOLDERS = ['carol', 'dave', 'erin', 'frank', 'grace'];
/** How many of them a recovery needs. */
const THRESHOLD = 3;

/**
 * Approves, and gives three unseal shares, as people do who check again until the run has what it needs. They fix
 * nothing.
 * @param holders when the shares come: as soon as they are taken; a second after nothing else is waited for; or only
 * after somebody had the old data put back, when the snapshot is in; or never
 * @returns what was parked for people to fix: a failure, because nobody does
 */
export async function attendRestore(
  { client, lab }: ChaosLab,
  handle: RecoveryHandle,
  isOver: () => boolean,
  holders: 'early' | 'late' | 'rollBack' | 'never',
): Promise<string[]> {
  while (!isOver()) {
    try {
      const progress = await inTime(() => recoveryProgress(handle));
      const stuck = progress.parked.filter(({ code }) => code !== 'AgentUnreachable');
      if (stuck.length > 0) return stuck.map(({ problem }) => `parked: ${problem}`);
      await doWhatIsAskedFor(progress);
    } catch {
      // Nobody answers just now, or the run is over.
    }
    await sleep(POLL_INTERVAL_MS);
  }
  return [];

  async function doWhatIsAskedFor(progress: RecoveryProgress) {
    const { phase, waitingFor, planHash, approvals, shares, recipients } = progress;
    if (phase === 'approve' && approvals.length === 0 && planHash !== null) {
      const approval = await signedApproval(progress, 'bob', lab.approverKeys.bob);
      await inTime(() => askRestore(handle, MESSAGE.approve, approval));
    }
    if (holders === 'never') return;
    if (holders === 'rollBack' && phase === 'unseal') {
      await inTime(() => askRestore(handle, MESSAGE.rollBack, { operator: 'bob' }));
    }
    if (holders === 'rollBack' && phase !== 'rollBack') return;
    if (shares === null || shares.accepted.length >= shares.required || phase === 'finish') return;
    if (holders === 'late' && shares.accepted.length === 0) {
      if (waitingFor !== 'shares') return;
      await sleep(LATE_MS);
    }
    await submitMissing({ client, lab }, handle, HOLDERS.slice(0, THRESHOLD), {
      recipients,
      accepted: shares.accepted,
    });
  }

  function inTime<T>(ask: () => Promise<T>): Promise<T> {
    return client.withDeadline(Date.now() + ANSWER_WITHIN_MS, ask);
  }
}

/** Approves what a run in a sandbox needs approved, and gives it every unseal share as often as it asks: it may lose them with its host. */
export async function attendSandbox(
  { client, lab }: Pick<ChaosLab, 'client' | 'lab'>,
  handle: WorkflowHandle,
  isOver: () => boolean,
): Promise<string[]> {
  while (!isOver()) {
    try {
      const progress = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        handle.query<SandboxProgress | SecretProgress>(PROGRESS_QUERY),
      );
      const { recipients, shares } = progress;
      if ('approvals' in progress && progress.step === 'approve' && progress.approvals.length === 0) {
        const approval = await signedApproval(progress, 'bob', lab.approverKeys.bob);
        await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => askRestore(handle, MESSAGE.approve, approval));
      }
      if (shares !== null)
        await submitMissing({ client, lab }, handle, HOLDERS, { recipients, accepted: shares.accepted });
    } catch {
      // Nobody answers just now, or the run is over.
    }
    await sleep(POLL_INTERVAL_MS);
  }
  return [];
}

async function submitMissing(
  { client, lab }: Pick<ChaosLab, 'client' | 'lab'>,
  handle: Parameters<typeof askRestore>[0],
  holders: readonly string[],
  { recipients, accepted }: { recipients: readonly RunRecipient[]; accepted: readonly { holder: string }[] },
): Promise<void> {
  for (const [index, holder] of holders.entries()) {
    if (accepted.some((item) => item.holder === holder)) continue;
    const share = await encryptArmored(
      lab.unsealShares[index] ?? '',
      recipients.map((item) => item.recipient),
    );
    await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      askRestore(handle, MESSAGE.submitShare, { holder, share }),
    );
  }
}
