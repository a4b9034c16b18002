import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { RecoveryReport } from '../../contract/recovery';
import { recoveryHandle } from '../../temporal/runs';
import { crashController, crashInstallingAgent } from './crashes';
import type { Story } from './story';
import { type RunWatch, watchRun } from './watch';
import type { Lab } from '../lab';
import { CLUSTER } from '../layout';

/** Who asks, who approves, and who holds which share. */
const REQUESTER = 'ana';
const APPROVER = 'bob';
export const HOLDERS = [
  { name: 'carol', share: 0 },
  { name: 'dave', share: 2 },
  { name: 'erin', share: 4 },
] as const;

/** People take longer; but long enough to show in the table. */
const READING_MS = 2_000;
const FETCHING_A_SHARE_MS = 1_500;

/** The restore as an operator sees it, with two crashes on the way. */
export async function recover(lab: Lab, client: Client, story: Story): Promise<RecoveryReport> {
  story.chapter('The plan, which changes nothing');
  await story.run(lab, ['restore', '--cluster', CLUSTER, '--as', REQUESTER, '--detach']);
  const watch = watchRun(client, recoveryHandle(client, CLUSTER), story);
  const { planHash } = await watch.until('the plan is made', (progress) => progress.waitingFor === 'approval');
  await story.run(lab, ['status', '--cluster', CLUSTER]);

  story.chapter('Someone else approves, and the restore runs; the controller and an agent are killed in between');
  await sleep(READING_MS);
  await story.run(lab, ['approve', '--cluster', CLUSTER, '--as', APPROVER, '--plan', planHash?.slice(0, 12) ?? '']);
  const [report] = await Promise.all([
    watch.report,
    crashController(lab, watch, story),
    crashInstallingAgent(lab, watch, story),
    sendShares(lab, watch, story),
  ]);
  return report;
}

/** Each holder once, from their own terminal. */
async function sendShares(lab: Lab, watch: RunWatch, story: Story): Promise<void> {
  await watch.until('the run waits for shares', (progress) => progress.waitingFor === 'shares');
  for (const { name, share } of HOLDERS) {
    await sleep(FETCHING_A_SHARE_MS);
    await story.run(lab, ['unseal', '--cluster', CLUSTER, '--as', name], {
      input: lab.unsealShares[share] ?? '',
      note: 'reads the share from standard input, sends it encrypted',
    });
  }
}
