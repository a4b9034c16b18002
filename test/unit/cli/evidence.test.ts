import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { evidenceCommand } from '../../../src/cli/verbs/prove';
import type { ChainLink, Manifest } from '../../../src/contract/generation';
import type { EvidenceDocument } from '../../../src/evidence/schema';
import { reportFiles } from '../../../src/report/write-report';
import { DirectoryRepository } from '../../../src/repository/directory';
import { publishGeneration } from '../../../src/repository/generations';
import { parseManifest } from '../../../src/repository/manifest';
import { readMarks, writeMark } from '../../../src/repository/keep/marks';
import { publishReport, readReport } from '../../../src/repository/keep/reports';
import { appendRecord } from '../../../src/audit/audit-trail';
import { publishHead } from '../../../src/audit/audit-heads';
import { copyLines } from '../../../src/audit/trail-copies';
import { signingPair, stageSample } from '../../support/generation';
import { reportWith } from '../../support/run-samples';
import { runVerb } from '../../support/run-verb';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const KEYS = signingPair();
const RUN = '01a20752-189b-7247-a8d0-708bed2469e6';
const TIMES = ['2026-11-01T00:00:00.000Z', '2026-11-01T06:00:00.000Z', '2026-11-01T12:00:00.000Z'];
const REPOSITORIES = ['one', 'two'];
let ids: string[];
let links: ChainLink[];
let exitCode: typeof process.exitCode;

const repositoryOf = (name: string) => new DirectoryRepository(name, inTest(name));

beforeEach(async () => {
  exitCode = process.exitCode;
  ids = [];
  links = [];
  for (const name of REPOSITORIES) await mkdir(inTest(name), { mode: 0o700 });
  await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
  await writeFile(inTest('signing.key'), KEYS.privateKeyPem);
  await configure('objectives: { rpo: 7h, rto: 30m, people: 5m }');
  let previous: Manifest['previous'] = null;
  for (const capturedAt of TIMES) {
    const staged = await stageSample(inTest('staging'), KEYS, Buffer.from(capturedAt), { capturedAt, previous });
    for (const name of REPOSITORIES) await publishGeneration(repositoryOf(name), staged.directory);
    const { generation } = staged.manifest;
    previous = { generation, manifestSha256: staged.manifestSha256 };
    ids.push(generation);
    links.push(previous);
  }
  await audit(1, 'backup', { generation: ids[0], copies: [{ repository: 'one' }] });
});
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = exitCode;
});

async function configure(settings: string): Promise<void> {
  const places = { one: inTest('one'), two: inTest('two') };
  const files = { publicKeyFile: inTest('signing.pub'), privateKeyFile: inTest('signing.key') };
  const config = sampleConfig({ repositories: places, ...files })
    .replace('    restore: { trust', `    ${settings}\n    restore: { trust`)
    .concat(`stateDir: ${inTest('state')}\ncontroller: { name: dr-1 }\n`);
  await writeFile(inTest('vault-dr.yaml'), config);
}

/** A line of this host's trail, copied to the repositories as a controller does. */
async function audit(number: number, action: string, details: Record<string, unknown>): Promise<void> {
  const file = inTest('state', 'audit.jsonl');
  const at = `2026-11-01T06:0${number}:00.000Z`;
  const record = { id: `${RUN}/${number}`, at, actor: 'vault-dr', action, cluster: 'prod', run: RUN, details };
  const workflow = { id: 'backup-prod', run: RUN, type: 'backUpCluster' };
  await appendRecord(file, { ...record, outcome: 'success', workflow, recordedAt: at });
  for (const name of REPOSITORIES) {
    await copyLines(file, repositoryOf(name), 'prod', 'dr-1');
    await publishHead(file, repositoryOf(name), 'prod', { controller: 'dr-1' });
  }
}

async function drill(manifest: ChainLink, milliseconds = 1_000): Promise<void> {
  for (const name of REPOSITORIES) {
    await writeMark(
      repositoryOf(name),
      {
        kind: 'drilled',
        cluster: 'prod',
        at: '2026-11-01T13:00:00.000Z',
        run: 'd1',
        ...manifest,
        repository: 'one',
        level: 'installed',
        failed: null,
        serverVersion: '1.21.1',
        phases: [{ phase: 'load', milliseconds }],
      },
      KEYS.privateKeyPem,
    );
  }
}

