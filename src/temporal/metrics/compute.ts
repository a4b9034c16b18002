import type { Client } from '@temporalio/client';
import { controllerName, servedElsewhere } from '../../config/controller-name';
import { clusterOf, readPublicKey, repositoryConfigOf } from '../../config/load';
import type { Config } from '../../config/schema';
import { isDrError } from '../../contract/failures';
import { evaluationSamples } from '../../metrics/evaluation';
import { type Sample, seconds, type Source } from '../../metrics/families';
import { readRepository, type RepositoryFacts, repositorySamples } from '../../metrics/repositories';
import { runSamples } from '../../metrics/runs';
import { openRepository } from '../../repository/open';
import { inParallel } from '../../repository/parallel';
import { VERSION } from '../../version';
import { lastEvaluation } from '../readiness';
import { readRuns } from './read-runs';

const CLUSTERS_AT_ONCE = 4;

export interface MetricsSettings {
  config: Config;
  clusters: readonly string[];
  /** Null: Temporal can't be reached. */
  client: Client | null;
  /** Gets what did not answer. */
  onProblem: (problem: string) => void;
  signal: AbortSignal;
}

/** All metrics of these clusters as they are now. What does not answer is left out, and said. */
export async function computeMetrics(settings: MetricsSettings): Promise<Sample[]> {
  const build: Sample = { name: 'vault_dr_build_info', labels: { version: VERSION }, value: 1 };
  const all = await inParallel(settings.clusters, CLUSTERS_AT_ONCE, (cluster) => ofCluster(settings, cluster));
  return [build, ...all.flat()];
}

async function ofCluster(settings: MetricsSettings, cluster: string): Promise<Sample[]> {
  const { config, client } = settings;
  const nodes = clusterOf(config, cluster).nodes.map(({ name }) => name);
  const sources: Partial<Record<Source, () => Promise<Sample[]>>> = {
    repositories: () => ofRepositories(settings, cluster),
    ...(client && {
      runs: async () => runSamples(cluster, await readRuns(client, cluster, nodes), Date.now()),
      evaluation: () => ofEvaluation(client, cluster),
    }),
  };
  const names = ['repositories', 'runs', 'evaluation'] as const;
  const all = await Promise.all(
    names.map(async (source): Promise<Sample[]> => {
      const found = await answer(sources[source]);
      const value = found === null ? NaN : seconds(Date.now());
      return [...(found ?? []), { name: 'vault_dr_computed_timestamp_seconds', labels: { cluster, source }, value }];
    }),
  );
  return all.flat();

  async function answer(ask: (() => Promise<Sample[]>) | undefined): Promise<Sample[] | null> {
    try {
      return ask ? await ask() : null;
    } catch (error) {
      settings.signal.throwIfAborted();
      settings.onProblem(`${cluster}: ${(error as Error).message}`);
      return null;
    }
  }
}

/** Those that this host reaches. */
async function ofRepositories({ config, signal, onProblem }: MetricsSettings, cluster: string): Promise<Sample[]> {
  const publicKey = await readPublicKey(config);
  const facts = new Map<string, RepositoryFacts | null>();
  for (const name of clusterOf(config, cluster).repositories) {
    const place = repositoryConfigOf(config, name);
    if (servedElsewhere(place, controllerName(config)) !== null) continue;
    try {
      const repository = await openRepository(name, place, config.stateDir);
      facts.set(name, await readRepository(repository, { config, cluster, publicKey }, { signal }));
    } catch (error) {
      if (!isDrError(error)) throw error;
      onProblem(`${name}: ${error.message}`);
      facts.set(name, null);
    }
  }
  return repositorySamples(config, cluster, facts, Date.now());
}

/** None if there was no evaluation. */
async function ofEvaluation(client: Client, cluster: string): Promise<Sample[]> {
  try {
    return evaluationSamples(await lastEvaluation(client, cluster));
  } catch (error) {
    if (isDrError(error) && error.code === 'NoSuchRun') return [];
    throw error;
  }
}
