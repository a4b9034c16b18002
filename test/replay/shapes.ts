import { readFile, rename, writeFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { enrolmentWorkflowId } from '../../src/contract/enrolment';
import type { SecretProgress } from '../../src/contract/secret-run';
import { generateIdentity } from '../../src/crypto/age';
import type { Lab } from '../../src/lab/lab';
import { waitFor } from '../../src/lab/processes';
import type { ShapeName } from '../../src/lab/shapes';
import { enrol } from '../support/enrolment';
import { lostTemporal } from '../support/lost-temporal';
import { prepareMigration } from '../support/migration';
import { makeSandboxHost } from '../support/sandbox-host';
import { succeeded } from '../../src/lab/vault-api';
import { restoreDriver } from '../support/restore-driver';

/** One way that a workflow can go. Its history is recorded from the newest run of the workflow id. */
export interface Shape {
  /** Of the file, without `.json`. */
  name: string;
  workflowId: string;
  /** Of the lab it is recorded on; default: `plain`. */
  lab?: ShapeName;
  /** Takes the workflow from its start to its end, and leaves the lab as the next shape needs it: able to be backed up or restored. */
  run(stage: Stage): Promise<void>;
}

export type Stage = ReturnType<typeof createStage>;

/** Where the other histories have the name of their cluster, this one has the id of a token. */
const MAILBOX = '0'.repeat(32);

/** Add a shape here, then `npm run record:histories`. Those of one lab run on it in this order. */
export const SHAPES: Shape[] = [
  backup('backup'),
  backupWithoutOffsite('backup-one-repository-down'),
  backup('backup-side-by-side'),
  backupWithoutOffsite('backup-side-by-side-one-down'),
  backup('backup-in-few-steps'),
  backupWithoutOffsite('backup-in-few-steps-one-down'),
  backup('backup-that-catches-up'),
  {
    name: 'drill-without-shares',
    workflowId: 'drill-lab',
    async run(stage) {
      await stage.backUp();
      await stage.drill();
    },
  },
  {
    name: 'drill-with-shares',
    workflowId: 'drill-lab',
    // One of them is wrong at first.
    run: (stage) => stage.drill('--unseal'),
  },
  {
    name: 'drill-judging-shares',
    workflowId: 'drill-lab',
    // The same, by a run that lets one sandbox try sets of them.
    async run(stage) {
      await stage.backUp();
      await stage.drill('--unseal');
    },
  },
  {
    name: 'roll-call',
    workflowId: 'roll-call-lab',
    async run(stage) {
      await stage.backUp();
      await stage.rollCall();
    },
  },
  {
    name: 'recover-secret',
    workflowId: 'recover-lab',
    // One of the shares is wrong at first.
    async run(stage) {
      const [secret] = await stage.lab.writeSecrets(1);
      await stage.backUp();
      await stage.recoverSecret(`secret/${secret!.path}`);
    },
  },
  {
    name: 'readiness',
    workflowId: 'readiness-lab',
    async run(stage) {
      await stage.backUp();
      await stage.evaluate('readiness-lab');
    },
  },
  {
    name: 'readiness-on-schedule',
    workflowId: 'readiness-lab-2026-11-28T09:00:00Z',
    run: (stage) => stage.evaluate('readiness-lab-2026-11-28T09:00:00Z'),
  },
  {
    name: 'readiness-without-an-agent',
    workflowId: 'readiness-lab',
    run: (stage) => stage.withoutAgent('vault-1', () => stage.evaluate('readiness-lab')),
  },
  {
    name: 'restore-refused',
    workflowId: 'restore-lab',
    // The cluster is well, and nobody has said that what is newer may be lost.
    async run(stage) {
      await stage.driver.start();
      await stage.lab.cli(['status', '--cluster', 'lab', '--follow']);
    },
  },
  {
    name: 'restore-aborted',
    workflowId: 'restore-lab',
    async run(stage) {
      await stage.planRestore('--accept', 'lose-newer-data');
      await stage.operator('abort');
    },
  },
  {
    name: 'restore-without-a-node',
    workflowId: 'restore-lab',
    async run(stage) {
      await stage.lab.destroyDataDirectories();
      await stage.planRestore();
      await stage.driver.approve();
      await stage.driver.reached('unseal');
      await stage.withoutAgent('vault-3', async () => {
        await stage.unseal();
        await stage.parked();
        await stage.operator('skip-node', '--node', 'vault-3');
        await stage.driver.result();
      });
    },
  },
  {
    name: 'restore-parked-and-resumed',
    workflowId: 'restore-lab',
    async run(stage) {
      await stage.lab.destroyDataDirectories();
      await stage.planRestore();
      await stage.withoutBackupIdentity(async () => {
        await stage.driver.approve();
        await stage.parked();
      });
      await stage.operator('resume');
      await stage.unseal();
      await stage.driver.result();
    },
  },
  {
    name: 'restore',
    workflowId: 'restore-lab',
    async run(stage) {
      await stage.lab.destroyDataDirectories();
      await stage.planRestore();
      await stage.driver.approve();
      await stage.unseal();
      await stage.driver.result();
    },
  },
  {
    name: 'restore-in-few-steps',
    workflowId: 'restore-lab',
    async run(stage) {
      await stage.lab.destroyDataDirectories();
      await stage.planRestore();
      await stage.driver.approve();
      await stage.unseal();
      await stage.driver.result();
    },
  },
  {
    name: 'restore-with-lease-grace',
    workflowId: 'restore-lab',
    async run(stage) {
      await stage.withLeaseGrace(async () => {
        await stage.backUp();
        await stage.lab.destroyDataDirectories();
        await stage.planRestore();
        await stage.driver.approve();
        await stage.unseal();
        await stage.driver.result();
      });
    },
  },
  {
    name: 'restore-in-place',
    workflowId: 'restore-lab',
    async run(stage) {
      await stage.planRestore('--in-place');
      await stage.driver.approve();
      await stage.driver.result();
    },
  },
  {
    name: 'restore-rolled-back',
    workflowId: 'restore-lab',
    async run(stage) {
      await stage.planRestore('--accept', 'lose-newer-data');
      await stage.driver.approve();
      await stage.driver.reached('unseal');
      await stage.operator('roll-back');
      await stage.unseal();
      await stage.driver.result(1);
    },
  },
  {
    name: 'roll-back-of-a-lost-run',
    workflowId: 'restore-lab',
    async run(stage) {
      const { run } = await stage.loseTemporal('unseal');
      await stage.begin('roll-back', '--of', run);
      await stage.driver.approve();
      await stage.unseal();
      await stage.driver.result();
    },
  },
  {
    name: 'rebuild-node',
    workflowId: 'restore-lab',
    async run(stage) {
      await stage.begin('rebuild-node', '--node', 'vault-3');
      await stage.driver.approve();
      await stage.unseal();
      await stage.driver.result();
    },
  },
  {
    name: 'recover-quorum',
    workflowId: 'restore-lab',
    async run(stage) {
      await stage.loseData('vault-2', 'vault-3');
      await stage.begin('recover-quorum');
      await stage.driver.approve();
      await stage.unseal();
      await stage.driver.result();
    },
  },
  {
    name: 'remove-set-aside',
    workflowId: 'restore-lab',
    async run(stage) {
      const { run } = await stage.driver.result();
      await stage.begin('remove-set-aside', '--run', run, '--accept', 'grace');
      await stage.driver.approve();
      await stage.driver.result();
    },
  },
  {
    name: 'enrol-node',
    workflowId: enrolmentWorkflowId('lab', 'vault-1', MAILBOX),
    run: ({ lab }) => enrol(lab, { cluster: 'lab', node: 'vault-1', id: MAILBOX }),
  },
  {
    name: 'backup-by-a-copy',
    workflowId: 'backup-lab',
    lab: 'raft-copied',
    async run(stage) {
      await Promise.all([stage.backUp(), stage.unseal()]);
    },
  },
  {
    name: 'copy-node',
    workflowId: 'restore-lab',
    lab: 'raft-copied',
    // The backup before has run it.
    run: () => Promise.resolve(),
  },
  {
    name: 'copy-node-aborted',
    workflowId: 'restore-lab',
    lab: 'raft-copied',
    async run(stage) {
      const backup = stage.lab.cli(['backup', '--cluster', 'lab', '--json']);
      await stage.driver.waitUntil('shares are waited for', (now) => now.waitingFor === 'shares');
      await stage.operator('abort');
      await backup;
      await stage.unsealByHand();
    },
  },
  {
    name: 'restore-of-a-copy',
    workflowId: 'restore-lab',
    lab: 'raft-copied',
    async run(stage) {
      await stage.lab.destroyDataDirectories();
      await stage.planRestore();
      await stage.driver.approve();
      await stage.unseal();
      await stage.driver.result();
    },
  },
  { name: 'backup-of-consul', workflowId: 'backup-lab', lab: 'consul-storage', run: (stage) => stage.backUp() },
  {
    name: 'restore-of-consul',
    workflowId: 'restore-lab',
    lab: 'consul-storage',
    async run(stage) {
      await stage.planRestore('--accept', 'lose-newer-data');
      await stage.driver.approve();
      await stage.unseal();
      await stage.driver.result();
    },
  },
  {
    name: 'restore-of-consul-rolled-back',
    workflowId: 'restore-lab',
    lab: 'consul-storage',
    async run(stage) {
      await stage.planRestore('--accept', 'lose-newer-data');
      await stage.driver.approve();
      await stage.driver.reached('unseal');
      await stage.operator('roll-back');
      await stage.unseal();
      await stage.driver.result(1);
    },
  },
  {
    name: 'roll-back-of-a-lost-restore-of-consul',
    workflowId: 'restore-lab',
    lab: 'consul-storage',
    async run(stage) {
      await stage.backUp();
      const { run } = await stage.loseTemporal('unseal');
      await stage.begin('roll-back', '--of', run);
      await stage.driver.approve();
      await stage.unseal();
      await stage.driver.result();
    },
  },
  {
    name: 'migrate-storage-rolled-back',
    workflowId: 'restore-lab',
    lab: 'consul-storage',
    async run(stage) {
      await prepareMigration(stage.lab);
      await stage.begin('migrate-storage', '--to', 'raft');
      await stage.driver.approve();
      await stage.driver.reached('unseal');
      await stage.operator('roll-back');
      await stage.unseal();
      await stage.driver.result(1);
    },
  },
  {
    name: 'migrate-storage',
    workflowId: 'restore-lab',
    lab: 'consul-storage',
    async run(stage) {
      await stage.begin('migrate-storage', '--to', 'raft');
      await stage.driver.approve();
      await stage.unseal();
      await stage.driver.result();
    },
  },
];

/** What was recorded of a backup under one order of its steps; later versions keep to that order in such a run. */
function backup(name: string): Shape {
  return { name, workflowId: 'backup-lab', run: (stage) => stage.backUp() };
}

function backupWithoutOffsite(name: string): Shape {
  return { name, workflowId: 'backup-lab', run: (stage) => stage.withoutOffsite(() => stage.backUp()) };
}

/** What shapes are made of. */
export function createStage(lab: Lab) {
  const driver = restoreDriver(lab);

  /** The third share is wrong, so that a fourth one is needed. */
  function submitToSandbox(run: '--drill' | '--recover'): Promise<void> {
    const [first, second, , fourth] = lab.unsealShares;
    return submitTo(run, [first!, second!, wrongShare(), fourth!]);
  }

  function wrongShare(): string {
    const wrong = Buffer.from(lab.unsealShares[2]!, 'base64').map((byte, index) => (index === 0 ? byte ^ 1 : byte));
    return Buffer.from(wrong).toString('base64');
  }

  async function submitTo(run: '--drill' | '--roll-call' | '--recover', shares: string[]): Promise<void> {
    for (const [index, input] of shares.entries()) {
      const holder = ['unseal', '--cluster', 'lab', run, '--as', `holder-${index}`];
      await waitFor(
        `the share of holder-${index} is taken`,
        async () => (await lab.cli(holder, { input })).code === 0 || null,
        { timeoutMs: 120_000, everyMs: 500 },
      );
    }
  }

  /** Of the controller, meanwhile. */
  async function withSetting(path: string[], value: unknown, act: () => Promise<void>): Promise<void> {
    const original = await readFile(lab.configFile, 'utf8');
    const config = parseDocument(original);
    config.setIn(path, value);
    await reconfigure(config.toString());
    await act();
    await reconfigure(original);
  }

  async function reconfigure(text: string): Promise<void> {
    await writeFile(lab.configFile, text);
    await lab.controller.stop();
    await lab.controller.start();
  }

  return {
    lab,
    driver,
    /** A restore is under way when Temporal's database is gone; an empty one takes its place. */
    loseTemporal: lostTemporal(() => lab).loseIn,
    async backUp(): Promise<void> {
      await driver.json(['backup', '--cluster', 'lab']);
    },
    /** Starts a restore and waits for its plan. */
    async planRestore(...options: string[]): Promise<void> {
      await driver.start(...options);
      await driver.waitUntil('an approval is waited for', (now) => now.waitingFor === 'approval');
    },
    /** On the controller's host; holders submit what is asked for. */
    async drill(...options: string[]): Promise<void> {
      const undo = await makeSandboxHost(lab);
      const running = driver.json(['drill', '--cluster', 'lab', '--remote', ...options]);
      if (options.includes('--unseal')) await submitToSandbox('--drill');
      await running;
      await undo();
    },
    /** The same of a single secret, which somebody approves. */
    async recoverSecret(path: string): Promise<void> {
      const undo = await makeSandboxHost(lab);
      const { recipient } = await generateIdentity();
      const ofLab = ['--cluster', 'lab', '--recover'];
      const what = ['--path', path, '--recipient', recipient];
      const running = driver.json(['recover', '--cluster', 'lab', '--remote', '--as', 'ana', ...what]);
      const approve = async () => {
        const { code, stdout } = await lab.cli(['status', ...ofLab, '--json']);
        const { planHash } = code === 0 ? (JSON.parse(stdout) as SecretProgress) : { planHash: null };
        if (planHash === null) return null;
        return (await lab.cli(['approve', ...ofLab, '--as', 'bob', '--plan', planHash])).code === 0 || null;
      };
      await waitFor('it is approved', approve, { timeoutMs: 120_000, everyMs: 500 });
      await submitToSandbox('--recover');
      await running;
      await undo();
    },
    /** One share is wrong, so too few are proved. */
    async rollCall(): Promise<void> {
      const undo = await makeSandboxHost(lab);
      const running = lab.cli(['roll-call', '--cluster', 'lab', '--wait', '1h']);
      const [first, second, , fourth, fifth] = lab.unsealShares;
      await submitTo('--roll-call', [first!, second!, wrongShare(), fourth!, fifth!]);
      await running;
      await undo();
    },
    /** As a schedule does, or by hand; waits for its end. */
    async evaluate(workflowId: string): Promise<void> {
      const start = ['--type', 'evaluateReadiness', '--task-queue', 'vault-dr', '--workflow-id', workflowId];
      const { code, stderr } = await lab.temporalCli([
        'workflow',
        'execute',
        ...start,
        '--input',
        '{"cluster":"lab","requestedBy":"schedule"}',
      ]);
      if (code !== 0) throw new Error(`the evaluation failed: ${stderr}`);
    },
    /** Starts one of the other recoveries. */
    begin: (verb: string, ...options: string[]) =>
      driver.json([verb, '--cluster', 'lab', '--as', 'ana', '--detach', ...options]),
    /** Some nodes lose their disks. */
    async loseData(...names: string[]): Promise<void> {
      for (const { name, dataDir } of lab.nodes.filter((node) => names.includes(node.name))) {
        await rename(dataDir, `${dataDir}.lost`);
        await lab.killVault(name);
      }
    },
    /** The agent of a node is away meanwhile. */
    async withoutAgent(name: string, act: () => Promise<void>): Promise<void> {
      await lab.agents[name]?.kill();
      await act();
      await lab.agents[name]?.start();
    },
    parked: () => driver.waitUntil('it is parked', (now) => now.parked.length > 0),
    /** As many holders as are needed submit their shares. */
    async unseal(): Promise<void> {
      await driver.waitUntil('shares are taken', (now) => now.shares !== null);
      for (const [index, holder] of ['carol', 'dave', 'erin'].entries()) {
        const { code, stdout, stderr } = await driver.unseal(holder, lab.unsealShares[index] ?? '');
        if (code !== 0) throw new Error(`the share of ${holder} was not taken: ${stdout}${stderr}`);
      }
    },
    /** Of a run that does it no longer. */
    async unsealByHand(): Promise<void> {
      for (const { name } of lab.nodes) {
        const isOpen = async () => {
          const { body } = await lab.vault(name, 'GET', 'sys/seal-status');
          if (!(body as { sealed: boolean }).sealed) return true;
          for (const key of lab.unsealShares.slice(0, 3))
            await lab.vault(name, 'POST', 'sys/unseal', { body: { key } });
          return false;
        };
        await waitFor(`${name} is unsealed`, isOpen, { timeoutMs: 60_000, everyMs: 200 });
      }
    },
    /** A decision of the operator, by its verb. */
    operator: (verb: string, ...more: string[]) => driver.json([verb, '--cluster', 'lab', '--as', 'olga', ...more]),
    /** The second repository can't be reached meanwhile. */
    withoutOffsite: (act: () => Promise<void>) =>
      withSetting(['repositories', 'offsite', 'endpoint'], 'http://127.0.0.1:1', act),
    /** The backup has the lease of a token, and of the login that made it. */
    async withLeaseGrace(act: () => Promise<void>): Promise<void> {
      succeeded(await lab.vault('vault-1', 'POST', 'auth/token/create', { body: { ttl: '10m' } }), 'a token');
      await withSetting(['clusters', 'lab', 'restore', 'leaseGraceMinutes'], 120, act);
    },
    /** Agents can't decrypt the backups meanwhile. */
    async withoutBackupIdentity(act: () => Promise<void>): Promise<void> {
      const hidden = `${lab.backupIdentityFile}.hidden`;
      await rename(lab.backupIdentityFile, hidden);
      await act();
      await rename(hidden, lab.backupIdentityFile);
    },
  };
}
