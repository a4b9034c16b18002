import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { verifyTrail } from '../../src/audit/audit-trail';
import { type AgeKeyPair, decryptArmored, generateIdentity } from '../../src/crypto/age';
import { findSecrets, inHistories } from '../support/attacker/secret-search';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import { filesSince, formsOf, hits, watchProcesses } from '../support/leaks';
import { makeSandboxHost } from '../support/sandbox-host';
import { openedBy, secretReportOf, secretRuns } from '../support/secret-runs';
import { isInstalled } from '../support/shell';

const OF_LAB = ['--cluster', 'lab', '--recover'];
const value = () => randomBytes(24).toString('hex');

/** A controller that is a sandbox host, approvers with keys of their own, and real shares. */
describeIf(isInstalled('bwrap'), 'there is no bubblewrap')('single secrets that a run brings back', () => {
  const lab = useLab({ nodes: 1 });
  const runs = secretRuns(lab);
  const began = Date.now();
  /** Values of everything that is in the backup. */
  const known = { old: value(), now: value(), beside: value(), gone: value() };
  const values = Object.values(known);
  let me: AgeKeyPair;

  const inLab = (...names: string[]) => join(lab().directory, ...names);
  const vault = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object) => {
    const answer = await lab().vault('vault-1', method, path, body === undefined ? {} : { body });
    if (answer.status >= 300 && answer.status !== 404) throw new Error(`${path}: ${answer.status}`);
    return answer.body as { data: Record<string, unknown> };
  };
  const forMe = () => ['--recipient', me.recipient];

  beforeAll(async () => {
    me = await generateIdentity();
    await vault('POST', 'secret/data/app/db', { data: { password: known.old } });
    await vault('POST', 'secret/data/app/db', { data: { password: known.now } });
    await vault('POST', 'secret/data/app/beside', { data: { password: known.beside } });
    await vault('POST', 'secret/data/app/gone', { data: { password: known.gone } });
    await vault('DELETE', 'secret/data/app/gone');
    const { code, stderr } = await lab().cli(['backup', '--cluster', 'lab']);
    if (code !== 0) throw new Error(stderr);
    await vault('DELETE', 'secret/metadata/app/db');
    await makeSandboxHost(lab());
  }, 180_000);

  it.each([
    ['a path that is none', ['--path', 'secret//db'], /is not a path of Vault/],
    ['a recipient that is none', ['--path', 'secret/app/db', '--recipient', 'age1nobody'], /is not an age recipient/],
    ['nobody to encrypt it to', ['--path', 'secret/app/db', '--recipient', ''], /--recipient|not said for whom/],
    ['a time to wait that is none', ['--path', 'secret/app/db', '--wait', 'soon'], /soon/],
    ['no token', ['--path', 'secret/app/db', '--write-back', '--yes'], /no token to write back with/],
  ])(
    'are refused before a run is started: %s',
    async (_what, args, message) => {
      const { code, stderr } = await runs.recover(args.includes('--recipient') ? args : [...args, ...forMe()], {
        VAULT_TOKEN: '',
      });

      expect(stderr).toMatch(message);
      expect(code).not.toBe(0);
      await expect(runs.progress()).rejects.toMatchObject({ code: 'NoSuchRun' });
    },
    60_000,
  );

  it('are of no backup that the cluster does not have, such as one of another cluster', async () => {
    const other = '20261123T040000Z-000000000042-0a1b2c3d';
    const { code, stdout } = await runs.recover(['--path', 'secret/app/db', ...forMe(), '--backup', other, '--json']);

    expect(code).not.toBe(0);
    expect(stdout).toContain('UnknownGeneration');
    expect(stdout).toContain(other);
  }, 120_000);

  it('come as ciphertext, after approvals and shares, and nothing of them is anywhere else', async () => {
    const file = inLab('recovered.age');
    const watched = watchProcesses(values);
    const paths = ['secret/app/db', 'secret/app/dbx', 'secret/never/was', 'nowhere/app', 'secret/app/gone'].flatMap(
      (path) => ['--path', path],
    );
    const running = runs.recover([...paths, ...forMe(), '--versions', 'all', '--to-file', file, '--json']);
    await runs.consent();
    const { code, report } = secretReportOf(await running);
    const seenInProcesses = await watched.end();

    // A part is missing.
    expect(code).toBe(1);
    expect(report).toMatchObject({
      requestedBy: 'ana',
      approvals: [{ approver: 'bob' }],
      host: 'lab-host',
      paths: [
        {
          path: 'secret/app/db',
          items: 1,
          versions: [
            { version: 1, state: 'readable', recovered: true },
            { version: 2, state: 'readable', recovered: true },
          ],
          missing: null,
        },
        { path: 'secret/app/dbx', items: 0, missing: 'not-there' },
        { path: 'secret/never/was', items: 0, missing: 'not-there' },
        { path: 'nowhere/app', items: 0, missing: 'no-mount' },
        { path: 'secret/app/gone', items: 0, missing: 'deleted' },
      ],
    });
    const items = await openedBy(me.identity, await readFile(file, 'utf8'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(items).toMatchObject([
      { path: 'secret/app/db', versions: [{ data: { password: known.old } }, { data: { password: known.now } }] },
    ]);
    await runs.expectNothingLeft();

    expect(await leaksIn(seenInProcesses)).toEqual([]);
    const trail = await readFile(inLab('controller', 'audit.jsonl'), 'utf8');
    const lines = trail
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { action: string; details: object });
    expect(lines.filter(({ action }) => action.startsWith('recover.')).at(-1)).toMatchObject({
      action: 'recover.done',
      outcome: 'success',
      details: { recipients: [me.recipient], host: 'lab-host', generation: report.plan.generation },
    });
    expect((await verifyTrail(inLab('controller', 'audit.jsonl'))).problems).toEqual([]);
    // The search finds what is there.
    await writeFile(inLab('planted'), Buffer.from(`x${known.now}`).toString('base64'));
    expect(await leaksIn([])).toEqual([inLab('planted')]);
    await writeFile(inLab('planted'), '');
  }, 300_000);

  it('are given to nobody whom approvers have not seen: not without them, and not by another key', async () => {
    const running = runs.recover(['--path', 'secret/app/', ...forMe(), '--json']);
    const { planHash } = await runs.reached('approve');
    const early = await runs.submit('holder-1', lab().unsealShares[0]!);
    const byFrank = await runs.approve('--key', lab().approverKeys.frank);
    const wrongHash = await lab().cli(['approve', ...OF_LAB, '--as', 'bob', '--plan', '0123456789ab']);
    const bySelf = await lab().cli(['approve', ...OF_LAB, '--as', 'ana', '--plan', planHash!]);
    const now = JSON.parse((await lab().cli(['status', ...OF_LAB, '--json'])).stdout) as object;
    await lab().temporalCli(['workflow', 'cancel', '--workflow-id', 'recover-lab']);

    expect((await running).code).not.toBe(0);
    expect(early.stderr).toContain('does not accept shares now');
    expect(byFrank.stdout).toContain('was not made with the key of bob');
    expect(wrongHash.stderr).toContain('not 0123456789ab');
    expect(bySelf.stdout).toContain('somebody else has to approve it');
    expect(now).toMatchObject({ execution: 'RUNNING', step: 'approve', approvals: [], shares: null });
    await runs.expectNothingLeft();
  }, 300_000);

  it('are written back by the command, which alone can read them, after a comparison', async () => {
    const token = { VAULT_TOKEN: lab().rootToken };
    const running = runs.recover(['--path', 'secret/app/db', '--write-back', '--yes', '--json'], token);
    const { plan } = await runs.reached('approve');
    await runs.consent();
    const { code, report } = secretReportOf(await running);

    expect(code).toBe(0);
    expect(plan?.recipients).toHaveLength(1);
    expect(plan?.recipients).not.toContain(me.recipient);
    expect(report.writeBack).toMatchObject({
      written: true,
      changes: [{ to: 'secret/app/db', versions: [2], outcome: 'create', checkAndSet: true }],
    });
    expect((await vault('GET', 'secret/data/app/db')).data['data']).toEqual({ password: known.now });
    await expect(decryptArmored(report.sealed, [me.identity])).rejects.toMatchObject({ code: 'DecryptionFailed' });
    expect(await runs.history()).not.toContain(lab().rootToken);
  }, 300_000);

  /** Places that hold a value in any form. */
  async function leaksIn(processes: readonly string[]): Promise<string[]> {
    const inFiles = Object.values(await hits(await filesSince(began, [lab().directory]), values)).flat();
    const connection = await Connection.connect({ address: lab().temporal.address });
    try {
      const needles = values.flatMap((text) => Object.entries(formsOf(text)).map(([name, bytes]) => ({ name, bytes })));
      const found = await findSecrets(needles, inHistories(new Client({ connection })));
      return [...processes, ...inFiles, ...found];
    } finally {
      await connection.close();
    }
  }
});
