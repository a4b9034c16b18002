import { createHash } from 'node:crypto';
import { DrError } from '../src/contract/failures';
import type { GenerationCopy } from '../src/contract/generation';
import { judgePlan, type NodeLook } from '../src/contract/plan';
import type { ChosenGeneration, RestorePlan, RestoreSettings } from '../src/contract/restore';
import { type RepositoryView, verifyChain } from '../src/repository/chain';
import { listGenerations, verifyCopy } from '../src/repository/generations';
import { meaningOf, readMarks } from '../src/repository/marks';
import { checkCanary } from '../src/vault/canary';
import type { VaultClient } from '../src/vault/client';
import { beatBytes, cancellation, whileBeating } from './context';
import type { Controller } from './controller-context';
import { pollUntil } from './poll';

/** What the run needs of the configuration, read once. */
export async function planRestore(controller: Controller, input: { cluster: string }): Promise<RestoreSettings> {
  const cluster = controller.cluster(input.cluster);
  return {
    cluster: input.cluster,
    nodes: cluster.nodes.map(({ name, nodeId, address, clusterAddress, dataDir }) => ({
      name,
      nodeId: nodeId ?? name,
      address,
      clusterAddress,
      dataDir,
    })),
    repositories: cluster.repositories,
    approvals: cluster.restore.approvals,
    reminders: cluster.restore.reminders,
  };
}

/**
 * Finds the generation and reads every copy of it end to end.
 * @throws DrError NoGeneration or UnknownGeneration that names what there is.
 */
export async function chooseGeneration(
  controller: Controller,
  input: { settings: RestoreSettings; generation: string; asOf: string | null },
): Promise<ChosenGeneration> {
  const { settings, generation, asOf } = input;
  const { copies, problems } = await whileBeating('list', () => listEverywhere(controller, settings));
  const candidates = newestFirst(copies).filter(
    (id) => (generation === 'latest' || id === generation) && (asOf === null || capturedBefore(copies, id, asOf)),
  );
  if (candidates.length === 0) throw nothingFound(settings.cluster, copies, problems, generation, asOf);
  for (const id of candidates) {
    const ofThis = copies.filter((copy) => copy.generation === id);
    const healthy: GenerationCopy[] = [];
    for (const copy of ofThis) {
      try {
        const repository = await controller.repository(copy.repository);
        await verifyCopy(repository, copy, {
          signal: cancellation(),
          onProgress: beatBytes(`hash ${copy.repository}`),
        });
        healthy.push(copy);
      } catch (error) {
        cancellation().throwIfAborted();
        problems.push({ repository: copy.repository, problem: `${id}: ${(error as Error).message}` });
      }
    }
    const [copy] = healthy;
    if (!copy) continue;
    const same = healthy.filter((item) => item.manifestSha256 === copy.manifestSha256);
    return { copy, healthy: same.map((item) => item.repository), problems };
  }
  throw new DrError(
    'CopyDamaged',
    `No copy of ${candidates.length === 1 ? candidates[0] : 'any generation'} could be read whole: ${problems
      .map(({ repository, problem }) => `${repository}: ${problem}`)
      .join('; ')}`,
    { advice: 'Choose another generation (`vault-dr generations list`), or mend the repository.' },
  );
}

/** Judges what was found; the hash binds an approval to exactly this plan. */
export async function makePlan(
  _controller: Controller,
  input: { settings: RestoreSettings; chosen: ChosenGeneration; reports: NodeLook[] },
): Promise<{ plan: RestorePlan; planHash: string }> {
  const { settings, chosen, reports } = input;
  const { refusals, plan } = judgePlan({ settings, chosen, looks: reports, now: new Date().toISOString() });
  if (plan === null) {
    throw new DrError('PlanRefused', `Reasons against it:\n${refusals.map((reason) => `  - ${reason}`).join('\n')}\n`, {
      advice: 'Mend them, then start the restore again.',
    });
  }
  return { plan, planHash: createHash('sha256').update(JSON.stringify(plan)).digest('hex') };
}

/** The first node, alone: its own peer, the snapshot's cluster id and N/T, and a login that works. */
export async function verifyFirstNode(controller: Controller, input: { plan: RestorePlan }): Promise<void> {
  const { plan } = input;
  const first = plan.nodes.find((node) => node.name === plan.firstNode);
  await whileBeating('verify', () =>
    pollUntil(
      `${plan.firstNode} to serve the restored data`,
      {
        timeoutMs: 120_000,
        signal: cancellation(),
        where: plan.firstNode,
        advice: `Read Vault's log on ${plan.firstNode}.`,
      },
      () =>
        controller.withLogin(plan.cluster, plan.firstNode, async (vault) => {
          const [status, configuration] = await Promise.all([vault.sealStatus(), vault.raftConfiguration()]);
          const peers = configuration.map((peer) => peer.nodeId);
          const differences = [
            ...differs('cluster id', status.clusterId, plan.clusterId),
            ...differs('shares', status.n, plan.seal.secretShares),
            ...differs('threshold', status.t, plan.seal.secretThreshold),
            ...differs('peers', peers.join(), first?.nodeId ?? ''),
          ];
          if (differences.length > 0) throw new Error(differences.join('; '));
          await proveCanary(vault, plan);
          return true;
        }),
    ),
  );
}