const evidence = (...args: string[]) =>
  runVerb(evidenceCommand(), [
    '--cluster=prod',
    '--from=2026-11-01',
    '--to=2026-11-01T14:00:00Z',
    `--config=${inTest('vault-dr.yaml')}`,
    `--directory=${inTest('out')}`,
    '--as=ana',
    ...args,
  ]);

async function document(): Promise<EvidenceDocument> {
  return JSON.parse(await readFile(inTest('out', 'evidence.json'), 'utf8')) as EvidenceDocument;
}

function verdictIn({ checks }: EvidenceDocument, wanted: string) {
  const { verdict, seen } = checks.find(({ check }) => check === wanted)!;
  return { verdict, seen };
}

function openssl(file: string, signature = `${file}.sig`) {
  const args = ['pkeyutl', '-verify', '-pubin', '-inkey', inTest('signing.pub'), '-rawin', '-in', file];
  return spawnSync('openssl', [...args, '-sigfile', signature], { encoding: 'utf8' });
}

function sha256sum() {
  return spawnSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: inTest('out'), encoding: 'utf8' });
}

describe('the signed document', () => {
  it('is verified by openssl, and names what else was written; one changed byte fails', async () => {
    await drill(links[2]!);

    const { out, notes, exitCode: code } = await evidence('--pdf');

    expect(out).toContain('prod: not checked; 8 of 11 checks are met');
    expect(notes).toContain('Reading 6 copies end to end');
    expect(code).toBe(8);
    expect((await readdir(inTest('out'))).toSorted()).toEqual([
      'SHA256SUMS',
      'SHA256SUMS.sig',
      'evidence.json',
      'evidence.md',
      'evidence.pdf',
    ]);
    expect(openssl(inTest('out', 'SHA256SUMS'))).toMatchObject({ status: 0 });
    expect(sha256sum()).toMatchObject({ status: 0, stdout: 'evidence.json: OK\nevidence.md: OK\nevidence.pdf: OK\n' });
    const sums = await readFile(inTest('out', 'SHA256SUMS'), 'utf8');
    expect(sums.split('\n')[0]).toBe('# vault-dr/evidence/v1 prod 2026-11-01T00:00:00.000Z 2026-11-01T14:00:00.000Z');
    const der = execFileSync('openssl', ['pkey', '-pubin', '-in', inTest('signing.pub'), '-outform', 'DER']);
    expect((await document()).signingKeySha256).toBe(createHash('sha256').update(der).digest('hex'));

    const json = await readFile(inTest('out', 'evidence.json'), 'utf8');
    await writeFile(inTest('out', 'evidence.json'), json.replace('"not checked"', '"met"'));
    expect(sha256sum()).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('evidence.json: FAILED') as string,
    });
    await writeFile(inTest('out', 'SHA256SUMS'), sums.replace(/[0-9a-f]{64}/, '0'.repeat(64)));
    expect(openssl(inTest('out', 'SHA256SUMS'))).toMatchObject({ status: 1 });
  });

  it('is printed with --json, byte by byte as it is written', async () => {
    const { out } = await evidence('--json');

    expect(out).toBe(await readFile(inTest('out', 'evidence.json'), 'utf8'));
  });

  it('says what is met, and by what', async () => {
    await drill(links[2]!);

    await evidence();

    const found = await document();
    expect(verdictIn(found, 'recovery-point')).toEqual({
      verdict: 'met',
      seen: 'the longest time without a new good backup was 6 h 0 min, from 2026-11-01T00:00:00Z until 2026-11-01T06:00:00Z; at most 7 h 0 min (objectives.rpo) is wanted',
    });
    expect(found.checks.filter(({ verdict }) => verdict === 'met').map(({ check }) => check)).toEqual([
      'recovery-point',
      'recovery-time',
      'backups-whole',
      'two-repositories',
      'encrypted',
      'chain',
      'tests',
      'audit-trail',
    ]);
    expect(found).toMatchObject({ verdict: 'not checked', drills: [{ passed: true, level: 'installed' }] });
  });

  it('names a backup that somebody else has signed, and one whose bytes have changed', async () => {
    await writeFile(inTest('one', 'prod', ids[0]!, 'manifest.json.sig'), Buffer.alloc(64, 1));
    const snapshot = inTest('two', 'prod', ids[1]!, 'snapshot.snap.age');
    await writeFile(snapshot, 'x'.repeat((await readFile(snapshot)).length));

    const { exitCode: code } = await evidence();

    const found = await document();
    expect(code).toBe(7);
    expect(verdictIn(found, 'backups-whole')).toMatchObject({ verdict: 'not met' });
    expect(verdictIn(found, 'backups-whole').seen).toContain('is not signed with the configured key, or was modified');
    expect(verdictIn(found, 'backups-whole').seen).toContain(`${ids[1]} in two: `);
    expect(verdictIn(found, 'two-repositories')).toEqual({
      verdict: 'not met',
      seen: [0, 1].map((at) => `${ids[at]} has 1 copy read end to end, and no other that could be one`).join('; '),
    });
    expect(verdictIn(found, 'chain').seen).toContain(`${ids[0]} (unreadable) one: `);
  });

  it('passes nothing that it could not check, where a repository is away or no copy was read', async () => {
    await drill(links[2]!);
    await rename(inTest('two'), inTest('away'));

    await evidence();
    const away = await document();
    await rename(inTest('away'), inTest('two'));
    await rm(inTest('out'), { recursive: true });
    await evidence('--no-read');
    const unread = await document();

    expect(away.checks.filter(({ verdict }) => verdict === 'not met')).toEqual([]);
    expect(away.checks.filter(({ verdict }) => verdict === 'met').map(({ check }) => check)).toEqual([
      'recovery-point',
    ]);
    expect(verdictIn(away, 'chain').seen).toContain('two did not answer: ');
    for (const check of ['recovery-point', 'backups-whole', 'two-repositories']) {
      expect(verdictIn(unread, check)).toMatchObject({ verdict: 'not checked' });
    }
  });

  it('knows what was removed since by records alone, and does not pass it', async () => {
    for (const name of REPOSITORIES) await rm(inTest(name, 'prod', ids[0]!), { recursive: true });
    await rm(inTest('one', 'prod', ids[1]!), { recursive: true });
    await rm(inTest('two', 'prod', ids[1]!), { recursive: true });

    await evidence();

    const { backups, ...found } = await document();
    expect(backups.map(({ generation, source }) => [generation, source])).toEqual([
      [ids[0], 'audit trail'],
      [ids[1], 'signed record'],
      [ids[2], 'copies'],
    ]);
    expect(verdictIn({ backups, ...found }, 'recovery-point')).toMatchObject({ verdict: 'not checked' });
    expect(verdictIn({ backups, ...found }, 'chain')).toMatchObject({ verdict: 'not met' });
  });

  it('reports recoveries, and a report that is not signed', async () => {
    const report = reportWith({ cluster: 'prod', run: RUN, planHash: 'a'.repeat(64) });
    const shifted = { ...report, startedAt: '2026-11-01T07:00:00.000Z', finishedAt: '2026-11-01T07:02:00.000Z' };
    const changed = { ...shifted, phases: [...report.phases, { ...report.phases[0]!, phase: 'stop' as const }] };
    await publishReport(repositoryOf('one'), changed, reportFiles(changed), KEYS.privateKeyPem);
    await publishReport(repositoryOf('two'), changed, reportFiles(changed), signingPair().privateKeyPem);

    await evidence();

    const found = await document();
    expect(found.recoveries).toMatchObject([
      { run: RUN, source: 'signed report', status: 'completed', approved: 'not verified', repositories: ['one'] },
    ]);
    expect(verdictIn(found, 'chain').seen).toBe(
      `two: the report of ${RUN} is not signed by the controller, or of another run`,
    );
    // Whoever may start workflows may have such a report written: it proves nothing alone.
    expect(verdictIn(found, 'recovery-time')).toMatchObject({ verdict: 'not checked' });
  });

  it('finds that the trail of this host was changed', async () => {
    const file = inTest('state', 'audit.jsonl');
    await writeFile(file, (await readFile(file, 'utf8')).replace('"vault-dr"', '"somebody"'));

    await evidence();

    expect(verdictIn(await document(), 'audit-trail')).toMatchObject({ verdict: 'not met' });
  });

  it('reads the trail in the repositories where this host has none', async () => {
    await rm(inTest('state'), { recursive: true });

    await evidence();

    const found = await document();
    expect(found.auditTrails).toMatchObject([
      { controller: 'dr-1', place: 'the repositories', records: 1, problems: [] },
    ]);
    expect(verdictIn(found, 'audit-trail')).toMatchObject({ verdict: 'met' });
  });
});

