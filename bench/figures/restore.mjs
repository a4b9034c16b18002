// A restore over the cluster that serves: from the first stop until all vote, and what it leaves in the history.
import { json, restored } from '../shared.mjs';
import { historyOf } from './history.mjs';

export const usesLab = true;

export async function measure({ lab }) {
  const { generation } = await json(lab, ['backup', '--cluster', 'lab']);
  const { stopToAllSeconds, machineSeconds } = await restored(lab, generation);
  const { events, bytes } = await historyOf(lab, 'restore-lab');
  return [
    {
      figure: 'restore, first stop to all voters',
      unit: 's',
      values: [stopToAllSeconds],
    },
    { figure: 'restore, whole machine time', unit: 's', values: [machineSeconds] },
    { figure: 'events of a restore', unit: 'events', target: 250, values: [events] },
    { figure: 'history of a restore', unit: 'kB', values: [bytes / 1_000] },
  ];
}
