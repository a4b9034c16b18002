import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyTrail } from '../../src/audit/audit-trail';
import { nodeTaskQueue } from '../../src/contract/names';
import type { RecoveryReport } from '../../src/contract/recovery';
import type { SampleSecret } from '../../src/lab/secrets';
import { type Attacker, startAttacker } from '../support/attacker/attacker';
import type { Outcome } from '../support/attacker/calls';
import { everyStep, hostileCalls, type Inputs, validCalls } from '../support/attacker/forged-inputs';
import {
  DONE_FOR_A_BACKUP,
  DONE_FOR_A_DRILL,
  DONE_FOR_A_RECOVERY,
  DONE_FOR_A_ROLL_CALL,
  DONE_FOR_SECRETS,
  DONE_FOR_A_GUARD,
  DONE_FOR_AN_EVALUATION,
} from '../support/attacker/harmless';
import { knownInputs } from '../support/attacker/known';
import { madeUpApprovals } from '../support/attacker/made-up-approvals';
import {
  findSecrets,
  inFiles,
  inHistories,
  inProcesses,
  inTemporaryFiles,
  secretsOf,
} from '../support/attacker/secret-search';
import { changesOf, type LabState, putSentinels, stateOf } from '../support/attacker/sentinels';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import { makeSandboxHost } from '../support/sandbox-host';
import { restoreDriver } from '../support/restore-driver';
import { isInstalled } from '../support/shell';

/**
 * Somebody may write to the namespace, and has nothing else: no file of the product, no login, no approver's key. With a
 * worker and a workflow of thirty lines every step that there is can be asked for, in any name.
 */
let around = '';
const lab = useLab(async () => {
  around = await mkdtemp(join(tmpdir(), 'vault-dr-attacks-'));
  return { directory: join(around, 'lab'), nodes: 1 };
});
const QUEUE = nodeTaskQueue('lab', 'vault-1');
let attacker: Attacker;
let planned: RecoveryReport;
let inputs: Inputs;
let secrets: SampleSecret[];
let before: LabState;
const hasSandbox = isInstalled('bwrap');
const steps = everyStep('lab', ['vault-1'], hasSandbox);

beforeAll(async () => {
  const driver = restoreDriver(lab());
  secrets = await lab().writeSecrets(5);
  await driver.json(['backup', '--cluster', 'lab']);
  const plan = ['restore', '--cluster', 'lab', '--as', 'ana', '--plan', '--accept', 'lose-newer-data'];
  planned = await driver.json<RecoveryReport>(plan);
  if (hasSandbox) await makeSandboxHost(lab());
  attacker = await startAttacker(lab());
  inputs = await knownInputs(attacker.client, planned);
  await putSentinels(lab());
  before = await stateOf(lab());
}, 120_000);
afterAll(async () => {
  await attacker?.stop();
  await rm(around, { recursive: true, force: true });
}, 60_000);

/** Of the steps that were not refused because of who asked, each with something in it that is made to do harm. */
const hostile = (asked: readonly Outcome[]) => {
  const open = steps.filter(({ step }) => asked.some((item) => item.step === step && item.code !== 'PermissionDenied'));
  return hostileCalls(open, inputs, join(around, 'x'), ['deep']);
};
const done = (outcomes: readonly Outcome[]) => outcomes.filter(({ code }) => code === null);
const namesOf = (outcomes: readonly Outcome[]) => outcomes.map(({ step }) => step).toSorted();
const changes = async () => changesOf(before, await stateOf(lab()));

it('are done for no workflow that is none of the product', async () => {
  const stranger = await attacker.pose('anything', 'some-id');
  const outcomes = await stranger.ask(validCalls(steps, inputs));
  await stranger.end();

  expect(outcomes.filter(({ code }) => code !== 'PermissionDenied')).toEqual([]);
  expect(await changes()).toEqual([]);
}, 120_000);

