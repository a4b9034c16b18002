// What controller and agents keep in memory, idle and in a backup of nearly nothing and of --size.
import { setTimeout as sleep } from 'node:timers/promises';
import { forgetPeak, json, resident } from '../shared.mjs';

/** Until the first round of background tasks is over, and the heap has shrunk. */
const SETTLED_MS = 15_000;

export const usesLab = true;

export async function measure({ lab }) {
  await sleep(SETTLED_MS);
  const agents = Object.values(lab.agents);
  const idle = resident(lab.controller.pid);
  const agentsIdle = agents.map(({ pid }) => resident(pid));
  for (const { pid } of [lab.controller, ...agents]) forgetPeak(pid);
  await json(lab, ['backup', '--cluster', 'lab']);
  return [
    { figure: 'memory of an idle controller', unit: 'MiB', target: 130, values: [idle] },
    {
      figure: 'memory of a controller in a small backup, peak',
      unit: 'MiB',
      target: 180,
      values: [peakOf(lab.controller)],
    },
    { figure: 'memory of an idle agent', unit: 'MiB', target: 90, values: agentsIdle },
    { figure: 'memory of an agent in a small backup, peak', unit: 'MiB', target: 90, values: agents.map(peakOf) },
  ];
}

function peakOf({ pid }) {
  return resident(pid, 'VmHWM');
}
