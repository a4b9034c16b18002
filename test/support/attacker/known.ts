import type { Client } from '@temporalio/client';
import type { ApprovedPlan, RecoveryReport } from '../../../src/contract/recovery';
import type { RestorePlan } from '../../../src/contract/plan';
import type { ControllerInput } from '../../../src/contract/step-input/controller';
import { controllerInputs, type Inputs, nodeInputs, sandboxInputs } from './forged-inputs';
import { stepInputs, stepResult } from './histories';

/**
 * What the product itself would send, as its histories show it: there have been a backup, and a plan of a restore.
 * @param printed the report of the plan, as the command prints it: with notices
 */
export async function knownInputs(
  client: Client,
  printed: RecoveryReport,
  approved: ApprovedPlan | null = null,
): Promise<Inputs> {
  const { notices: _notices, ...report } = printed as RecoveryReport & { notices?: unknown };
  const cluster = report.cluster;
  const backup = await stepInputs(client, `backup-${cluster}`);
  const restore = await stepInputs(client, `restore-${cluster}`);
  const capture = backup.get('captureSnapshot') as ControllerInput<'captureSnapshot'>;
  const [bundle] = capture.collected ?? [];
  if (bundle === undefined) throw new Error('the backup has no configuration files of any node');
  const known = { cluster, plan: report.plan as RestorePlan, report, approved };
  const controller = controllerInputs(known, {
    settings: (restore.get('chooseGeneration') as ControllerInput<'chooseGeneration'>).settings,
    chosen: (await stepResult(
      client,
      `restore-${cluster}`,
      'chooseGeneration',
    )) as ControllerInput<'makePlan'>['chosen'],
    backupPlan: capture.plan,
    health: capture.health,
    bundle,
  });
  return { ...controller, ...nodeInputs(known), ...sandboxInputs(known) };
}