it('are done for a workflow that bears the name of a recovery only where they change nothing on a host', async () => {
  const recovery = await attacker.pose('restoreCluster', 'restore-lab');
  const asked = await recovery.ask(validCalls(steps, inputs));
  const crooked = await recovery.ask(hostile(asked));
  await recovery.end();

  expect(namesOf(done(asked))).toEqual(Object.keys(DONE_FOR_A_RECOVERY).toSorted());
  const notApproved = asked.filter(({ code }) => code === 'NotApproved').map(({ step }) => step);
  expect(notApproved).toEqual(expect.arrayContaining(['setAsideData', 'markRestored', 'markRolledBack']));
  // When a run began may lie anywhere: a clock may have been wrong. It is the report of the attacker's own run.
  expect(done(crooked).map(({ step, what }) => `${step}: ${what}`)).toEqual([
    'storeReport: report.startedAt = "9999-01-01T00:00:00.000Z"',
  ]);
  const own = recovery.runId;
  expect((await changes()).map((change) => change.replaceAll(own, 'RUN'))).toEqual([
    'added: lab/controller/reports/lab',
    'added: lab/controller/reports/lab/RUN.json',
    'added: lab/controller/reports/lab/RUN.md',
  ]);
  before = await stateOf(lab());
}, 120_000);

it('are done for one that bears the name of a backup only as far as they are what backups do', async () => {
  const backup = await attacker.pose('backUpCluster', 'backup-lab');
  const calls = validCalls(steps, inputs);
  const takesAway = ({ step }: { step: string }) => ['discardStaging', 'closeBackup'].includes(step);
  const asked = await backup.ask(calls.filter((call) => !takesAway(call)));
  const crooked = await backup.ask(hostile(asked));
  // By themselves, because they take away what another one captures.
  const discarded = await backup.ask(calls.filter(takesAway));
  await backup.end();

  expect(namesOf(done([...asked, ...discarded]))).toEqual(Object.keys(DONE_FOR_A_BACKUP).toSorted());
  expect(done(crooked)).toEqual([]);
  expect(await changes()).toEqual([]);
  before = await stateOf(lab());
}, 120_000);

it('are done for one that bears the name of an evaluation only where they change nothing at all', async () => {
  const evaluation = await attacker.pose('evaluateReadiness', 'readiness-lab');
  const asked = await evaluation.ask(validCalls(steps, inputs));
  const crooked = await evaluation.ask(hostile(asked));
  await evaluation.end();

  expect(namesOf(done(asked))).toEqual(Object.keys(DONE_FOR_AN_EVALUATION).toSorted());
  expect(asked.find(({ step }) => step === 'openCanary')?.answer).toMatchObject({ sha256: null });
  expect(done(crooked)).toEqual([]);
  expect(await changes()).toEqual([]);
}, 120_000);

it('are done for one that bears the name of a guard only where they change nothing at all', async () => {
  const guard = await attacker.pose('guardChange', 'guard-lab');
  const asked = await guard.ask(validCalls(steps, inputs));
  const crooked = await guard.ask(hostile(asked));
  await guard.end();

  expect(namesOf(done(asked))).toEqual(Object.keys(DONE_FOR_A_GUARD).toSorted());
  expect(done(crooked)).toEqual([]);
  expect(await changes()).toEqual([]);
}, 120_000);

it('are done for no evaluation under another id than that of the cluster', async () => {
  const other = await attacker.pose('evaluateReadiness', 'readiness-lab-2026-11-28T09:00:00Z');
  const outcomes = await other.ask(validCalls(steps, inputs));
  await other.end();

  expect(outcomes.filter(({ code }) => code !== 'PermissionDenied')).toEqual([]);
}, 120_000);

it('are done for no delivery of notifications but that of its own', async () => {
  const delivery = await attacker.pose('notifyPeople', 'notify-lab-of-another-run');
  const outcomes = await delivery.ask(validCalls(steps, inputs));
  await delivery.end();

  expect(outcomes.filter(({ code }) => code !== 'PermissionDenied')).toEqual([]);
}, 120_000);

