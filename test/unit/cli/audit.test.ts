import { execFile } from 'node:child_process';
import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { publishHead } from '../../../src/audit/audit-heads';
import { witnessed } from '../../../src/audit/audit-record';
import { appendRecord } from '../../../src/audit/audit-trail';
import { DirectoryRepository } from '../../../src/repository/directory';
import { useDirectory } from '../../support/temporary';

const HOOK = join(__dirname, '../../support/typescript-hook.js');
const MAIN = join(__dirname, '../../../src/cli/main.ts');
const inTest = useDirectory();

/** The whole program, in a process of its own. */
function vaultDr(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['-r', HOOK, MAIN, ...args], (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

beforeEach(async () => {
  await mkdir(inTest('repository'));
  const service = { driver: 'command', start: ['up'], stop: ['down'], status: ['ask'] };
  const config = {
    stateDir: inTest(),
    clusters: {
      prod: {
        nodes: [
          {
            name: 'vault-1',
            address: 'https://vault-1:8200',
            clusterAddress: 'vault-1:8201',
            dataDir: '/opt/vault/data',
            service,
          },
        ],
        auth: { method: 'token', token: { file: '/token' } },
        repositories: ['local'],
        restore: { trust: 'namespace' },
      },
    },
    repositories: { local: { type: 'directory', path: inTest('repository') } },
    signing: { publicKeyFile: '/key' },
  };
  await writeFile(inTest('vault-dr.yaml'), stringify(config));
  const record = {
    actor: 'ada',
    action: 'backup',
    cluster: 'prod',
    run: 'r',
    outcome: 'success' as const,
    details: {},
  };
  for (const id of ['one', 'two']) {
    await appendRecord(inTest('audit.jsonl'), { ...record, id, at: '2026-11-23T04:00:00.000Z' });
  }
  await publishHead(inTest('audit.jsonl'), new DirectoryRepository('local', inTest('repository')), 'prod');
});

it("verifies the controller's own trail against what the repositories keep, and any file alone", async () => {
  const [own, alone, absent] = await Promise.all([
    vaultDr('audit', 'verify', '--config', inTest('vault-dr.yaml'), '--json'),
    vaultDr('audit', 'verify', inTest('audit.jsonl')),
    vaultDr('audit', 'verify', inTest('nothing.jsonl')),
  ]);

  expect(own.exitCode).toBe(0);
  expect(JSON.parse(own.stdout)).toEqual({
    file: inTest('audit.jsonl'),
    records: 2,
    head: expect.stringMatching(/^[0-9a-f]{64}$/),
    problems: [],
    findings: [],
    others: [],
    heads: { compared: true, matching: 1, problems: [], unanswered: [] },
  });
  expect(alone).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('intact, 2 records') });
  expect(alone.stderr).toContain('Not compared with the repositories');
  expect(absent.exitCode).toBe(2);
});

it('ends with 6 when a line was changed, or is gone that a repository knows', async () => {
  const text = await readFile(inTest('audit.jsonl'), 'utf8');
  await writeFile(inTest('cut.jsonl'), `${text.split('\n')[0]}\n`);
  await writeFile(inTest('changed.jsonl'), text.replace('"ada"', '"eve"'));
  await appendFile(inTest('changed.jsonl'), '{');

  const [cut, changed] = await Promise.all([
    vaultDr('audit', 'verify', inTest('cut.jsonl'), '--config', inTest('vault-dr.yaml')),
    vaultDr('audit', 'verify', inTest('changed.jsonl')),
  ]);

  expect(cut).toMatchObject({ exitCode: 6, stdout: expect.stringContaining('line 2, which was the last one') });
  expect(changed).toMatchObject({ exitCode: 6, stdout: expect.stringContaining('line 2 does not follow') });
  expect(changed.stdout).toContain('line 3 is half written');
});

it('ends with 6 when a line claims to be of another run, and shows which ones of a run are not there', async () => {
  const forger = { id: 'restore-prod', run: 'f0', type: 'anything' };
  const claim = { actor: 'ada', action: 'restore.approve', cluster: 'prod', outcome: 'success' as const, details: {} };
  const at = new Date().toISOString();
  await appendRecord(inTest('audit.jsonl'), witnessed({ ...claim, at, run: 'r', id: 'r/1' }, forger));
  await appendRecord(inTest('audit.jsonl'), witnessed({ ...claim, at, run: 'f0', id: 'f0/2' }, forger));

  const verified = await vaultDr('audit', 'verify', inTest('audit.jsonl'));

  expect(verified.exitCode).toBe(6);
  expect(verified.stdout).toContain(
    'line 3 claims to be of the run r, but the run f0 of restore-prod (anything) sent it',
  );
  expect(verified.stdout).toContain('line 4 is number 2 of the run f0, but 1 is not there');
});

it('ends with 6 when something else lies among the heads, and compares the others nevertheless', async () => {
  const text = await readFile(inTest('audit.jsonl'), 'utf8');
  await writeFile(inTest('cut.jsonl'), `${text.split('\n')[0]}\n`);
  await writeFile(inTest('repository', 'prod', 'audit', '0.json'), 'junk');

  const [whole, cut] = await Promise.all([
    vaultDr('audit', 'verify', '--config', inTest('vault-dr.yaml')),
    vaultDr('audit', 'verify', inTest('cut.jsonl'), '--config', inTest('vault-dr.yaml'), '--json'),
  ]);

  expect(whole).toMatchObject({ exitCode: 6, stdout: expect.stringContaining('0.json is not the head') });
  expect(whole.stdout).not.toContain('intact');
  expect(cut.exitCode).toBe(6);
  expect(JSON.parse(cut.stdout)).toMatchObject({
    heads: {
      compared: true,
      problems: [expect.stringContaining('line 2, which was the last one'), expect.stringContaining('0.json')],
    },
  });
});

it('ends with 1 when a repository does not answer, and claims nothing that it was needed for', async () => {
  await rename(inTest('repository'), inTest('elsewhere'));

  const [text, json] = await Promise.all([
    vaultDr('audit', 'verify', '--config', inTest('vault-dr.yaml')),
    vaultDr('audit', 'verify', '--config', inTest('vault-dr.yaml'), '--json'),
  ]);

  expect(text).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining('intact in itself, not compared with local, 2 records'),
    stderr: expect.stringContaining('local: stat failed with ENOENT'),
  });
  expect(json.exitCode).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    heads: { compared: false, matching: 0, unanswered: [{ repository: 'local' }] },
  });
});
