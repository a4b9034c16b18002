// What a backup leaves in Temporal's history.
import { json } from '../shared.mjs';

export const usesLab = true;

export async function measure({ lab }) {
  await json(lab, ['backup', '--cluster', 'lab']);
  const { events, bytes } = await historyOf(lab, 'backup-lab');
  return [
    { figure: 'events of a backup', unit: 'events', target: 60, values: [events] },
    { figure: 'history of a backup', unit: 'kB', values: [bytes / 1_000] },
  ];
}

/** Of the latest run of a workflow. */
export async function historyOf(lab, workflowId) {
  const { code, stdout, stderr } = await lab.temporalCli(['workflow', 'describe', '-w', workflowId, '-o', 'json']);
  if (code !== 0) throw new Error(`temporal workflow describe ended with ${code}: ${stdout}${stderr}`);
  const { historyLength, historySizeBytes } = JSON.parse(stdout).workflowExecutionInfo;
  return { events: Number(historyLength), bytes: Number(historySizeBytes) };
}
