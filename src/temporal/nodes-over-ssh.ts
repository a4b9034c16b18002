import type { Client } from '@temporalio/client';
import { isHosted } from '../config/load';
import type { Config } from '../config/schema';
import { nodeTaskQueue } from '../contract/names';
import { NODE_INPUTS } from '../contract/step-input/node';
import type { ClaimedHosts } from '../ssh/claimed-hosts';
import { isOverSsh, type NodeOverSsh } from '../ssh/command';
import { createRemoteNodeSteps } from '../ssh/node-steps';
import { confirmAttempt, isRecoveryOver } from './current-attempt';
import { NODE_POLLS, type QueueOptions } from './run-worker';

interface ServedNode {
  cluster: string;
  node: NodeOverSsh;
}

/** Those of which is known where Vault is; the others can't be recovered yet. */
export function nodesOverSsh({ clusters }: Config): ServedNode[] {
  return Object.entries(clusters).flatMap(([cluster, { nodes }]) =>
    nodes.filter((node) => isHosted(node)).flatMap((node) => (isOverSsh(node) ? [{ cluster, node }] : [])),
  );
}

/** The queue of a node without an agent. */
export function remoteQueue({ cluster, node }: ServedNode, client: Client, claimed: ClaimedHosts): QueueOptions {
  const steps = createRemoteNodeSteps({
    cluster,
    node,
    confirmAttempt: () => confirmAttempt(client, node.name),
    isOver: (run) => isRecoveryOver(client, cluster, run, node.name),
    onClaim: (run) => claimed.add({ cluster, node: node.name, run }),
  });
  return { inputs: NODE_INPUTS, taskQueue: nodeTaskQueue(cluster, node.name), ...NODE_POLLS, activities: steps };
}
