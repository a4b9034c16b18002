import { isCancellation, patched } from '@temporalio/workflow';
import { type RestoreInput, restoreInput } from '../src/contract/input';
import { formatTime } from '../src/contract/format';
import type { RestorePlan } from '../src/contract/plan';
import type { RecoveryReport } from '../src/contract/recovery';
import { approvedPlan } from './run/approvals';
import { recordRequester } from './run/journal';
import { quick } from './run/quick-steps';
import { controller } from './run/steps';
import { parseOrFail, problemOf } from './run/problems';
import { received } from './run/handover';
import { agree, firstPlan, type Planned } from './run/planning';
import { Recovery } from './run/recovery';
import { rollBack } from './run/roll-back';

/**
 * Restores a cluster from a generation. Input: `{"cluster":"prod","requestedBy":"ana"}`, and optionally `generation`,
 * `asOf`, `into`, `inPlace`, `drill`, `quiet`, `planOnly` and `accept`. Its id must be `restore-<cluster that is changed>`:
 * Temporal allows one open run per id, and that is the lock.
 */
export async function restoreCluster(raw: unknown, handover?: unknown): Promise<RecoveryReport> {
  const input = parseOrFail(restoreInput, raw, '{"cluster":"prod","requestedBy":"your name"}');
  const method = input.inPlace ? 'inPlace' : 'snapshot';
  const recovery = new Recovery(input.into ?? input.cluster, input.requestedBy, method, received(handover));
  const { run, state, journal, identities, unsealing, serving } = recovery;

  return recovery.execute(raw, async () => {
    if (handover === undefined) recordRequester(journal, input.requestedBy, input.identity);
    const first = await firstPlan(recovery, makePlan);
    if (input.planOnly) return recovery.planned();
    const plan = await agree(recovery, first, makePlan, stage);
    if (plan.method === 'inPlace') return recovery.change(() => restoreInPlace(plan));
    recovery.undo = () => mark('rolled back', plan, 'markRolledBack');
    return recovery.change(() => restore(plan), rollBack);
  });

  async function restore(plan: RestorePlan): Promise<RecoveryReport> {
    const { firstNode } = plan;

    await recovery.phase('stop', () => recovery.stop(state.activeNodes));

    await recovery.phase('setAside', () =>
      plan.archive === 'consul' ? recovery.saveConsul(firstNode) : recovery.setDataAside(state.activeNodes, plan),
    );

    // Of a snapshot: blank start, throwaway keys with its N and T, snapshot, restart. A data directory as it is. The others stay down.
    await recovery.phase('install', async () => {
      state.node(firstNode, 'installing');
      await install(plan, () => installArchive(plan));
      state.node(firstNode, 'sealed');
    });

    await recovery.phase('unseal', async () => {
      const grace = plan.leaseGraceMinutes !== undefined && patched('lease-grace') ? plan.leaseGraceMinutes : undefined;
      await unsealing.unseal(firstNode, undefined, grace);
      unsealing.keepOpen(firstNode);
    });

    await recovery.phase('verify', async () => {
      if (plan.quiet) await goLive(plan);
      await verify(plan);
    });

    await recovery.phase('join', () => recovery.joining.joinOthers(plan));

    await recovery.phase('converge', () => recovery.joining.converge(plan));
    return finish(plan);
  }

  function installArchive({ firstNode, archive, quiet }: RestorePlan): Promise<void> {
    const { installSnapshot, installFiles, installConsul } = recovery.steps(firstNode);
    const install = { raft: installSnapshot, filesystem: installFiles, consul: installConsul }[archive ?? 'raft'];
    return install({ claim: run.claim, ...(quiet ? { quiet } : {}) });
  }

  // For wrong data in a healthy cluster: nothing is stopped, and nobody has to unseal.
  async function restoreInPlace(plan: RestorePlan): Promise<RecoveryReport> {
    await recovery.phase('install', async () => {
      await run.once('the backup before', () => backUpFirst(plan));
      if (plan.removePeers) await recovery.removePeers(plan.removePeers);
      await install(plan, () => recovery.steps(plan.firstNode).installInPlace({ claim: run.claim }));
      for (const name of state.activeNodes) state.node(name, 'unsealed');
    });

    await recovery.phase('verify', () => verify(plan));

    await recovery.phase('converge', () => recovery.joining.converge(plan));
    return finish(plan);
  }

  async function backUpFirst({ cluster }: RestorePlan): Promise<void> {
    const { generation } = await run.mustStep('backing up what is about to be replaced', null, () =>
      recovery.backUpAtOnce('before'),
    );
    journal.warnings.push(
      `the replaced data is kept as backup ${generation}; to go back: vault-dr restore --cluster ${cluster} --in-place --generation ${generation}`,
    );
  }

  // Changes nothing. A refusal lists all reasons.
  async function makePlan(before: RestorePlan | null): Promise<Planned<RestorePlan>> {
    const { identity: _identity, ...wanted } = input;
    const { cluster, into, drill } = wanted;
    const steps = recovery.fewSteps ? quick : controller;
    const settings = await steps.planRestore({ cluster, drill, ...(into === undefined ? {} : { into }) });
    const look = () => controller.lookAtCluster({ cluster: settings.cluster });
    // With the rest, where nothing else depends on who leads.
    const leading = recovery.fewSteps && !input.inPlace ? null : await look();
    serving.by = settings.servedBy ?? null;
    const first = input.inPlace ? leading?.leader : settings.nodes[0]?.name;
    if (before === null) recovery.show(settings, first ?? null);
    const choice = before ? { generation: before.generation, asOf: null } : choiceOf(input);
    const [live, inspections, chosen] = await Promise.all([
      leading ?? look(),
      Promise.all(settings.nodes.map((node) => recovery.describe(node))),
      serving.ask((steps) => steps.chooseGeneration({ settings, ...choice })),
    ]);
    const fenced = input.quiet === true ? settings.nodes[0] : undefined;
    const quietProblem = fenced && (await quietProblemOn(fenced.name));
    const inPlaceProblem = input.inPlace && live.leader ? await recovery.steps(live.leader).proveInPlace() : null;
    const made = await steps.makePlan({
      input: wanted,
      settings,
      chosen,
      inspections,
      live,
      inPlaceProblem,
      ...(fenced ? { quietProblem } : {}),
    });
    return { settings, ...made };
  }

  // Before anything stops: the generation is put on the first node's own disk and verified there. From then on no
  // network is needed.
  async function stage(plan: RestorePlan): Promise<void> {
    recovery.enter('stage');
    const { firstNode, nodes } = plan;
    const claimed = plan.method === 'inPlace' ? [firstNode] : nodes.map((node) => node.name);
    await Promise.all(claimed.map((name) => run.once(`claiming ${name}`, () => identities.claim(name))));
    if (plan.method === 'snapshot') unsealing.begin(plan);
    await run.once('staging', async () => {
      const staged = await run.mustStep('staging the generation', firstNode, () => fetchGeneration(plan));
      recovery.staged = staged.signature ?? null;
      for (const { repository, problem } of staged.problems) journal.warnings.push(`copy in ${repository}: ${problem}`);
      state.node(firstNode, 'staged', `from ${staged.repository}`);
    });
  }

  function fetchGeneration({ firstNode, source, generation, manifestSha256, copies: repositories }: RestorePlan) {
    return recovery
      .steps(firstNode)
      .stageGeneration({ claim: run.claim, source, generation, manifestSha256, repositories });
  }

  async function install(plan: RestorePlan, act: () => Promise<void>): Promise<void> {
    await run.mustStep(`installing on ${plan.firstNode}`, plan.firstNode, async () => {
      try {
        await act();
      } catch (error) {
        if (problemOf(error, '').code !== 'StagingLost') throw error;
        await fetchGeneration(plan);
        await act();
      }
    });
  }

  /** An agent that does not answer is a reason of its own. */
  async function quietProblemOn(name: string): Promise<string | null> {
    try {
      return await recovery.steps(name).proveQuiet();
    } catch (error) {
      if (isCancellation(error)) throw error;
      return problemOf(error, `proving a fence on ${name}`).problem;
    }
  }

  /** The first node is unsealed, and nobody reaches it: people look at its leases first. */
  async function goLive({ firstNode }: RestorePlan): Promise<void> {
    await run.once('waiting for go-live', async () => {
      state.node(firstNode, 'unsealed', 'behind its fence');
      await run.waiting.until('goLive', () => state.progress.live !== undefined);
    });
    await run.once('lifting the fence', () =>
      run.mustStep(`lifting the fence around ${firstNode}`, firstNode, () =>
        recovery.steps(firstNode).liftFence({ claim: run.claim }),
      ),
    );
    state.node(firstNode, 'unsealed');
  }

  async function verify(plan: RestorePlan): Promise<void> {
    const { firstNode } = plan;
    const remarks = await run.mustStep(`verifying ${firstNode}`, firstNode, () => controller.verifyFirstNode({ plan }));
    journal.warnings.push(...remarks);
  }

  async function finish(plan: RestorePlan): Promise<RecoveryReport> {
    recovery.enter('finish');
    // Before the backup: its retention must know what the cluster was restored from.
    recovery.marked = true;
    await run.once('marking', () => mark('restored', plan, 'markRestored'));
    // Another cluster now has the generation's logins, not those that its configuration names.
    const backup = plan.source === plan.cluster ? await recovery.tryBackUp(plan) : null;
    journal.notify(
      'restored',
      `${plan.cluster} is restored from ${plan.generation}, captured ${formatTime(plan.capturedAt)}.`,
    );
    return recovery.end('completed', backup);
  }

  async function mark(
    as: 'restored' | 'rolled back',
    { source, generation, manifestSha256 }: RestorePlan,
    step: 'markRestored' | 'markRolledBack',
  ): Promise<void> {
    try {
      const at = new Date().toISOString();
      const approved = approvedPlan(state.progress);
      const named = { cluster: source, generation, manifestSha256, run: run.claim.run, at, approved };
      const problems = await serving.ask((steps) => steps[step](named));
      journal.warnings.push(
        ...problems.map(({ repository, problem }) => `${repository}: not marked as ${as}: ${problem}`),
      );
    } catch (error) {
      if (isCancellation(error)) throw error;
      journal.warnings.push(`${generation} is not marked as ${as}: ${problemOf(error, 'marking').problem}`);
    }
  }
}

function choiceOf({ generation, asOf }: RestoreInput): { generation: string; asOf: string | null } {
  return { generation, asOf: asOf ?? null };
}