describe('a signature of one kind', () => {
  it('is none of another: manifest, mark, report or evidence', async () => {
    await evidence();
    const [sums, signature] = [inTest('out', 'SHA256SUMS'), inTest('out', 'SHA256SUMS.sig')];
    const bytes = await readFile(sums);
    const place = inTest('one', 'prod');
    // As a mark, with its signature on the next line.
    await mkdir(join(place, 'marks'), { recursive: true });
    const mark = Buffer.concat([bytes, Buffer.from(`${(await readFile(signature)).toString('base64')}\n`)]);
    await writeFile(join(place, 'marks', `restored-${ids[0]}-20261101T130000000Z-1.json`), mark);
    // As a report.
    await mkdir(join(place, 'reports'), { recursive: true });
    await cp(sums, join(place, 'reports', `${RUN}.json`));
    await cp(signature, join(place, 'reports', `${RUN}.json.sig`));

    expect(() => parseManifest(bytes)).toThrow("This version can't read the manifest: file: ");
    expect(await readMarks(repositoryOf('one'), 'prod', KEYS.publicKeyPem)).toMatchObject({
      marks: [],
      problems: [expect.stringContaining('is not signed')],
    });
    expect(await readReport(repositoryOf('one'), 'prod', RUN, KEYS.publicKeyPem)).toBe('not signed');
    // A manifest is signed as it is, and lists no file.
    const manifest = inTest('two', 'prod', ids[0]!, 'manifest.json');
    expect(openssl(manifest)).toMatchObject({ status: 0 });
    await cp(manifest, sums);
    expect(sha256sum()).toMatchObject({ status: 1, stdout: '' });
  });

  it('is over nothing that comes from outside', async () => {
    const foreign = 'f'.repeat(64);
    const head = {
      format: 'vault-dr/audit-head/v1',
      host: foreign,
      trail: foreign,
      seq: 1,
      sha256: foreign,
      at: TIMES[0],
    };
    await writeFile(inTest('one', 'prod', 'audit', 'x.json'), JSON.stringify(head));

    await evidence();

    // Whoever writes into a repository has it in the document, and could show that as the manifest of a backup with this hash.
    expect(await readFile(inTest('out', 'evidence.json'), 'utf8')).toContain(foreign);
    expect(openssl(inTest('out', 'evidence.json'), inTest('out', 'SHA256SUMS.sig'))).toMatchObject({ status: 1 });
    expect(await readFile(inTest('out', 'SHA256SUMS'), 'utf8')).not.toContain(foreign);
  });

  it('is made with the configured pair, or not at all', async () => {
    await writeFile(inTest('signing.key'), signingPair().privateKeyPem);

    await expect(evidence()).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: 'signing.privateKey does not belong to signing.publicKeyFile.',
    });
    expect(await readdir(inTest())).not.toContain('out');
  });
});

describe('wrong usage', () => {
  it('is refused with all reasons', async () => {
    const found = runVerb(evidenceCommand(), [
      '--cluster=prod',
      '--from=2026-02-30',
      '--to=2999-01-01',
      `--config=${inTest('vault-dr.yaml')}`,
    ]);

    await expect(found).rejects.toMatchObject({
      code: 'InvalidInput',
      message:
        '--from must be a date such as 2026-11-01, or a time such as 2026-11-01T06:00:00Z; --to 2999-01-01 lies in the future.',
    });
  });

  it('overwrites nothing', async () => {
    await mkdir(inTest('out'));
    await writeFile(inTest('out', 'evidence.md'), 'of last year');

    await expect(evidence()).rejects.toMatchObject({
      code: 'InvalidInput',
      message: `${inTest('out')} exists, and is not empty.`,
    });
    expect(await readdir(inTest('out'))).toEqual(['evidence.md']);
    expect((await readdir(inTest())).filter((name) => name.startsWith('out.'))).toEqual([]);
  });
});
