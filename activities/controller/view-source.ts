import type { ClusterConfig, NodeConfig } from '../../src/config/schema';
import { isDrError } from '../../src/contract/failures';
import type { SourceView } from '../../src/plan/live-credentials';
import { connectToNode } from '../../src/vault/connect-node';
import { cancellation, withHeartbeats } from '../heartbeat';
import type { Controller } from './context';

const SOURCE_TIMEOUT_MS = 5_000;

/** Whether the cluster of the generation is running. */
export async function viewSource(controller: Controller, name: string): Promise<SourceView> {
  const cluster = controller.cluster(name);
  return withHeartbeats(`look for ${name}`, async () => {
    const answering = await Promise.all(cluster.nodes.map((node) => answers(cluster, node)));
    return { answering: cluster.nodes.flatMap((node, index) => (answering[index] ? [node.name] : [])) };
  });
}

/** A node with data is running, also if it is sealed or has an error; a blank one is what a loss leaves. */
async function answers(cluster: ClusterConfig, node: NodeConfig): Promise<boolean> {
  const client = await connectToNode(cluster, node, { timeoutMs: SOURCE_TIMEOUT_MS });
  try {
    return (await client.sealStatus()).initialized;
  } catch (error) {
    cancellation().throwIfAborted();
    return !isDrError(error) || error.code !== 'VaultUnavailable';
  } finally {
    await client.close();
  }
}
