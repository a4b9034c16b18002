import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { type CopiedReport, reportedRuns, storeReport } from '../../../../activities/controller/report';
import { Controller } from '../../../../activities/controller/context';
import { parseConfig } from '../../../../src/config/load';
import type { RecoveryReport } from '../../../../src/contract/recovery';
import { restoreEnvironment } from '../../../support/activity-environment';
import { signingPair } from '../../../support/generation';
import { reportWith } from '../../../support/run-samples';
import { sampleConfig } from '../../../support/sample-config';
import { useDirectory } from '../../../support/temporary';

describe('the report of a recovery', () => {
  const inTest = useDirectory();
  const RUN = '01a20e44-4ffd-79d7-a62f-52f6f5151414';
  const OTHER = '01a20e44-4ffd-79d7-a62f-52f6f5151415';
  const KEYS = signingPair();
  const report = reportWith({ cluster: 'prod', run: RUN });
  const reports = () => inTest('local', 'prod', 'reports');

  beforeEach(async () => {
    await mkdir(inTest('local'), { mode: 0o700 });
    await writeFile(inTest('signing.key'), KEYS.privateKeyPem, { mode: 0o600 });
    await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
  });

  /** Each controller has a disk of its own; the second of the repositories is not there. */
  function controllerCalled(name: string): Controller {
    const text = sampleConfig({
      repositories: { local: inTest('local'), away: inTest('not-mounted') },
      publicKeyFile: inTest('signing.pub'),
      privateKeyFile: inTest('signing.key'),
    });
    const own = `controller: { name: ${name} }\nstateDir: ${inTest(name)}\n`;
    return new Controller({ config: parseConfig(`${text}${own}`, 'vault-dr.yaml') });
  }

  const store = (content: RecoveryReport = report) =>
    restoreEnvironment(RUN).run(() =>
      storeReport(controllerCalled('east'), { report: content }),
    ) as Promise<CopiedReport>;
  const ended = (name: string) =>
    restoreEnvironment(RUN).run(() => reportedRuns(controllerCalled(name), 'prod', [RUN, OTHER]));

  it('lies in each repository that answers, as on the disk, and says which does not', async () => {
    const stored = await store();

    expect(stored).toMatchObject({ copies: ['local'], missing: [{ repository: 'away' }] });
    expect(await readdir(reports())).toEqual([`${RUN}.json`, `${RUN}.json.sig`, `${RUN}.md`]);
    expect(await readFile(`${reports()}/${RUN}.json`)).toEqual(await readFile(stored.json));
    expect(await readFile(`${reports()}/${RUN}.md`)).toEqual(await readFile(stored.markdown));
    expect(await store()).toEqual(stored);
  });

  it('has a signature that can be checked with openssl, as the docs say', async () => {
    await store();
    const json = await readFile(`${reports()}/${RUN}.json`);
    await writeFile(inTest('signed'), Buffer.concat([Buffer.from('vault-dr/report/v1\n'), json]));
    const args = ['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', inTest('signing.pub'), '-in', inTest('signed')];

    const { status } = spawnSync('openssl', [...args, '-sigfile', `${reports()}/${RUN}.json.sig`]);

    expect(status).toBe(0);
  });

  it('is left out where nothing but a plan was made', async () => {
    await store({ ...report, status: 'planned' });

    expect(await readdir(inTest('local'))).toEqual([]);
  });

  it('tells another controller that the run has ended, also once the first is lost', async () => {
    expect([await ended('east'), await ended('west')]).toEqual([[], []]);

    await store();

    expect([await ended('east'), await ended('west')]).toEqual([[RUN], [RUN]]);
  });

  it.each<[string, () => Promise<void>]>([
    ['was changed', () => writeFile(`${reports()}/${RUN}.json`, JSON.stringify({ ...report, warnings: ['x'] }))],
    ['has no signature', () => rename(`${reports()}/${RUN}.json.sig`, `${reports()}/x.sig`)],
    ['is of another run', () => moveTo(OTHER)],
  ])('tells it nothing if it %s', async (_how, change) => {
    await store();
    await chmod(reports(), 0o700);

    await change();

    expect(await ended('west')).toEqual([]);
  });

  async function moveTo(run: string): Promise<void> {
    for (const end of ['json', 'json.sig']) await rename(`${reports()}/${RUN}.${end}`, `${reports()}/${run}.${end}`);
  }
});
