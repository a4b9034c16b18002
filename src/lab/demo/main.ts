import { writeFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import { CommanderError } from 'commander';
import { style } from '../../terminal';
import { isDrError } from '../../contract/failures';
import { formatSeconds } from '../../contract/format';
import { recoveryHandle } from '../../temporal/runs';
import { type Before, loseEverything } from './before';
import { checkRecovery, nothingIsLeft } from './checks';
import { type DemoOptions, parseDemoOptions } from './options';
import { recover } from './recovery';
import {
  checksList,
  demoReport,
  measured,
  type Measurements,
  noMeasurements,
  restoreSteps,
  secondsBetween,
  stepsTable,
} from './report';
import { createStory, type Story } from './story';
import { type Lab, startLab } from '../lab';
import { CLUSTER } from '../layout';

async function main(): Promise<void> {
  let options: DemoOptions;
  try {
    options = parseDemoOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return;
  }
  const story = createStory();
  endOnSignals(story);
  const measurements = noMeasurements();
  await orBreakOff(story, measurements, () => present(story, measurements, options.keep));
  const report = demoReport(measurements);
  if (options.report !== undefined) await writeFile(options.report, `${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = report.ok ? 0 : 1;
}

async function present(story: Story, measurements: Measurements, keep: boolean): Promise<void> {
  story.chapter('A real cluster on this machine: three Vault nodes with their agents, a controller, Temporal and S3');
  const { steps, checks } = measurements;
  const lab = await measured(steps, 'start the lab', () => startLab({ onStep: (text) => story.say(text) }));
  await orBreakOff(story, measurements, async () => {
    const before = await loseEverything(lab, story, measurements);
    await restoreAndCheck(lab, before, story, measurements);
  });
  if (keep) {
    await lab.keep();
  } else {
    await lab.stop();
    checks.push(await nothingIsLeft(lab));
  }
  summarise(story, measurements);
  if (keep) story.say(`\n${whatNext(lab)}`);
  else if (measurements.problem !== null)
    story.say('\nWith --keep the lab keeps running, so that you can inspect its logs.');
}

async function orBreakOff(story: Story, measurements: Measurements, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    measurements.problem = explain(error);
    story.trouble(`\nThe demo failed. ${measurements.problem}`);
  }
}

async function restoreAndCheck(lab: Lab, before: Before, story: Story, measurements: Measurements): Promise<void> {
  const { steps, checks } = measurements;
  const connection = await Connection.connect({ address: lab.temporal.address });
  try {
    const client = new Client({ connection });
    const report = await recover(lab, client, story);
    measurements.restore = report;
    measurements.rpoSeconds =
      report.plan && 'capturedAt' in report.plan ? secondsBetween(report.plan.capturedAt, before.destroyedAt) : null;
    steps.push(...restoreSteps(report));
    story.chapter('What was restored, and what is lost');
    story.say('Reading every secret through every node …');
    const history = await recoveryHandle(client, CLUSTER).fetchHistory();
    const { transcript } = story;
    checks.push(...(await measured(steps, 'check', () => checkRecovery({ lab, before, report, history, transcript }))));
  } finally {
    await connection.close();
  }
}

function summarise(story: Story, { steps, checks, restore, rpoSeconds }: Measurements): void {
  story.say(checksList(checks));
  story.chapter('The numbers');
  story.say(stepsTable(steps));
  if (!restore || rpoSeconds === null) return;
  story.say(
    [
      '',
      `RTO  ${formatSeconds(restore.rtoSeconds)} = ${formatSeconds(restore.rtoMachineSeconds)} machine time + ${formatSeconds(restore.rtoHumanSeconds)} waiting for people`,
      `RPO  ${formatSeconds(rpoSeconds)} from the backup to the disaster (${formatSeconds(restore.rpoSeconds ?? 0)} to the plan)`,
    ].join('\n'),
  );
  const failed = checks.filter((check) => !check.ok).length;
  story.say(
    failed === 0
      ? style('green', `\nAll ${checks.length} checks passed.`)
      : style('red', `\n${failed} of ${checks.length} checks failed.`),
  );
}

function whatNext(lab: Lab): string {
  return [
    `Everything keeps running. Temporal's UI, with the whole history of the restore: ${lab.temporal.uiUrl}`,
    'To continue, in this directory:',
    `  export VAULT_DR_CONFIG=${lab.configFile} TEMPORAL_ADDRESS=${lab.temporal.address}`,
    `  node bin/vault-dr.js status --cluster ${CLUSTER}`,
    `  node bin/vault-dr.js generations list --cluster ${CLUSTER}`,
    `  node bin/vault-dr.js backup --cluster ${CLUSTER}`,
    `  node bin/vault-dr.js restore --cluster ${CLUSTER}`,
    `The unseal shares and the root token are in ${lab.directory}/lab.json. To stop everything:`,
    `  node bin/vault-dr.js lab down ${lab.directory}`,
  ].join('\n');
}

/** The lab ends with this process. */
function endOnSignals(story: Story): void {
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      story.trouble('\nInterrupted. Stopping everything that the demo started.');
      process.exit(exitCode);
    });
  }
}

function explain(error: unknown): string {
  if (isDrError(error)) return [error.message, error.advice].filter(Boolean).join('\n');
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

void main();
