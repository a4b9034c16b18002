import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { z } from 'zod';
import type { configSchema } from '../../src/config/schema';
import type { Lab } from '../../src/lab/lab';
import type { LabCluster } from '../../src/lab/lab-cluster';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';

export interface SealStatus {
  type: string;
  sealed: boolean;
  initialized: boolean;
  t: number;
  n: number;
  cluster_id: string;
  cluster_name: string;
}

export async function sealStatus(cluster: LabCluster, node: string): Promise<SealStatus> {
  return (await cluster.vault(node, 'GET', 'sys/seal-status')).body as SealStatus;
}

/** The node that says that it leads. */
export async function leaderOf(cluster: LabCluster): Promise<string> {
  for (const { name } of cluster.nodes) {
    const { body } = await cluster.vault(name, 'GET', 'sys/leader');
    if ((body as { is_self?: boolean }).is_self) return name;
  }
  throw new Error('nobody leads');
}

/** Names of the voters, as a node knows them. */
export async function votersOf(cluster: LabCluster, node: string): Promise<string[]> {
  const { body } = await cluster.vault(node, 'GET', 'sys/storage/raft/configuration');
  const { data } = body as { data: { config: { servers: { node_id: string; voter: boolean }[] } } };
  return data.config.servers
    .filter(({ voter }) => voter)
    .map(({ node_id: id }) => id)
    .toSorted();
}

/** Until autopilot finds nothing wrong, which takes it seconds after the last node has joined, and more on a busy machine. */
export async function untilHealthy(cluster: LabCluster): Promise<void> {
  const node = cluster.nodes[0]?.name ?? '';
  const isHealthy = async () => {
    const { status, body } = await cluster.vault(node, 'GET', 'sys/storage/raft/autopilot/state');
    if (status !== 200) return false;
    const { healthy, voters } = (body as { data: { healthy: boolean; voters: string[] } }).data;
    return healthy && voters.length === cluster.nodes.length;
  };
  await waitFor('autopilot has healthy voters', isHealthy, { timeoutMs: 60_000, everyMs: 200 });
}

export const valuesOf = (cluster: LabCluster, secrets: SampleSecret[], node?: string) =>
  Promise.all(secrets.map(({ path }) => cluster.readSecret(path, node)));

export async function untilReadable(cluster: LabCluster, { path, value }: SampleSecret, node: string): Promise<void> {
  await waitFor(`${node} serves ${path}`, async () => (await cluster.readSecret(path, node)) === value, {
    timeoutMs: 40_000,
  });
}

/** What a run left beside the data directories. */
export async function leftBeside(cluster: LabCluster): Promise<string[]> {
  const found = await Promise.all(
    cluster.nodes.map(async ({ dataDir }) =>
      (await readdir(dirname(dataDir)))
        .filter((name) => name.startsWith(`${basename(dataDir)}.`))
        .map((name) => join(dirname(dataDir), name)),
    ),
  );
  return found.flat();
}

export type RawConfig = z.input<typeof configSchema>;

/** Changes the configuration as an operator does: the file, then a restart of all that reads it. @returns it as it was. */
export async function reconfigure(
  lab: Lab,
  change: (config: RawConfig) => void,
  { without = [] }: { without?: string[] } = {},
): Promise<RawConfig> {
  const text = await readFile(lab.configFile, 'utf8');
  const config = parse(text) as RawConfig;
  change(config);
  await writeFile(lab.configFile, stringify(config));
  const agents = Object.entries({ ...lab.agents, ...lab.staging?.agents });
  const all = [lab.controller, ...agents.map(([, agent]) => agent)];
  await Promise.all(all.map((item) => item.stop()));
  const wanted = agents.filter(([name]) => !without.includes(name)).map(([, agent]) => agent);
  await Promise.all([lab.controller, ...wanted].map((item) => item.start()));
  return parse(text) as RawConfig;
}
