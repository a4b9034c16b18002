import { mkdir, rm, writeFile } from 'node:fs/promises';
import { backupsCommand } from '../../../src/cli/verbs/backups';
import { manyBackups, signingPair } from '../../support/generation';
import { MemoryS3, type MemoryS3Options } from '../../support/memory-s3';
import { runVerb } from '../../support/run-verb';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const KEYS = signingPair();
const COUNT = 120;
/** Half of what S3 gives at once, so that a few backups make many pages. */
const PAGE = 500;
const BACKUPS = manyBackups(KEYS, COUNT);
const IDS = BACKUPS.map(({ generation }) => generation);
/** A backup has six objects. */
const PAGES = Math.ceil((COUNT * 6) / PAGE);
jest.setTimeout(120_000);

let exitCode: typeof process.exitCode;
let store: MemoryS3;
beforeEach(async () => {
  exitCode = process.exitCode;
  await fill({});
  await mkdir(inTest('state'), { mode: 0o700 });
  await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
  await writeFile(inTest('signing.key'), KEYS.privateKeyPem);
  await writeFile(inTest('id'), 'any', { mode: 0o600 });
});
afterEach(async () => {
  await store.stop();
  process.exitCode = exitCode;
});

/** What else a cluster has there, too: a head of the trail for each backup. */
async function fill(options: MemoryS3Options, lockedUntil?: (index: number) => string | undefined): Promise<void> {
  await store?.stop();
  store = await MemoryS3.start({ page: PAGE, ...options });
  for (const [index, { generation, files }] of BACKUPS.entries()) {
    const until = lockedUntil?.(index);
    const lock: Record<string, string> = until === undefined ? {} : { 'x-amz-object-lock-retain-until-date': until };
    for (const [file, bytes] of files) store.store(`prod/${generation}/${file}`, bytes, lock);
    store.store(`prod/audit/${generation}.json`, Buffer.from('head'));
  }
}

async function run(...args: string[]) {
  const { endpoint, bucket } = store.settings();
  const ids = '{ accessKeyId: { file: ID }, secretAccessKey: { file: ID } }'.replaceAll('ID', inTest('id'));
  const config = sampleConfig({
    repositories: { offsite: 'REPLACED' },
    publicKeyFile: inTest('signing.pub'),
    privateKeyFile: inTest('signing.key'),
  }).replace(
    '{ type: directory, path: REPLACED }',
    `{ type: s3, bucket: ${bucket}, endpoint: '${endpoint}', forcePathStyle: true, credentials: ${ids} }`,
  );
  await writeFile(inTest('vault-dr.yaml'), `stateDir: ${inTest('state')}\n${config}`);
  store.counted();
  const result = await runVerb(backupsCommand(), [...args, '--cluster', 'prod', '--config', inTest('vault-dr.yaml')]);
  return { ...result, requests: store.counted() };
}

const idsIn = (text: string) =>
  text.split('\n').flatMap((line) => /\b\d{8}T\d{6}Z-\d{12}-[0-9a-f]{8}\b/.exec(line) ?? []);

describe('list', () => {
  it('asks for the newest and for nothing else, and once', async () => {
    const cold = await run('list');
    const warm = await run('list');
    const page = await run('list', '--limit', '50');
    const again = await run('list', '--limit', '50');

    expect(idsIn(cold.out)).toEqual(IDS.slice(0, 10));
    expect(cold.notes).toContain('There are older ones: --limit COUNT, or --all');
    expect(cold.requests.all).toBeLessThanOrEqual(25);
    expect(idsIn(page.out)).toEqual(IDS.slice(0, 50));
    expect(warm.out).toBe(cold.out);
    expect(warm.requests.all).toBeLessThanOrEqual(3);
    expect(again.requests.all).toBeLessThanOrEqual(3);
  });

  it('shows every one, page by page, and names what belongs to none', async () => {
    store.store('prod/forgotten.snap', Buffer.from('?'));

    const { out, notes, requests } = await run('list', '--all');
    const json = await run('list', '--all', '--json');

    expect(idsIn(out)).toEqual(IDS);
    expect(notes).toContain('prod/forgotten.snap');
    expect(notes).not.toContain('There are older ones');
    expect(requests.get).toBe(2 * COUNT);
    expect(JSON.parse(json.out)).toMatchObject({ copies: { length: COUNT }, complete: true });
    expect(json.requests.get).toBeUndefined();
    expect(json.requests.all).toBeLessThanOrEqual(3 * PAGES + 4);
  });
});

