import { isCancellation } from '@temporalio/workflow';
import { migrateStorageInput } from '../src/contract/input';
import { formatCount } from '../src/contract/format';
import type { ChosenGeneration, MigrationPlan, RecoverySettings } from '../src/contract/plan';
import type { RecoveryReport } from '../src/contract/recovery';
import { controller } from './run/steps';
import { onEach } from './run/on-each';
import { parseOrFail, problemOf } from './run/problems';
import { received } from './run/handover';
import { agree, firstPlan, type Planned } from './run/planning';
import { Recovery } from './run/recovery';
import { SKIPPED } from './run/recovery-run';
import { rollBack } from './run/roll-back';

/**
 * Moves a cluster that stores in Consul, or a single server that stores in files, to Raft. The old storage is only read, so until
 * the end there is a way back. Input: `{"cluster":"prod","to":"raft","requestedBy":"ana"}`, and optionally `planOnly` and `accept`.
 * Its id must be `restore-<cluster>`.
 */
export async function migrateStorage(raw: unknown, handover?: unknown): Promise<RecoveryReport> {
  const input = parseOrFail(migrateStorageInput, raw, '{"cluster":"prod","to":"raft","requestedBy":"your name"}');
  const recovery = new Recovery(input.cluster, input.requestedBy, 'migrate', received(handover));
  const { run, state, journal, identities, unsealing } = recovery;

  return recovery.execute(raw, async () => {
    const first = await firstPlan(recovery, makePlan);
    if (input.planOnly) return recovery.planned();
    const plan = await agree(recovery, first, makePlan, stage);
    return recovery.change(() => migrate(plan), rollBack);
  });

  async function migrate(plan: MigrationPlan): Promise<RecoveryReport> {
    const { firstNode } = plan;

    await recovery.phase('stop', () => recovery.stop(state.activeNodes));

    // From Consul it is empty; from files it is what the keys are copied from.
    await recovery.phase('setAside', () => recovery.setDataAside(state.activeNodes, plan));

    await recovery.phase('install', async () => {
      state.node(firstNode, 'installing');
      const { keys } = await run.once('copying', () =>
        run.mustStep(`copying the data to Raft on ${firstNode}`, firstNode, () =>
          recovery.steps(firstNode).migrateData({ claim: run.claim, from: plan.from }),
        ),
      );
      state.node(firstNode, 'installing', formatCount(keys, 'key'));
      // On all of them before the first one starts: none of them may open the old storage again.
      await switchConfigs(plan);
      await run.mustStep(`starting ${firstNode}`, firstNode, () =>
        recovery.steps(firstNode).startNode({ claim: run.claim }),
      );
      state.node(firstNode, 'sealed');
    });

    await recovery.phase('unseal', async () => {
      await unsealing.unseal(firstNode);
      unsealing.keepOpen(firstNode);
    });

    await recovery.phase('verify', async () => {
      const remarks = await run.mustStep(`verifying ${firstNode}`, firstNode, () =>
        controller.verifyFirstNode({ plan }),
      );
      journal.warnings.push(...remarks);
    });

    await recovery.phase('join', () => recovery.joining.joinOthers(plan));

    await recovery.phase('converge', () => recovery.joining.converge(plan));

    recovery.enter('finish');
    const backup = await recovery.tryBackUp(plan);
    journal.warnings.push(...whatIsLeft(plan, run.claim.run));
    journal.notify('restored', `${plan.cluster} is migrated to Raft. ${whereOldIs(plan)} is as it was.`);
    return recovery.end('completed', backup);
  }

  async function switchConfigs({ configs, firstNode }: MigrationPlan): Promise<void> {
    await onEach(state.activeNodes, (name) =>
      run.once(`switching the configuration of ${name}`, async () => {
        const files = configs.find(({ node }) => node === name)?.files ?? [];
        const act = () => recovery.steps(name).switchConfig({ claim: run.claim, files });
        const what = `switching the configuration of ${name}`;
        if (name === firstNode) return run.mustStep(what, name, act);
        if ((await run.step(what, name, act)) !== SKIPPED) return;
        journal.warnings.push(
          `${name} was left out and still has the configuration for the old storage: don't start it before it has the new one`,
        );
      }),
    );
  }

  // Changes nothing. Refuses with the complete list of reasons.
  async function makePlan(before: MigrationPlan | null): Promise<Planned<MigrationPlan>> {
    const settings = await controller.planRestore({ cluster: input.cluster });
    recovery.serving.by = settings.servedBy ?? null;
    if (before === null) recovery.show(settings, settings.nodes[0]?.name ?? null);
    const live = await controller.lookAtCluster({ cluster: input.cluster });
    const [inspections, { chosen, backupProblem }] = await Promise.all([
      Promise.all(settings.nodes.map((node) => recovery.describe(node))),
      newestBackup(settings, before),
    ]);
    const made = await controller.makeMigrationPlan({ input, settings, inspections, live, chosen, backupProblem });
    return { settings, ...made };
  }

  /** That there is none may be accepted, so it does not end the run. */
  async function newestBackup(
    settings: RecoverySettings,
    before: MigrationPlan | null,
  ): Promise<{ chosen: ChosenGeneration | null; backupProblem: string | null }> {
    try {
      const generation = before?.backup?.generation ?? 'latest';
      const wanted = { settings, generation, asOf: null };
      return {
        chosen: await recovery.serving.ask((steps) => steps.chooseGeneration(wanted)),
        backupProblem: null,
      };
    } catch (error) {
      if (isCancellation(error)) throw error;
      return { chosen: null, backupProblem: problemOf(error, 'looking for backups').problem };
    }
  }

  // Before anything stops. Of `storage "file"` the plan has the backup: it stops the server, and this run has the lock.
  async function stage(plan: MigrationPlan): Promise<void> {
    recovery.enter('stage');
    await Promise.all(plan.nodes.map(({ name }) => run.once(`claiming ${name}`, () => identities.claim(name))));
    unsealing.begin(plan);
    if (plan.from === 'consul' && plan.backup !== null) await run.once('the backup before', backUpFirst);
  }

  async function backUpFirst(): Promise<void> {
    const { generation } = await run.mustStep('backing up the old storage', null, () =>
      recovery.backUpAtOnce('before'),
    );
    journal.warnings.push(`what was in the old storage before is kept as backup ${generation}`);
  }
}

function whereOldIs({ from, path }: MigrationPlan): string {
  return from === 'consul' ? `What is below ${path} in Consul` : 'The directory that was set aside';
}

/** What operators have to do, and when. */
function whatIsLeft({ cluster, from, path, configs }: MigrationPlan, run: string): string[] {
  const kept = configs.flatMap(({ node, files }) => files.map((file) => `${node}: ${file.path}.pre-migrate-${run}`));
  return [
    `set \`method: raft\` for ${cluster} in the configuration of the controller and of every host, remove \`migration\`, and restart them: until then no backup can be made on schedule`,
    from === 'consul'
      ? `what is below ${path} in Consul is as it was; once backups of the Raft storage have been rehearsed, delete it: consul kv delete -recurse ${path}`
      : `the old files are as they were, in the directory that was set aside; once backups of the Raft storage have been rehearsed: vault-dr remove-set-aside --cluster ${cluster} --run ${run}`,
    `the old configuration is kept and may hold a token; delete it with the old storage: ${kept.join(', ')}`,
  ];
}
