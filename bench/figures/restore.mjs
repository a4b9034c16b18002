// A restore over the cluster that serves: from the first stop until all vote, and what it leaves in the history.
import { createRequire } from 'node:module';
import { json } from '../shared.mjs';
import { historyOf } from './history.mjs';

const require = createRequire(import.meta.url);

export const usesLab = true;

export async function measure({ lab }) {
  const { restoreDriver } = require('../../dist/test/support/restore-driver.js');
  const { generation } = await json(lab, ['backup', '--cluster', 'lab']);
  const driver = restoreDriver(lab);
  await driver.start('--generation', generation, '--accept', 'lose-newer-data');
  await driver.approve();
  const { status, phases, rtoMachineSeconds } = await driver.result();
  if (status !== 'completed') throw new Error(`the restore is ${status}`);
  const at = (phase, edge) => Date.parse(phases.find((item) => item.phase === phase)[edge]);
  const { events, bytes } = await historyOf(lab, 'restore-lab');
  return [
    {
      figure: 'restore, first stop to all voters',
      unit: 's',
      values: [(at('converge', 'finishedAt') - at('stop', 'startedAt')) / 1_000],
    },
    { figure: 'restore, whole machine time', unit: 's', values: [rtoMachineSeconds] },
    { figure: 'events of a restore', unit: 'events', target: 250, values: [events] },
    { figure: 'history of a restore', unit: 'kB', values: [bytes / 1_000] },
  ];
}
