import { stringify } from 'yaml';
import { NodeHost } from '../../activities/node/context';
import { clusterOf, hostedNodeOf, parseConfig } from '../../src/config/load';
import { createServiceDriver } from '../../src/host/service/service';

export interface AgentSettings {
  address?: string;
  encryption?: unknown;
  restore?: unknown;
  agentPublicKey?: string;
  /** More of the cluster, such as its method. */
  cluster?: object;
  /** Beside this one. */
  others?: { name: string; agentPublicKey?: string }[];
}

/** The agent of a node whose service is nothing but words; everything that it keeps lies in the directory of the test. */
export function agentHost(inTest: (...segments: string[]) => string, settings: AgentSettings = {}): NodeHost {
  const {
    address = 'http://127.0.0.1:1',
    encryption = 'none',
    restore = {},
    agentPublicKey,
    others = [],
    cluster: more = {},
  } = settings;
  const service = { driver: 'command', start: ['true'], stop: ['true'], status: ['sh', '-c', 'exit 3'] };
  const config = parseConfig(
    stringify({
      clusters: {
        prod: {
          nodes: [
            {
              name: 'vault-1',
              address,
              clusterAddress: '127.0.0.1:2',
              dataDir: inTest('data'),
              stateDir: inTest('state'),
              runtimeDir: inTest('runtime'),
              configFiles: [inTest('etc')],
              service,
              agentPublicKey,
            },
            ...others.map((other, index) => ({
              ...other,
              address: `http://127.0.0.1:${index + 3}`,
              clusterAddress: `127.0.0.2:${index + 3}`,
              dataDir: inTest(`data-of-${other.name}`),
              service,
            })),
          ],
          auth: { method: 'token', token: { file: '/token' } },
          backup: { encryption },
          repositories: ['local'],
          restore: { trust: 'namespace', ...(restore as object) },
          ...more,
        },
      },
      repositories: { local: { type: 'directory', path: inTest('repository') } },
      signing: { publicKeyFile: inTest('signing.pub') },
    }),
    'vault-dr.yaml',
  );
  const cluster = clusterOf(config, 'prod');
  const node = hostedNodeOf(cluster, 'vault-1');
  const driver = createServiceDriver(node);
  const confirmAttempt = () => Promise.resolve({ startedAt: '2026-11-23T04:00:00.000Z' });
  return new NodeHost({
    config,
    clusterName: 'prod',
    cluster,
    node,
    driver,
    confirmAttempt,
    isOver: () => Promise.resolve(false),
  });
}
