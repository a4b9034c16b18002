import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNodeActivities, type NodeActivities } from '../../activities/node';
import { clusterOf, hostedNodeOf, nodeOf, parseConfig } from '../../src/config/load';
import type { ClusterConfig } from '../../src/config/schema';
import type { RunClaim } from '../../src/contract/recovery';
import { encryptArmored } from '../../src/crypto/age';
import { createServiceDriver } from '../../src/host/service/service';
import type { ServiceDriver } from '../../src/host/service/service-driver';
import { claimPortBlock, type PortBlock } from '../../src/lab/free-ports';
import { ensureServers } from '../../src/lab/servers/servers';
import { serializeManifest } from '../../src/repository/manifest';
import { VaultClient } from '../../src/vault/client';
import { connectLocally } from '../../src/vault/connect-node';
import { askingRun, restoreEnvironment } from './activity-environment';
import { sampleManifest } from './generation';
import { bootstrap, eventually } from './vault-node';

export const RUN: RunClaim = {
  run: '019ab3c4-0000-7000-8000-000000000001',
  cluster: 'prod',
  startedAt: '2026-11-23T04:00:00Z',
};
export const NEWER_RUN: RunClaim = {
  ...RUN,
  run: '019ab3c4-0000-7000-8000-000000000002',
  startedAt: '2026-11-23T05:00:00Z',
};
const OLDER_RUN: RunClaim = { ...RUN, run: '019ab3c4-0000-7000-8000-000000000003', startedAt: '2026-11-23T03:00:00Z' };

/** Two of three open it. */
const SHARES = { secretShares: 3, secretThreshold: 2 };

export const quietEnvironment = (run = RUN) => restoreEnvironment(run.run);

/** As Temporal says it of the run that asks. */
function confirmAttempt(): Promise<{ startedAt: string }> {
  const asking = [RUN, NEWER_RUN, OLDER_RUN].find(({ run }) => run === askingRun());
  return Promise.resolve({ startedAt: asking?.startedAt ?? '' });
}

interface Parts {
  directory: string;
  dataDir: string;
  driver: ServiceDriver;
  vault: VaultClient;
  activities: NodeActivities;
  cluster: ClusterConfig;
}

/** The steps of an agent on one node, whose Vault is real; a new node for each test. No run is behind these steps. */
export function useAgent() {
  let ports: PortBlock | undefined;
  let program = '';
  let made: Parts | undefined;
  const parts = (): Parts => {
    if (made) return made;
    throw new Error('The agent is there only while tests run.');
  };

  beforeAll(async () => {
    ({ vault: program } = await ensureServers());
    ports = await claimPortBlock();
  });
  afterAll(() => ports?.release());
  beforeEach(async () => {
    made = await makeNode(program, ports?.ports ?? []);
  });
  afterEach(async () => {
    await parts().driver.stop();
    await parts().vault.close();
    await rm(parts().directory, { recursive: true, force: true });
  });

  /** Runs a step as a worker does. */
  const step = <T>(work: () => Promise<T>, run = RUN): Promise<T> => quietEnvironment(run).run(work);
  const claim = (run = RUN) => step(() => parts().activities.claimForRun({ claim: run, approved: null }), run);
  const stop = (run = RUN) => step(() => parts().activities.stopNode({ claim: run }), run);
  const setAside = (run = RUN) =>
    step(() => parts().activities.setAsideData({ claim: run, how: 'rename', otherCluster: false }), run);

  /** Blank, as an operator makes it. */
  async function setUpDataDirectory(): Promise<void> {
    await claim(OLDER_RUN);
    await setAside(OLDER_RUN);
  }

  /** A Vault with data, unsealed. */
  async function begin(): Promise<{ keys: string[]; rootToken: string }> {
    await setUpDataDirectory();
    await parts().driver.start();
    return bootstrap(parts().vault, SHARES);
  }

  async function restart(end: () => Promise<void>): Promise<void> {
    await end();
    await parts().driver.start();
    await eventually('an answer', () => parts().vault.sealStatus());
  }

  return {
    get directory() {
      return parts().directory;
    },
    get dataDir() {
      return parts().dataDir;
    },
    get driver() {
      return parts().driver;
    },
    get vault() {
      return parts().vault;
    },
    get activities() {
      return parts().activities;
    },
    step,
    claim,
    stop,
    setAside,
    setUpDataDirectory,
    /** Another node of the cluster, as the configuration has it. */
    knows: (address: string) =>
      parts().cluster.nodes.push({ ...nodeOf(parts().cluster, 'vault-1'), name: 'vault-2', address }),
    describeNode: () => step(() => parts().activities.describeNode()),
    /** A Vault with data, unsealed. @returns its shares; two of three open it. */
    startWithData: async (): Promise<string[]> => (await begin()).keys,
    /** A Vault with data, sealed. @returns its shares. */
    async startSealed(): Promise<string[]> {
      const { keys } = await begin();
      await restart(() => parts().driver.stop());
      return keys;
    },
    /** Vault dies by SIGKILL, and is started again a second later, as by its service manager. */
    crash: () => restart(() => kill(parts())),
    /** Freezes Vault, as if it hung. @returns resumes it. */
    async freeze(): Promise<() => void> {
      const pid = await pidOf(parts());
      process.kill(pid, 'SIGSTOP');
      return () => process.kill(pid, 'SIGCONT');
    },
    envelopeOf: async (text: string): Promise<string> => encryptArmored(text, [(await claim()).recipient]),
    /** A snapshot of a Vault with data, where a run finds it. @returns the shares that belong to it. */
    async stageSnapshot(): Promise<string[]> {
      const { keys, rootToken: token } = await begin();
      const client = new VaultClient({ node: 'vault-1', address: parts().vault.address }, { token });
      const bytes = await buffer((await client.snapshot()).body);
      await client.close();
      const draft = sampleManifest(bytes, {
        seal: { type: 'shamir', ...SHARES },
        encryption: { method: 'none', recipients: [] },
      });
      const runDirectory = join(parts().directory, 'state', 'runs', RUN.run);
      await mkdir(runDirectory, { recursive: true });
      await writeFile(join(runDirectory, draft.stored.file), bytes);
      await writeFile(join(runDirectory, 'manifest.json'), serializeManifest(draft));
      return keys;
    },
  };
}

