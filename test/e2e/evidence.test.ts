import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { GenerationCopy } from '../../src/contract/generation';
import type { EvidenceDocument } from '../../src/evidence/schema';
import { documentedCommands, type DocumentedCommands } from '../support/documented-commands';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import type { RawConfig } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';
import { isInstalled } from '../support/shell';

const PAGE = 'docs/operate/evidence.md';
const TODAY = new Date().toISOString().slice(0, 10);

describeIf(isInstalled('bwrap'), 'there is no bubblewrap')('evidence for auditors', () => {
  const lab = useLab({ nodes: 1 });
  let documented: DocumentedCommands;

  const inLab = (...names: string[]) => join(lab().directory, ...names);
  /** Temporal is lost: nothing answers there. */
  const lost = { TEMPORAL_ADDRESS: '127.0.0.1:1' };
  async function evidence(directory: string, ...args: string[]) {
    const { code, stdout, stderr } = await lab().cli(
      ['evidence', '--cluster', 'lab', '--from', TODAY, '--directory', inLab(directory), '--json', ...args],
      { env: lost },
    );
    const found = JSON.parse(stdout) as EvidenceDocument;
    const seen = Object.fromEntries(
      found.checks.map(({ check, verdict, seen: text }) => [check, `${verdict}: ${text}`]),
    );
    return { code, stderr, found, seen };
  }

  beforeAll(async () => {
    documented = await documentedCommands(lab());
    const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    const cluster = config.clusters['lab']!;
    const [program] = (cluster.nodes[0]!.service as { command: string[] }).command;
    config.sandbox = { program: program!, writable: [lab().directory] };
    Object.assign(cluster, { objectives: { rpo: '1d', rto: '30m', people: '5m' } });
    await writeFile(lab().configFile, stringify(config));
    await lab().writeSecrets(20);
    for (const args of [['backup'], ['backup'], ['drill'], ['backups', 'verify', 'all']]) {
      const { code, stderr } = await lab().cli([...args, '--cluster', 'lab']);
      if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
    }
    const restore = restoreDriver(lab());
    await restore.start('--accept', 'lose-newer-data');
    await restore.approve();
    await restore.unsealAll(lab().unsealShares);
    await restore.result();
  }, 600_000);

  /** The documented commands, for today and the key of the lab. */
  const forToday = (block: string) =>
    block
      .replace('--from 2026-10-01 --to 2026-12-31', `--from ${TODAY}`)
      .replaceAll('/etc/vault-dr/signing-key.pub.pem', signingKey);
  let signingKey: string;
  beforeAll(async () => {
    const { signing } = parse(await readFile(lab().configFile, 'utf8')) as { signing: { publicKeyFile: string } };
    signingKey = signing.publicKeyFile;
  });

  it('is written and checked with the documented commands, and one changed byte fails', async () => {
    const made = await documented.run(forToday(await documented.block(PAGE, 'vault-dr evidence')));
    const check = forToday(await documented.block(PAGE, 'openssl pkeyutl'));
    const checked = await documented.run(check);
    const inside = (name: string) => join(documented.directory, 'evidence-2026-q4', name);
    const json = await readFile(inside('evidence.json'), 'utf8');
    await writeFile(inside('evidence.json'), json.replace('"verdict": "not', '"verdict": "no '));
    const changed = await documented.run(check);
    await writeFile(inside('evidence.json'), json);
    const sums = await readFile(inside('SHA256SUMS'), 'utf8');
    await writeFile(inside('SHA256SUMS'), sums.replace(' lab ', ' lob '));
    const forged = await documented.run(check);

    // Nobody configured who holds shares.
    expect(made).toMatchObject({ code: 8, stdout: expect.stringContaining('lab: not checked; ') as string });
    expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining('evidence.pdf: OK') as string });
    expect(changed).toMatchObject({ code: 1, stdout: expect.stringContaining('evidence.json: FAILED') as string });
    expect(forged).toMatchObject({ code: 1, stdout: expect.stringContaining('Verification Failure') as string });
  }, 120_000);

  it('says what was backed up, tested, approved and restored, with Temporal lost', async () => {
    const { stdout } = await lab().cli(['backups', 'list', '--cluster', 'lab', '--json']);
    const { copies } = JSON.parse(stdout) as { copies: GenerationCopy[] };
    const [first = ''] = copies.map(({ manifest }) => manifest.capturedAt).toSorted();

    const { code, found, seen } = await evidence('whole', '--from', first);

    expect(code).toBe(8);
    expect(found.checks.filter(({ verdict }) => verdict !== 'met').map(({ check }) => check)).toEqual(['key-holders']);
    expect(seen['key-holders']).toBe('not checked: rollCall.holders is not configured');
    expect(seen['locked']).toMatch(/^met: 3 copies are locked as configured, in offsite/);
    expect(seen['recovery-time']).toMatch(/^met: 1 restore took at most \d/);
    expect(seen['approvals']).toBe("met: the approvers' signatures of 1 recovery were verified");
    // Each restore ends with a backup.
    expect(found.backups).toHaveLength(3);
    for (const backup of found.backups) {
      expect(backup.copies).toMatchObject([
        { repository: 'local', state: 'whole' },
        { repository: 'offsite', state: 'whole' },
      ]);
    }
    expect(found.recoveries).toMatchObject([
      {
        method: 'snapshot',
        status: 'completed',
        approved: 'verified',
        approvals: [{ approver: 'bob', problem: null }],
        holders: ['carol', 'dave', 'erin'],
        repositories: ['local', 'offsite'],
      },
    ]);
    expect(found.drills).toMatchObject([{ passed: true, level: 'installed' }]);
    expect(found.findings).toEqual([]);
  }, 120_000);

  it('names a copy that is damaged, and passes nothing of it', async () => {
    const names = await readdir(inLab('repository', 'lab'), { recursive: true });
    const damaged = names.find((name) => name.endsWith('.age') && name.includes('snapshot'))!;
    const path = inLab('repository', 'lab', damaged);
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);

    const { code, found, seen } = await evidence('damaged');

    expect(code).toBe(7);
    const [generation = ''] = damaged.split('/');
    expect(seen['backups-whole']).toMatch(
      new RegExp(`^not met: ${generation} in local: .* has SHA-256 \\S+ instead of `),
    );
    expect(seen['two-repositories']).toMatch(new RegExp(`^not met: ${generation} has 1 copy`));
    expect(found.standards[0]!.controls[0]).toMatchObject({ control: 'A.8.13', verdict: 'not met' });
  }, 120_000);
});
