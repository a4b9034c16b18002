import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RecoveryReport } from '../../src/contract/recovery';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { memoryDirectoryOf } from '../../src/lab/sweep';
import { type Attacker, startAttacker } from '../support/attacker/attacker';
import type { ForgedCall, Outcome } from '../support/attacker/calls';
import { everyStep, hostileCalls, inputsOfRun, type Inputs, validCalls } from '../support/attacker/forged-inputs';
import { DONE_FOR_A_BACKUP, DONE_FOR_A_RECOVERY } from '../support/attacker/harmless';
import { stepInputs } from '../support/attacker/histories';
import { knownInputs } from '../support/attacker/known';
import {
  findSecrets,
  inFiles,
  inHistories,
  inProcesses,
  inTemporaryFiles,
  secretsOf,
} from '../support/attacker/secret-search';
import { changesOf, type LabState, putSentinels, stateOf } from '../support/attacker/sentinels';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

/**
 * A cluster that is lost, people who bring it back, and somebody who may write to the namespace and does what he can
 * meanwhile: before it, while the run waits for shares, in place of the run, and in its name.
 */
let around = '';
const lab = useLab(async () => {
  around = await mkdtemp(join(tmpdir(), 'vault-dr-attacks-'));
  return { directory: join(around, 'lab') };
});
const NODES = ['vault-1', 'vault-2', 'vault-3'];
const steps = everyStep('lab', NODES);
/** Those that ask a Vault which is down wait for it, for minutes. */
const PATIENT = ['waitForLeader', 'moveLeadership', 'checkRolledBack', 'verifyFirstNode', 'checkConvergence'];
const atOnce = steps.filter(({ step }) => !PATIENT.includes(step));
let attacker: Attacker;
let inputs: Inputs;
let secrets: SampleSecret[];
let before: LabState;

beforeAll(async () => {
  const driver = restoreDriver(lab());
  secrets = await lab().writeSecrets(20);
  await driver.json(['backup', '--cluster', 'lab']);
  const plan = ['restore', '--cluster', 'lab', '--as', 'ana', '--plan', '--accept', 'lose-newer-data'];
  const planned = await driver.json<RecoveryReport>(plan);
  attacker = await startAttacker(lab());
  inputs = await knownInputs(attacker.client, planned);
  await putSentinels(lab());
  before = await stateOf(lab());
}, 120_000);
afterAll(async () => {
  await attacker?.stop();
  await rm(around, { recursive: true, force: true });
}, 60_000);

const done = (outcomes: readonly Outcome[]) => outcomes.filter(({ code }) => code === null);
const identities = async () =>
  (await readdir(memoryDirectoryOf(lab().id), { recursive: true })).filter((name) => name.endsWith('.identity'));
const asideDirectories = async () => {
  const names = await Promise.all(lab().nodes.map(({ dataDir }) => readdir(dirname(dataDir))));
  return names.flat().filter((name) => name.startsWith('data.'));
};

it('has nothing done in any name but what he may have done, with whatever he sends to every node', async () => {
  const poses = [
    ['anything', 'some-id', {}],
    // Both the name and the type are right, but never both at once.
    ['anything', 'restore-lab', {}],
    ['restoreCluster', 'restore-lab-2', {}],
    ['backUpCluster', 'backup-staging', {}],
    ['removeSetAside', 'restore-lab', DONE_FOR_A_RECOVERY],
  ] as const;
  for (const [type, id, allowed] of poses) {
    const pose = await attacker.pose(type, id);
    const asked = await pose.ask(validCalls(steps, inputs));
    // One agent is like another, and a stranger like the next one.
    const some = id.startsWith('restore-') && type !== 'anything' ? everyStep('lab', ['vault-3']) : [];
    const crooked = await pose.ask(hostileCalls(some, inputs, join(around, 'x'), ['deep']));
    await pose.end();

    expect(done(asked).filter(({ step }) => !(step in allowed))).toEqual([]);
    expect(done(crooked).filter(({ step }) => step !== 'storeReport')).toEqual([]);
  }
  const added = /^added: lab\/controller\/reports/;
  expect(changesOf(before, await stateOf(lab())).filter((change) => !added.test(change))).toEqual([]);
  expect(await identities()).toEqual([]);
}, 600_000);

it('floods no worker', async () => {
  // Of two megabytes each; a history of his own takes fifty.
  const flood = hostileCalls(steps, inputs, around, ['large']).filter(({ what }) => what === 'large');
  for (let at = 0; at < flood.length; at += 20) {
    const pose = await attacker.pose('restoreCluster', 'restore-lab');
    const outcomes = [];
    for (const call of flood.slice(at, at + 20)) outcomes.push(...(await pose.ask([call])));
    await pose.end();
    expect(outcomes.filter(({ code }) => code !== 'InvalidInput')).toEqual([]);
  }
}, 600_000);