async function makeNode(program: string, [port, clusterPort]: readonly number[]): Promise<Parts> {
  const directory = await mkdtemp(join(tmpdir(), 'vault-dr-agent-'));
  const dataDir = join(directory, 'data');
  const address = `http://127.0.0.1:${port}`;
  const vaultConfig = {
    storage: { raft: { path: dataDir, node_id: 'vault-1', performance_multiplier: 1 } },
    listener: { tcp: { address: `127.0.0.1:${port}`, cluster_address: `127.0.0.1:${clusterPort}`, tls_disable: true } },
    api_addr: address,
    cluster_addr: `https://127.0.0.1:${clusterPort}`,
    disable_mlock: true,
  };
  await writeFile(join(directory, 'vault.json'), JSON.stringify(vaultConfig));
  const node = {
    name: 'vault-1',
    address,
    clusterAddress: `127.0.0.1:${clusterPort}`,
    dataDir,
    stateDir: join(directory, 'state'),
    runtimeDir: join(directory, 'runtime'),
    service: { driver: 'process', command: [program, 'server', '-config', join(directory, 'vault.json')] },
  };
  const config = parseConfig(
    JSON.stringify({
      clusters: {
        prod: {
          nodes: [node],
          auth: { method: 'token', token: { env: 'NONE' } },
          repositories: ['local'],
          restore: { trust: 'namespace' },
        },
      },
      repositories: { local: { type: 'directory', path: join(directory, 'repository') } },
      signing: { publicKeyFile: join(directory, 'signing.pub') },
    }),
    'vault-dr.yaml',
  );
  const cluster = clusterOf(config, 'prod');
  const parsed = hostedNodeOf(cluster, 'vault-1');
  const driver = createServiceDriver(parsed);
  return {
    directory,
    dataDir,
    driver,
    cluster,
    vault: await connectLocally(cluster, parsed),
    activities: createNodeActivities({
      config,
      clusterName: 'prod',
      cluster,
      node: parsed,
      driver,
      confirmAttempt,
      isOver: () => Promise.resolve(false),
    }),
  };
}

async function pidOf({ directory }: Parts): Promise<number> {
  const [pid] = (await readFile(join(directory, 'state', 'vault.pid'), 'utf8')).split(' ');
  return Number(pid);
}

async function kill(parts: Parts): Promise<void> {
  const { driver } = parts;
  process.kill(await pidOf(parts), 'SIGKILL');
  await eventually('the end of Vault', async () => ((await driver.status()) === 'stopped' ? true : null));
  await sleep(1_000);
}
