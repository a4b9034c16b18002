import { cp, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { reportCommand } from '../../../src/cli/verbs/recover';
import { reportFiles } from '../../../src/report/write-report';
import { DirectoryRepository } from '../../../src/repository/directory';
import { publishReport } from '../../../src/repository/keep/reports';
import { signingPair } from '../../support/generation';
import { reportWith } from '../../support/run-samples';
import { runVerb } from '../../support/run-verb';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const KEYS = signingPair();
const RUN = '01a20752-189b-7247-a8d0-708bed2469e6';
const LATER = '01a20752-ffff-7247-a8d0-708bed2469e6';

beforeEach(async () => {
  for (const name of ['one', 'two']) await mkdir(inTest(name), { mode: 0o700 });
  await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
  const repositories = { one: inTest('one'), two: inTest('two') };
  await writeFile(inTest('vault-dr.yaml'), sampleConfig({ repositories, publicKeyFile: inTest('signing.pub') }));
});
afterEach(() => jest.restoreAllMocks());

async function store(name: string, run: string, { cluster = 'prod', privateKeyPem = KEYS.privateKeyPem } = {}) {
  const report = reportWith({ cluster, run, planHash: 'a'.repeat(64) });
  await publishReport(new DirectoryRepository(name, inTest(name)), report, reportFiles(report), privateKeyPem);
}

const stored = (...args: string[]) =>
  runVerb(reportCommand(), ['--cluster', 'prod', '--stored', '--config', inTest('vault-dr.yaml'), ...args]);

describe('report --stored', () => {
  it('prints the report of a run that Temporal need not know, from the first repository that has it', async () => {
    await store('two', RUN);

    const { out, notes } = await stored('--run', RUN);

    expect(out).toContain(RUN);
    expect(notes).toContain('From two, signed by the controller.');
  });

  it('prints the newest one where no run is named', async () => {
    await store('one', RUN);
    await store('two', LATER);
    const old = new Date('2026-11-01T00:00:00Z');
    await utimes(inTest('one', 'prod', 'reports', `${RUN}.json`), old, old);

    const { out } = await stored('--json');

    expect(JSON.parse(out)).toMatchObject({ run: LATER, status: 'completed' });
  });

  it('prints none that somebody else has signed, or that is of another run or cluster', async () => {
    await store('one', RUN, { privateKeyPem: signingPair().privateKeyPem });
    await store('two', LATER);
    for (const end of ['.json', '.json.sig']) {
      const [from, to] = [LATER, RUN].map((run) => inTest('two', 'prod', 'reports', `${run}${end}`));
      await cp(from!, to!);
    }

    await expect(stored('--run', RUN)).rejects.toMatchObject({
      code: 'NoSuchRun',
      message:
        `No repository has a signed report of the run ${RUN}; ` +
        'one: its report is not signed by the controller; two: its report is not signed by the controller.',
    });
  });

  it('says what did not answer where it finds none', async () => {
    await rm(inTest('one'), { recursive: true });

    await expect(stored()).rejects.toMatchObject({
      code: 'NoSuchRun',
      message: expect.stringMatching(/^No repository has a signed report of 'prod'; one: .*one/) as string,
    });
  });

  it('takes nothing for the id of a run that could be a path', async () => {
    await expect(stored('--run', '../../etc')).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});
