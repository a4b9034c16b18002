import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { Controller } from '../../../../activities/controller/context';
import { surveyBackups } from '../../../../activities/controller/survey';
import { parseConfig } from '../../../../src/config/load';
import type { BackupSurvey } from '../../../../src/contract/readiness';
import type { RecoveryReport } from '../../../../src/contract/recovery';
import { gatheredFacts } from '../../../../src/contract/step-input/readiness';
import { reportFiles } from '../../../../src/report/write-report';
import { DirectoryRepository } from '../../../../src/repository/directory';
import { writeMark } from '../../../../src/repository/keep/marks';
import { publishReport } from '../../../../src/repository/keep/reports';
import { readinessEnvironment } from '../../../support/activity-environment';
import { signingPair, stageSample } from '../../../support/generation';
import { reportWith } from '../../../support/run-samples';
import { sampleConfig } from '../../../support/sample-config';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const KEYS = signingPair();
const NAMES = ['local', 'offsite'] as const;

/** Real directories as repositories. */
describe('a survey of the backups', () => {
  let backup: Awaited<ReturnType<typeof stageSample>>;

  beforeEach(async () => {
    backup = await stageSample(inTest('staged'), KEYS, Buffer.from('snapshot'));
    for (const name of NAMES) {
      await mkdir(inTest(name, 'prod'), { recursive: true, mode: 0o700 });
      await cp(backup.directory, inTest(name, 'prod', backup.manifest.generation), { recursive: true });
    }
    await mkdir(inTest('state'), { mode: 0o700 });
    await writeFile(inTest('signing.key'), KEYS.privateKeyPem);
    await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
  });

  async function survey(attempt = 1): Promise<BackupSurvey> {
    const text = sampleConfig({
      repositories: Object.fromEntries(NAMES.map((name) => [name, inTest(name)])),
      publicKeyFile: inTest('signing.pub'),
      privateKeyFile: inTest('signing.key'),
    });
    const controller = new Controller({
      config: parseConfig(`${text}stateDir: ${inTest('state')}\ncontroller: { name: dr-1 }\n`, 'x'),
    });
    const environment = readinessEnvironment('run-1', 'prod', { attempt });
    const found = (await environment.run(() => surveyBackups(controller, { cluster: 'prod' }))) as BackupSurvey;
    // The next step takes it.
    const facts = {
      live: { result: null, problem: 'none' },
      inspections: [],
      backups: { result: found, problem: null },
    };
    expect(gatheredFacts.safeParse(JSON.parse(JSON.stringify(facts))).error).toBeUndefined();
    return found;
  }
  const stored = (name: string) => inTest(name, 'prod', backup.manifest.generation, backup.manifest.stored.file);

  it('says which one a restore would load, where it is whole, and that the controller is well', async () => {
    expect(await survey()).toMatchObject({
      chosen: { copy: { generation: backup.manifest.generation }, healthy: ['local', 'offsite'], problems: [] },
      problem: null,
      newest: backup.manifest.generation,
      unanswered: [],
      marks: [],
      chain: [],
      locks: [],
      drills: [],
      rollCalls: [],
      own: {
        controller: 'dr-1',
        signingKeysMatch: true,
        signingProblem: null,
        trail: { records: 0, problems: [] },
        trailProblem: null,
      },
    });
  });

  it('says what is damaged, and that nothing is whole', async () => {
    await writeFile(stored('offsite'), 'snapshoT');
    expect(await survey()).toMatchObject({
      chosen: { healthy: ['local'], problems: [{ repository: 'offsite' }] },
      problem: null,
    });

    await writeFile(stored('local'), 'snapshoT');
    expect(await survey()).toMatchObject({
      chosen: null,
      newest: backup.manifest.generation,
      problem: { code: 'CopyDamaged', retryable: false },
    });
  });

  it('says which repository does not answer, but does not give up because of the first attempt', async () => {
    await rm(inTest('offsite'), { recursive: true });
    expect(await survey()).toMatchObject({ chosen: { healthy: ['local'] }, unanswered: [{ repository: 'offsite' }] });

    await rm(inTest('local'), { recursive: true });
    await expect(survey()).rejects.toMatchObject({ retryable: true });
    expect(await survey(3)).toMatchObject({ chosen: null, newest: null, problem: { retryable: true } });
  });

  it('has the drills and roll-calls of all repositories, and marks that nobody signed', async () => {
    const { generation } = backup.manifest;
    const { manifestSha256 } = backup;
    const base = { cluster: 'prod', generation, manifestSha256, repository: 'local' };
    const called = { keys: 'unseal' as const, shares: 5, threshold: 3, holders: [] };
    await writeMark(
      new DirectoryRepository('offsite', inTest('offsite')),
      { ...base, ...called, kind: 'roll-call', at: '2026-11-23T04:00:00.000Z', run: 'run-0' },
      KEYS.privateKeyPem,
    );
    await writeMark(
      new DirectoryRepository('local', inTest('local')),
      {
        ...base,
        kind: 'drilled',
        at: '2026-11-23T05:00:00.000Z',
        run: 'run-2',
        level: 'installed',
        failed: null,
        serverVersion: '1.21.1',
        phases: [],
      },
      signingPair().privateKeyPem,
    ).catch(() => undefined);

    const { rollCalls, drills, marks } = await survey();

    expect(rollCalls).toMatchObject([{ run: 'run-0' }]);
    expect(drills).toEqual([]);
    expect(marks).toMatchObject([{ repository: 'local', problem: expect.stringContaining('not signed') as string }]);
  });

  it('has what restores took, by the reports of repositories that the controller has signed', async () => {
    const { privateKeyPem } = signingPair();
    const offsite = new DirectoryRepository('offsite', inTest('offsite'));
    const publish = async (run: string, changes: Partial<RecoveryReport>, key = KEYS.privateKeyPem) => {
      const report = reportWith({ cluster: 'prod', run, finishedAt: '2026-11-23T05:00:00.000Z', ...changes });
      await publishReport(offsite, report, reportFiles(report), key);
    };
    await publish('run-1', { method: 'snapshot', status: 'completed', rtoMachineSeconds: 30, rtoHumanSeconds: 600 });
    // Neither says how long a restore takes.
    await publish('run-2', { method: 'snapshot', status: 'aborted' });
    await publish('run-3', { method: 'rebuild', status: 'completed' });
    await publish('run-4', { method: 'snapshot', status: 'completed', rtoMachineSeconds: 1 }, privateKeyPem);

    expect((await survey()).restores).toEqual([
      { at: '2026-11-23T05:00:00.000Z', machineSeconds: 30, peopleSeconds: 600 },
    ]);
  });

  it('says what is wrong with the keys and the trail of the controller', async () => {
    await writeFile(inTest('state', 'audit.jsonl'), '{"seq":1}\n');
    await writeFile(inTest('signing.key'), signingPair().privateKeyPem);
    expect((await survey()).own).toMatchObject({
      signingKeysMatch: false,
      trail: { problems: [expect.stringContaining('line 1') as string] },
    });

    await rm(inTest('signing.key'));
    expect((await survey()).own).toMatchObject({
      signingKeysMatch: null,
      signingProblem: expect.stringContaining('ENOENT') as string,
    });
  });
});
