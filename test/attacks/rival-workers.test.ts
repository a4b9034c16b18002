import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { nodeTaskQueue } from '../../src/contract/names';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { type Attacker, startAttacker } from '../support/attacker/attacker';
import { type Answer, type Rival, startRival } from '../support/attacker/rival-worker';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

/**
 * Whoever may write to the namespace may also take work from the product's own queues: he can hold a run up, and tell it lies
 * about how far it is. What he can't is to let a host be changed that nobody has approved, or have data deleted; and when he
 * is gone people bring the cluster back.
 */
const lab = useLab();
const driver = () => restoreDriver(lab());
let attacker: Attacker;
let secrets: SampleSecret[];

beforeAll(async () => {
  secrets = await lab().writeSecrets(10);
  await driver().json(['backup', '--cluster', 'lab']);
  attacker = await startAttacker(lab());
}, 120_000);
afterAll(() => attacker?.stop(), 60_000);

let rivals: Rival[] = [];
const rivalOn = (taskQueue: string, answerTo: (step: string) => Answer) => {
  const rival = startRival(attacker.client, taskQueue, answerTo);
  rivals.push(rival);
  return rival;
};
afterEach(async () => {
  await Promise.all(rivals.map((rival) => rival.stop()));
  rivals = [];
}, 30_000);

const pids = () => Promise.all(lab().nodes.map(({ name }) => lab().vaultPid(name)));
const asideDirectories = async () => {
  const names = await Promise.all(lab().nodes.map(({ dataDir }) => readdir(dirname(dataDir))));
  return names.flat().filter((name) => name.startsWith('data.'));
};

it('one that takes decisions and steps and never answers delays the plan, which is made when it is gone', async () => {
  // The first decision of a run is anybody's; those after it go to whoever made the first, as long as he answers.
  await lab().controller.stop();
  const rival = rivalOn('vault-dr', () => 'silence');
  const other = rivalOn(nodeTaskQueue('lab', 'vault-2'), () => 'silence');
  await attacker.client.workflow.start('restoreCluster', {
    workflowId: 'restore-lab',
    taskQueue: 'vault-dr',
    args: [{ cluster: 'lab', requestedBy: 'ana', accept: ['lose-newer-data'] }],
  });
  await waitFor('a decision went astray', async () => rival.taken.includes('workflow task'), { timeoutMs: 60_000 });
  await lab().controller.start();
  await Promise.all([rival.stop(), other.stop()]);

  const now = await driver().waitUntil(
    'an approval is waited for',
    ({ waitingFor }) => waitingFor === 'approval',
    120_000,
  );

  expect(now.plan?.nodes.map(({ name }) => name)).toEqual(['vault-1', 'vault-2', 'vault-3']);
}, 240_000);

it('one that says a made-up signature holds gets no host to believe it', async () => {
  const before = await pids();
  const { planHash } = await driver().progress();
  const rival = rivalOn('vault-dr', (step) => (step === 'checkApproval' ? { lie: null } : 'hand back'));
  const handle = attacker.client.workflow.getHandle('restore-lab');
  // Each try that the controller sees is refused; this repeats until the rival gets one.
  await waitFor(
    'the run believes it',
    async () => {
      const made = { approver: 'bob', planHash, signature: 'made up' };
      await handle.executeUpdate<unknown, [object]>('approve', { args: [made] }).catch(() => undefined);
      return (await driver().progress()).approvals.length > 0;
    },
    { timeoutMs: 120_000 },
  );
  await rival.stop();

  const { parked, recipients } = await driver().waitUntil(
    'every host refuses',
    (now) => now.parked.filter(({ code }) => code === 'NotApproved').length === 3,
    120_000,
  );
  expect(parked[0]?.problem).toContain('refused an action that its approvers have not signed');
  expect(recipients).toEqual([]);
  expect(await pids()).toEqual(before);
  expect(await asideDirectories()).toEqual([]);
  await driver().json(['abort', '--cluster', 'lab', '--as', 'olga']);
  expect((await driver().result(1)).status).toBe('aborted');
}, 300_000);

it('one that shows a recipient of its own gets no share from anybody who uses the CLI', async () => {
  const agent = lab().agents['vault-2'];
  await driver().start('--accept', 'lose-newer-data');
  await driver().waitUntil('an approval is waited for', (now) => now.waitingFor === 'approval');
  // So that the race is won.
  await agent?.stop();
  const recipient = `age1${'q'.repeat(58)}`;
  const rival = rivalOn(nodeTaskQueue('lab', 'vault-2'), (step) =>
    step === 'claimForRun' ? { lie: { recipient, signature: 'bm9uZQ==', inMemory: true } } : 'hand back',
  );
  await driver().approve();
  await driver().waitUntil('shares are taken', (now) => now.shares !== null && now.recipients.length === 3, 120_000);
  await rival.stop();
  const { code, stdout } = await driver().unseal('carol', lab().unsealShares[0] ?? '');
  await agent?.start();

  expect(code).not.toBe(0);
  expect(stdout).toContain("The run's recipients can't be trusted");
  expect(stdout).toContain(`vault-2: the recipient ${recipient} is not signed by its agent`);
  expect((await driver().progress()).shares?.accepted).toEqual([]);
  // Nobody can send a share to this run any more.
  await attacker.client.workflow.getHandle('restore-lab').terminate('its recipients are forged');
}, 300_000);

it('one that takes steps of a restore and never answers delays it, and it completes', async () => {
  const agent = lab().agents['vault-2'];
  await driver().start('--accept', 'lose-newer-data');
  await driver().waitUntil('an approval is waited for', (now) => now.waitingFor === 'approval');
  await agent?.stop();
  const rival = rivalOn(nodeTaskQueue('lab', 'vault-2'), () => 'silence');
  await driver().approve();
  await waitFor('a step went astray', async () => rival.taken.includes('claimForRun'), { timeoutMs: 60_000 });
  await agent?.start();
  await rival.stop();
  await driver().unsealAll(lab().unsealShares, 180_000);
  const report = await driver().result();

  expect(report.status).toBe('completed');
  expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
  for (const { path, value } of secrets) expect(await lab().readSecret(path)).toBe(value);
}, 300_000);
