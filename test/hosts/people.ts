import { setTimeout as sleep } from 'node:timers/promises';
import { withCauses } from '../../src/contract/causes';
import { MESSAGE } from '../../src/contract/names';
import type { RecoveryPhase, RecoveryProgress, RecoveryReport } from '../../src/contract/recovery';
import { encryptArmored } from '../../src/crypto/age';
import { askRestore, recoveryHandle, type RecoveryHandle, recoveryProgress } from '../../src/temporal/runs';
import { signedApproval } from '../support/approval';
import { CLUSTER } from './product-config';
import type { Site } from './site';

const POLL_MS = 300;
const ANSWER_MS = 10_000;
const HOLDERS = ['carol', 'dave', 'erin'];

/** What people have done for a run. */
export interface Acts {
  approvals: number;
  shares: number;
  /** Anything beyond approving and giving shares: a run should need none. */
  others: string[];
}

export interface Attended {
  acts: Acts;
  status: string;
  seconds: number;
  phases: Partial<Record<RecoveryPhase, number>>;
}

export interface Attendance {
  /** Hears of each phase once, when it has begun; the people continue meanwhile. */
  onPhase?: (phase: RecoveryPhase) => Promise<void>;
  /** What is done before the first share is given; the people wait for it. */
  beforeShares?: () => Promise<void>;
  minutes?: number;
}

/**
 * Approves, and gives shares, until the run has ended. They fix nothing: a parked step is the end of it.
 */
export async function attend(
  site: Site,
  { onPhase = async () => undefined, beforeShares = async () => undefined, minutes = 15 }: Attendance = {},
): Promise<Attended> {
  const { client, keys, secrets } = site;
  const handle: RecoveryHandle = recoveryHandle(client, CLUSTER);
  const acts: Acts = { approvals: 0, shares: 0, others: [] };
  const begun = Date.now();
  const seen = new Set<RecoveryPhase>();
  let disturbance: Promise<void> = Promise.resolve();
  let isReady = false;
  for (;;) {
    if (Date.now() - begun > minutes * 60_000) throw new Error(`The run has not ended within ${minutes} minutes.`);
    const progress = await inTime(() => recoveryProgress(handle)).catch(() => null);
    if (progress !== null) {
      if (!seen.has(progress.phase)) {
        seen.add(progress.phase);
        disturbance = Promise.all([disturbance, onPhase(progress.phase)]).then(() => undefined);
        // Its failure is thrown when the run has ended.
        disturbance.catch(() => undefined);
      }
      const stuck = progress.parked.filter(({ code }) => code !== 'AgentUnreachable');
      if (stuck.length > 0)
        throw new Error(`parked: ${stuck.map(({ step, problem }) => `${step}: ${problem}`).join('; ')}`);
      if (isAskedForShares(progress) && !isReady) {
        isReady = true;
        await beforeShares();
        continue;
      }
      await act(progress).catch(() => undefined);
    }
    const description = await inTime(() => handle.describe()).catch(() => null);
    if (description !== null && description.status.name !== 'RUNNING') {
      await disturbance;
      const report = await handle.result().catch((error: Error) => {
        throw new Error(withCauses(error));
      });
      return { acts, status: report.status, seconds: (Date.now() - begun) / 1_000, phases: secondsOf(report) };
    }
    await sleep(POLL_MS);
  }

  async function act(progress: RecoveryProgress): Promise<void> {
    const { phase, approvals, planHash, recipients } = progress;
    if (phase === 'approve' && approvals.length === 0 && planHash !== null) {
      const approval = await signedApproval(progress, secrets.approver.name, secrets.approver.keyFile);
      await inTime(() => askRestore(handle, MESSAGE.approve, approval));
      acts.approvals += 1;
    }
    if (!isAskedForShares(progress)) return;
    for (const [index, holder] of HOLDERS.entries()) {
      if (progress.shares?.accepted.some((item) => item.holder === holder)) continue;
      const share = await encryptArmored(
        keys.unsealShares[index] ?? '',
        recipients.map((item) => item.recipient),
      );
      await inTime(() => askRestore(handle, MESSAGE.submitShare, { holder, share }));
      acts.shares += 1;
    }
  }

  function inTime<T>(ask: () => Promise<T>): Promise<T> {
    return client.withDeadline(Date.now() + ANSWER_MS, ask);
  }
}

function isAskedForShares({ phase, shares }: RecoveryProgress): boolean {
  return shares !== null && shares.accepted.length < shares.required && phase !== 'finish';
}

function secondsOf({ phases, finishedAt }: RecoveryReport): Attended['phases'] {
  return Object.fromEntries(
    phases.map(({ phase, startedAt, finishedAt: end }) => [
      phase,
      (Date.parse(end ?? finishedAt) - Date.parse(startedAt)) / 1_000,
    ]),
  );
}