describeIf(hasSandbox, 'there is no bubblewrap')('with a sandbox host', () => {
  /** First a host takes the run, and at the end it forgets it; what is done in between does not depend on who is faster. */
  async function askAs(workflowType: 'drillRestore' | 'rollCall' | 'recoverSecret', workflowId: string) {
    const run = await attacker.pose(workflowType, workflowId);
    const calls = validCalls(steps, inputs);
    const those = (name: string) => calls.filter(({ step }) => step === name);
    const taken = await run.ask(those('prepareSandbox'));
    const asked = await run.ask(calls.filter(({ step }) => step !== 'prepareSandbox' && step !== 'endSandboxRun'));
    const crooked = await run.ask(hostile(asked));
    const ended = await run.ask(those('endSandboxRun'));
    await run.end();
    return { asked: [...taken, ...asked, ...ended], crooked };
  }

  /** Beside what the host itself has seen of the backup, and signed: places that are empty again. */
  async function newPlaces(): Promise<string[]> {
    const all = await changes();
    before = await stateOf(lab());
    return all.filter((change) => !/^(added|changed): lab\/repository\/lab\/marks\b/.test(change));
  }

  it('are done for one that bears the name of a drill only as far as they are what drills do', async () => {
    const { asked, crooked } = await askAs('drillRestore', 'drill-lab');

    expect(asked.find(({ step }) => step === 'rehearse')).toMatchObject({ code: null, answer: { level: 'installed' } });
    expect(namesOf(done(asked))).toEqual(Object.keys(DONE_FOR_A_DRILL).toSorted());
    expect(done(crooked)).toEqual([]);
    expect(await newPlaces()).toEqual(['added: lab/controller/drills', 'added: lab/sandbox-run']);
  }, 300_000);

  it('are done for one that bears the name of a roll-call only as far as they are what roll-calls do', async () => {
    const { asked, crooked } = await askAs('rollCall', 'roll-call-lab');

    expect(namesOf(done(asked))).toEqual(Object.keys(DONE_FOR_A_ROLL_CALL).toSorted());
    expect(asked.find(({ step }) => step === 'tryShares')?.answer).toMatchObject({ holders: [], sets: 0 });
    expect(done(crooked)).toEqual([]);
    expect(await newPlaces()).toEqual([]);
  }, 300_000);

  it('are done for one that bears the name of what reads secrets only up to the reading', async () => {
    const { asked, crooked } = await askAs('recoverSecret', 'recover-lab');

    expect(namesOf(done(asked))).toEqual(Object.keys(DONE_FOR_SECRETS).toSorted());
    expect(asked.find(({ step }) => step === 'readFromBackup')).toMatchObject({
      code: 'NotApproved',
      message: expect.stringContaining('0 of ') as string,
    });
    expect(done(crooked)).toEqual([]);
    expect(await newPlaces()).toEqual([]);
  }, 300_000);
});

it('find no host that takes approvals of anybody else, of another time, or of another run', async () => {
  const recovery = await attacker.pose('restoreCluster', 'restore-lab');
  const approvals = await madeUpApprovals(lab(), planned, recovery.runId);
  // Those files were not there before.
  before = await stateOf(lab());
  const { claim } = inputs['claimForRun'] as { claim: object };
  const outcomes: Outcome[] = [];
  for (const [what, approved] of Object.entries(approvals)) {
    outcomes.push(
      ...(await recovery.ask([
        { taskQueue: QUEUE, step: 'claimForRun', args: [{ claim, approved }], what },
        ...validCalls(
          ['stopNode', 'setAsideData', 'checkShare'].map((step) => ({ taskQueue: QUEUE, step })),
          inputs,
        ),
      ])),
    );
  }
  await recovery.end();

  for (const { step, code } of outcomes) {
    expect({ step, code }).toEqual({ step, code: step === 'checkShare' ? 'IdentityLost' : 'NotApproved' });
  }
  expect(await changes()).toEqual([]);
}, 120_000);

it('leave a cluster that serves and is backed up, and a trail that says who asked', async () => {
  for (const { path, value } of secrets) expect(await lab().readSecret(path)).toBe(value);
  await restoreDriver(lab()).json(['backup', '--cluster', 'lab']);
  const trail = join(lab().directory, 'controller', 'audit.jsonl');
  expect((await verifyTrail(trail)).problems).toEqual([]);
  const lines = (await readFile(trail, 'utf8')).trim().split('\n');
  const forged = lines
    .map((line) => JSON.parse(line) as object)
    .find((line) => 'action' in line && line.action === 'restore.approve');
  expect(forged).toMatchObject({ actor: 'bob', workflow: { id: 'restore-lab', type: 'restoreCluster' } });
}, 60_000);

it('bring no secret to light', async () => {
  const { client } = attacker;
  const places = [inHistories(client), inFiles(lab()), inTemporaryFiles(), inProcesses(lab())];

  expect(await findSecrets(await secretsOf(lab()), ...places)).toEqual([]);
  // The search does see what stands in histories, and in Temporal's database.
  const seen = await findSecrets(
    [{ name: 'text', bytes: Buffer.from('All is well.') }],
    inHistories(client),
    inFiles(lab()),
  );
  expect(seen).toContainEqual(expect.stringContaining('history of restore-lab'));
  expect(seen).toContainEqual(expect.stringContaining('temporal.db'));
}, 60_000);
