import { mkdir, rm, writeFile } from 'node:fs/promises';
import { Controller } from '../../../../activities/controller/context';
import { judgeAndTell } from '../../../../activities/controller/tell-readiness';
import { parseConfig } from '../../../../src/config/load';
import type { KitContents } from '../../../../src/contract/kit';
import type { ReadinessReport } from '../../../../src/contract/readiness';
import { readinessReport } from '../../../../src/contract/step-input/readiness';
import { readinessEnvironment } from '../../../support/activity-environment';
import { signingPair } from '../../../support/generation';
import { type ReadyChanges, readyFacts } from '../../../support/ready-facts';
import { sampleConfig } from '../../../support/sample-config';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
type Told = Awaited<ReturnType<typeof judgeAndTell>>;

describe('an evaluation', () => {
  let previous: ReadinessReport | null;
  let isFailureSaid: boolean;

  beforeEach(async () => {
    previous = null;
    isFailureSaid = false;
    await mkdir(inTest('one', 'prod'), { recursive: true, mode: 0o700 });
    await writeFile(inTest('signing.pub'), signingPair().publicKeyPem);
  });

  /** The result becomes the one before the next. */
  async function evaluate({
    notify = '{ command: [tell] }',
    holders = 'carol',
    ...changes
  }: ReadyChanges & {
    notify?: string | null;
    holders?: string;
  } = {}): Promise<Told> {
    const text = sampleConfig({ repositories: { one: inTest('one') }, publicKeyFile: inTest('signing.pub') });
    const config = parseConfig(
      `${text.replace('    restore:', `    rollCall: { holders: [${holders}] }\n    restore:`)}${notify === null ? '' : `notify: ${notify}\n`}`,
      'x',
    );
    const controller = new Controller({
      config,
      previousEvaluation: () => Promise.resolve(previous),
      isFailureSaid: () => Promise.resolve(isFailureSaid),
    });
    const { live, inspections, backups, canary } = readyFacts(changes);
    const facts = { live, inspections, backups, ...(canary ? { canary } : {}) };
    const told = (await readinessEnvironment('run-1').run(() =>
      judgeAndTell(controller, { cluster: 'prod', facts }),
    )) as Told;
    const { tell: _tell, kitChanged: _changed, ...judged } = told;
    const report = { cluster: 'prod', run: 'run-1', requestedBy: 'ana', startedAt: told.evaluatedAt, ...judged };
    // The next evaluation reads it back.
    previous = readinessReport.parse(JSON.parse(JSON.stringify(report)));
    return told;
  }

  it('says that another one ends again after one that failed, whatever it says', async () => {
    isFailureSaid = true;
    const first = await evaluate({ silent: ['backups'] });
    const second = await evaluate({ silent: ['backups'] });
    isFailureSaid = false;
    const after = await evaluate({ silent: ['backups'] });

    expect([first, second, after].map(({ tell }) => tell)).toEqual([
      ['evaluated again', 'not ready'],
      ['evaluated again'],
      undefined,
    ]);
  });

  it('says once what has changed about the break-glass kit, and nothing the first time', async () => {
    const first = await evaluate();
    const same = await evaluate();
    const changed = await evaluate({ holders: 'carol, dave' });
    const after = await evaluate({ holders: 'carol, dave' });

    expect([first, same, changed, after].map(({ kitChanged }) => kitChanged)).toEqual([
      undefined,
      undefined,
      ['holders'],
      undefined,
    ]);
    expect(same.kit).toEqual(first.kit);
    expect(changed.kit).not.toEqual(first.kit);
  });

  it('remembers the one before while no backup can be read, or a file is away', async () => {
    const { kit } = await evaluate();
    const silent = await evaluate({ silent: ['backups'] });
    await rm(inTest('signing.pub'));
    const keyless = await evaluate({ silent: ['backups'] });
    await writeFile(inTest('signing.pub'), signingPair().publicKeyPem);
    const again = await evaluate();

    expect(kit).toBeDefined();
    expect([silent.kit, keyless.kit]).toEqual([kit, kit]);
    expect(again.kitChanged).toEqual(['signing']);
  });

  it('has no opinion on what an earlier version said nothing about', async () => {
    const { kit } = await evaluate();
    previous = { ...previous!, kit: { ...kit!, parts: {} } satisfies KitContents };
    const laterPart = await evaluate({ holders: 'dave' });
    delete previous.kit;
    const earlierVersion = await evaluate({ holders: 'erin' });

    expect([laterPart.kitChanged, earlierVersion.kitChanged]).toEqual([undefined, undefined]);
  });

  it('notifies nobody where nobody is to be notified', async () => {
    await evaluate({ notify: null });
    const changed = await evaluate({ notify: null, holders: 'dave' });

    expect(changed.kit).toBeDefined();
    expect(changed).not.toHaveProperty('kitChanged');
  });
});