describe('what is about one or two', () => {
  it.each([
    ['show latest', ['show', 'latest'], 18],
    ['show an old one', ['show', IDS[110]!], 4],
    ['diff of two', ['diff', IDS[110]!, IDS[105]!], 7],
    ['diff with latest', ['diff', IDS[110]!], 20],
  ])('%s reads no other', async (_what, args, most) => {
    const { requests, exitCode: code } = await run(...args);

    expect(code).toBeUndefined();
    expect(requests.all).toBeLessThanOrEqual(most);
  });

  it('says what there is where an id is not', async () => {
    const unknown = run('show', '20200101T000000Z-000000000001-0a1b2c3d');

    await expect(unknown).rejects.toMatchObject({
      code: 'UnknownGeneration',
      message: expect.stringContaining(IDS[0]!),
    });
  });
});

describe('prune --dry-run', () => {
  it('asks for no lock of a bucket that knows none', async () => {
    await run('list', '--all');

    const { out, requests } = await run('prune', '--dry-run');

    expect(out.split('\n').filter((line) => line.includes('would be removed'))).toHaveLength(COUNT - 2);
    expect(requests.all).toBeLessThanOrEqual(PAGES + 3);
  });

  it('asks twice at most for each that goes, and finds every lock', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    await fill({ locks: true }, (index) => (index % 10 === 0 ? tomorrow : undefined));
    await run('list', '--all');
    let [asked, most] = [0, 0];
    store.before = (what) => {
      if (what !== 'head') return;
      most = Math.max(most, ++asked);
      setTimeout(() => asked--, 5);
    };

    const { out, requests } = await run('prune', '--dry-run');

    expect(out.split('\n').filter((line) => line.endsWith('locked, kept for now'))).toHaveLength(11);
    expect(requests.head).toBeLessThanOrEqual(2 * (COUNT - 2));
    expect(requests.all).toBeLessThanOrEqual(2 * (COUNT - 2) + PAGES + 3);
    expect(most).toBeGreaterThan(1);
  });
});

describe('verify --chain', () => {
  it('follows what was read before without reading it again', async () => {
    const cold = await run('verify', '--chain');
    const warm = await run('verify', '--chain');

    expect(cold.out).toContain('complete');
    expect(cold.requests.get).toBe(2 * COUNT);
    expect(warm.requests.all).toBeLessThanOrEqual(PAGES + 2);
  });
});

describe('a directory', () => {
  it('is not read beyond the newest', async () => {
    await mkdir(inTest('local'), { mode: 0o700 });
    for (const { generation, files } of BACKUPS.slice(0, 40)) {
      await mkdir(inTest('local', 'prod', generation), { recursive: true });
      for (const [file, bytes] of files) await writeFile(inTest('local', 'prod', generation, file), bytes);
    }
    // Whoever reads them would complain.
    for (const id of IDS.slice(20, 40)) await rm(inTest('local', 'prod', id, 'manifest.json.sig'));
    const config = sampleConfig({ repositories: { local: inTest('local') }, publicKeyFile: inTest('signing.pub') });
    await writeFile(inTest('local.yaml'), config);
    const list = (...args: string[]) =>
      runVerb(backupsCommand(), ['list', ...args, '--cluster', 'prod', '--config', inTest('local.yaml')]);

    const page = await list('--limit', '20');
    const all = await list('--all');

    expect(idsIn(page.out)).toEqual(IDS.slice(0, 20));
    expect(page.exitCode).toBeUndefined();
    expect(idsIn(all.out)).toEqual(IDS.slice(0, 20));
    expect(all.exitCode).toBe(6);
  });
});
