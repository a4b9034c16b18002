import { DrError, isDrError } from '../../src/contract/failures';
import { connectToNode } from '../../src/vault/connect-node';
import type { NodeHost } from './context';

const ANSWER_WITHIN_MS = 5_000;

/**
 * Whether the cluster serves without this node, in the word of the other nodes themselves: they are asked at the addresses of this
 * host's own configuration, and need no login for it.
 * @throws DrError ClusterUnhealthy when it does not, or this node leads
 */
export async function assertOthersServe({ deps, node }: NodeHost): Promise<void> {
  const { nodes } = deps.cluster;
  if (nodes.length === 1) return;
  const others = nodes.filter(({ name }) => name !== node.name);
  const needed = Math.floor(nodes.length / 2) + 1;
  const answers = await Promise.all(others.map((other) => ask(deps, other)));
  const well = answers.filter(({ problem }) => problem === null);
  const said = answers.map(({ name, problem }) => `${name} ${problem ?? 'serves'}`).join('; ');
  if (well.length < needed) {
    throw new DrError(
      'ClusterUnhealthy',
      `${node.name} was not stopped for the backup: ${well.length} of the other nodes serve, ${needed} are needed (${said}).`,
      { where: node.name, advice: 'Bring the other nodes back, then start the backup again.' },
    );
  }
  if (well.some(({ active }) => active)) return;
  throw new DrError(
    'ClusterUnhealthy',
    `${node.name} was not stopped for the backup: none of the other nodes leads (${said}).`,
    { where: node.name, advice: `${node.name} may lead itself: let another node lead (\`vault operator step-down\`).` },
  );
}

async function ask(
  { cluster }: NodeHost['deps'],
  other: NodeHost['deps']['cluster']['nodes'][number],
): Promise<{ name: string; active: boolean; problem: string | null }> {
  const { name } = other;
  try {
    const vault = await connectToNode(cluster, other, { timeoutMs: ANSWER_WITHIN_MS });
    try {
      const { initialized, sealed, standby, removedFromCluster } = await vault.health();
      const problem = removedFromCluster
        ? 'was removed from the cluster'
        : !initialized
          ? 'is not initialised'
          : sealed
            ? 'is sealed'
            : null;
      return { name, active: problem === null && !standby, problem };
    } finally {
      await vault.close();
    }
  } catch (error) {
    if (!isDrError(error)) throw error;
    return { name, active: false, problem: `does not answer (${error.message})` };
  }
}
