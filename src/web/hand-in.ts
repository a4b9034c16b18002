import { drillWorkflowId, MESSAGE, recoveryWorkflowId, rollCallWorkflowId, secretWorkflowId } from '../contract/names';
import type { RecipientList, SharePurpose } from '../contract/recipients';
import { shellWord } from '../contract/shell-word';

export interface HandIn {
  /** For a colleague with the envelope in a file. */
  vaultDr: string;
  /** For one with the message in a file. */
  temporal: string;
  workflowId: string;
  /** Name of the update, and of the signal. */
  name: string;
  /** Input of the update: JSON. */
  message: string;
}

const WORKFLOW_ID: Record<SharePurpose, (cluster: string) => string> = {
  restore: recoveryWorkflowId,
  drill: drillWorkflowId,
  'roll-call': rollCallWorkflowId,
  recover: secretWorkflowId,
};

const ANYBODY = 'YOUR NAME';

/** How an envelope reaches its run, by each door. */
export function handIn({ cluster, purpose }: RecipientList, holder: string, envelope: string): HandIn {
  const workflowId = WORKFLOW_ID[purpose](cluster);
  const name = holder.trim() || ANYBODY;
  const sandbox = purpose === 'restore' ? [] : [`--${purpose}`];
  const words = ['vault-dr', 'unseal', '--cluster', cluster, ...sandbox, '--as', name, '--envelope', 'envelope.txt'];
  return {
    vaultDr: words.map(shellWord).join(' '),
    temporal: `temporal workflow update execute --workflow-id ${workflowId} --name ${MESSAGE.submitShare} --input-file message.json`,
    workflowId,
    name: MESSAGE.submitShare,
    message: JSON.stringify({ holder: name, share: envelope }),
  };
}