describe('while a restore that people have approved waits for shares', () => {
  const driver = () => restoreDriver(lab());
  let stolen: string[];

  const begin = async () => {
    // The run before it may have put the generation there.
    await driver().start('--accept', 'lose-newer-data');
    await driver().approve();
    await driver().reached('unseal', 120_000);
    const { run, recipients } = await driver().progress();
    return { run, recipients };
  };
  /** Everything that names the run, with what has been sent to it. */
  const inItsName = (run: string, recipients: unknown): ForgedCall[] => {
    const named: Inputs = inputsOfRun(inputs, run);
    const claim = { run, cluster: 'lab', startedAt: new Date().toISOString() };
    const shares = stolen.map((share) => [share]);
    return [
      ...validCalls(atOnce, {
        ...named,
        rewrapShares: { claim, shares: stolen, recipients },
        unsealNode: { claim, shares: stolen },
      }),
      ...NODES.flatMap((node) =>
        shares.map(([share]) => ({
          taskQueue: `vault-dr-node/lab/${node}`,
          step: 'checkShare',
          args: [{ claim, share }],
          what: 'a share of somebody',
        })),
      ),
    ];
  };
  const envelopes = async () => {
    const checked = (await stepInputs(attacker.client, 'restore-lab')).get('checkShare') as { share: string };
    expect(checked.share).toContain('BEGIN AGE ENCRYPTED FILE');
    return [checked.share];
  };

  it('nobody else has anything done in its name', async () => {
    await lab().destroyDataDirectories();
    const { run, recipients } = await begin();
    await driver().unseal('carol', lab().unsealShares[0] ?? '');
    stolen = await envelopes();

    for (const [type, id] of [
      ['anything', 'some-id'],
      ['restoreCluster', 'restore-lab-2'],
      ['backUpCluster', 'backup-lab-2'],
    ] as const) {
      const pose = await attacker.pose(type, id);
      const outcomes = await pose.ask(inItsName(run, recipients));
      await pose.end();

      const open = type === 'backUpCluster' ? DONE_FOR_A_BACKUP : {};
      expect(done(outcomes).filter(({ step }) => !(step in open))).toEqual([]);
    }
    // Its id is taken: that is the lock.
    await expect(attacker.pose('restoreCluster', 'restore-lab')).rejects.toThrow(/already/i);
    expect(await identities()).toHaveLength(3);
  }, 300_000);

  it('whoever ends it and takes its place opens no share, and touches no host', async () => {
    const { run, recipients } = await driver().progress();
    await attacker.client.workflow.getHandle('restore-lab').terminate();
    const aside = await asideDirectories();
    const taken = await attacker.pose('restoreCluster', 'restore-lab');
    const outcomes = await taken.ask([...inItsName(run, recipients), ...inItsName(taken.runId, recipients)]);
    await taken.end();

    const effects = new Set(['checkShare', 'rewrapShares', 'unsealNode', 'claimForRun', 'setAsideData', 'startNode']);
    expect(done(outcomes).filter(({ step }) => !(step in DONE_FOR_A_RECOVERY))).toEqual([]);
    expect(outcomes.filter(({ step }) => effects.has(step)).map(({ code }) => code)).not.toContain(null);
    expect(await asideDirectories()).toEqual(aside);
  }, 300_000);

  it('and the next one completes while the attack continues', async () => {
    const { run, recipients } = await begin();
    const [one = '', two = '', three = ''] = lab().unsealShares;
    await driver().unseal('carol', one);
    stolen = await envelopes();
    const pose = await attacker.pose('anything', 'some-id');
    const [outcomes] = await Promise.all([
      pose.ask(inItsName(run, recipients)),
      driver()
        .unseal('dave', two)
        .then(() => driver().unseal('erin', three)),
    ]);
    await pose.end();
    const report = await driver().result();

    expect(done(outcomes)).toEqual([]);
    expect(report.status).toBe('completed');
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
    for (const { path, value } of secrets) expect(await lab().readSecret(path)).toBe(value);
  }, 300_000);

  it('no secret has come to light', async () => {
    // Agents look once a minute for runs that were ended from outside.
    await waitFor('the identities of all runs are destroyed', async () => (await identities()).length === 0 || null, {
      timeoutMs: 150_000,
      everyMs: 1_000,
    });
    const places = [inHistories(attacker.client), inFiles(lab()), inTemporaryFiles(), inProcesses(lab())];

    expect(await findSecrets(await secretsOf(lab()), ...places)).toEqual([]);
    // The search does see what was sent.
    const sent = [{ name: 'envelope', bytes: Buffer.from(stolen[0]?.split('\n')[2] ?? 'none') }];
    expect(await findSecrets(sent, inHistories(attacker.client))).not.toEqual([]);
    expect(await findSecrets(sent, inFiles(lab()))).toContainEqual(expect.stringContaining('temporal.db'));
  }, 300_000);
});