async function proveCanary(vault: VaultClient, { canary, capturedAt, rpoSeconds }: RestorePlan): Promise<void> {
  if (canary) await checkCanary(vault, canary, new Date(Date.parse(capturedAt) + rpoSeconds * 1_000));
}

/** Every node unsealed, of one version and cluster; all of them voters; autopilot healthy; a read through each. */
export async function checkConvergence(
  controller: Controller,
  input: { plan: RestorePlan; nodes: string[] },
): Promise<void> {
  const { plan, nodes } = input;
  const expected = plan.nodes
    .filter((node) => nodes.includes(node.name))
    .map((node) => node.nodeId)
    .sort();
  await whileBeating('converge', () =>
    pollUntil(
      `${nodes.join(', ')} to be healthy voters`,
      {
        timeoutMs: 240_000,
        intervalMs: 500,
        signal: cancellation(),
        advice: 'Look at `vault operator raft list-peers` and at the logs of the node that lags.',
      },
      async () => {
        const views = await Promise.all(nodes.map((node) => viewThrough(controller, plan, node)));
        const differences = views.flatMap((view) => [
          ...differs(`${view.node}: cluster id`, view.clusterId, plan.clusterId),
          ...differs(`${view.node}: version`, view.version, views[0]?.version),
          ...differs(`${view.node}: shares`, view.n, plan.seal.secretShares),
          ...differs(`${view.node}: threshold`, view.t, plan.seal.secretThreshold),
          ...differs(`${view.node}: removed from the cluster`, view.removed, false),
          ...differs(`${view.node}: voters`, view.voters.join(), expected.join()),
          ...differs(`${view.node}: autopilot healthy`, view.healthy, true),
        ]);
        if (differences.length > 0) throw new Error(differences.join('; '));
        return true;
      },
    ),
  );
}

async function viewThrough(controller: Controller, plan: RestorePlan, node: string) {
  return controller.withLogin(plan.cluster, node, async (vault) => {
    const [status, configuration, autopilot] = await Promise.all([
      vault.sealStatus(),
      vault.raftConfiguration(),
      vault.autopilotState(),
    ]);
    await proveCanary(vault, plan);
    return {
      node,
      clusterId: status.clusterId,
      version: status.version,
      n: status.n,
      t: status.t,
      removed: status.removedFromCluster,
      voters: configuration
        .filter((peer) => peer.voter)
        .map((peer) => peer.nodeId)
        .sort(),
      healthy: autopilot.healthy,
    };
  });
}

async function listEverywhere(controller: Controller, settings: RestoreSettings) {
  const publicKey = await controller.publicKey();
  const problems: ChosenGeneration['problems'] = [];
  const views: RepositoryView[] = [];
  for (const name of settings.repositories) {
    try {
      const repository = await controller.repository(name);
      const listing = await listGenerations(repository, settings.cluster, publicKey);
      const { tombstones } = meaningOf((await readMarks(repository, settings.cluster, publicKey)).marks);
      views.push({ repository: name, ...listing, tombstones });
      problems.push(
        ...listing.unreadable.map(({ generation, problem }) => ({
          repository: name,
          problem: `${generation}: ${problem}`,
        })),
      );
    } catch (error) {
      cancellation().throwIfAborted();
      problems.push({ repository: name, problem: (error as Error).message });
    }
  }
  problems.push(...chainProblems(settings.cluster, views));
  return { copies: views.flatMap((view) => view.copies), problems };
}

/** What can't be read is told of its repository already. */
function chainProblems(cluster: string, views: RepositoryView[]): ChosenGeneration['problems'] {
  return verifyChain(cluster, views)
    .filter(({ kind, severity }) => severity === 'problem' && kind !== 'unreadable')
    .map(({ kind, generation, text }) => ({
      repository: 'chain of generations',
      problem: `${generation} (${kind}) ${text}`,
    }));
}

function newestFirst(copies: GenerationCopy[]): string[] {
  return [...new Set(copies.map((copy) => copy.generation))].sort().reverse();
}

function capturedBefore(copies: GenerationCopy[], id: string, asOf: string): boolean {
  return copies.some((copy) => copy.generation === id && Date.parse(copy.manifest.capturedAt) <= Date.parse(asOf));
}

function nothingFound(
  cluster: string,
  copies: GenerationCopy[],
  problems: ChosenGeneration['problems'],
  generation: string,
  asOf: string | null,
): DrError {
  const wanted = generation === 'latest' ? (asOf === null ? 'any' : `any from ${asOf} or before`) : `'${generation}'`;
  const ids = newestFirst(copies);
  const there = ids.length === 0 ? 'There is none at all.' : `The newest are: ${ids.slice(0, 5).join(', ')}.`;
  const trouble = problems.map(({ repository, problem }) => ` ${repository}: ${problem}.`).join('');
  const unreachable = ids.length === 0 && problems.length > 0;
  return new DrError(
    'UnknownGeneration',
    `No generation of '${cluster}' was found (wanted: ${wanted}). ${there}${trouble}`,
    {
      advice: 'See `vault-dr generations list`.',
      retryable: unreachable,
    },
  );
}

function differs(what: string, actual: unknown, wanted: unknown): string[] {
  return actual === wanted ? [] : [`${what} is ${JSON.stringify(actual)}, expected ${JSON.stringify(wanted)}`];
}
