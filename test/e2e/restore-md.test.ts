import { copyFile, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BackupResult } from '../../src/contract/backup';
import type { LabNode } from '../../src/lab/layout';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { ByHand } from '../support/by-hand';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

/**
 * Brings a cluster back by the commands that stand in RESTORE.md, in their order, with nothing but stock tools: sha256sum,
 * openssl, age and the vault CLI. No part of vault-dr runs.
 */
describe('RESTORE.md', () => {
  const lab = useLab();
  let secrets: SampleSecret[];
  let directory: string;
  let blocks: string[][];
  let caFile: string;
  let hand: ByHand;

  beforeAll(async () => {
    secrets = await lab().writeSecrets(10);
    const backup = await restoreDriver(lab()).json<BackupResult>(['backup', '--cluster', 'lab']);
    directory = join(lab().directory, 'by-hand');
    caFile = join(dirname(lab().nodes[0]?.certificateFile ?? ''), 'ca.pem');
    hand = await ByHand.in(lab(), directory, { VAULT_CACERT: caFile });
    const copy = join(lab().localRepository, 'lab', backup.generation);
    for (const name of await readdir(copy)) await copyFile(join(copy, name), join(directory, name));
    blocks = commandBlocks(await readFile(join(directory, 'RESTORE.md'), 'utf8'));

    await hand.loseEverything();
    await lab().s3.server.kill();
  }, 90_000);

  it('has every step as commands', () => {
    const lines = blocks.flat().join('\n');

    for (const wanted of [
      'sha256sum -c',
      'openssl pkeyutl',
      'age -d',
      'operator init',
      'restore -force',
      'raft join',
    ]) {
      expect(lines).toContain(wanted);
    }
  });

  it('checks and decrypts the copy', async () => {
    const [check, decrypt] = [blockWith('sha256sum -c'), blockWith('-o snapshot.snap')];
    const publicKey = join(lab().directory, 'signing-key.pub.pem');

    const outputs: string[] = [];
    for (const line of check) outputs.push(await sh(line.replace('SIGNING-PUBLIC-KEY.pem', publicKey)));
    for (const line of decrypt) await sh(line.replace('IDENTITY', lab().backupIdentityFile));

    expect(outputs[0]).toContain('snapshot.snap.age: OK');
    expect(outputs[1]).toContain('Signature Verified Successfully');
    expect(outputs[2]).toContain('sumsSha256');
    expect((await sh('tar -tzf snapshot.snap')).split('\n').sort()).toEqual(
      ['SHA256SUMS', 'SHA256SUMS.sealed', 'meta.json', 'state.bin'].sort(),
    );
  }, 30_000);

  it('brings the configuration of a node back to its place', async () => {
    const { vaultConfigFile } = nodeAt(0);
    const before = await readFile(vaultConfigFile, 'utf8');
    await rm(vaultConfigFile);

    for (const line of blockWith('tar -x')) await sh(line.replace('IDENTITY', lab().backupIdentityFile));

    expect(await readFile(vaultConfigFile, 'utf8')).toBe(before);
  }, 30_000);

  it('brings the first node back', async () => {
    const [away, install, afterwards] = [
      blockWith('pre-restore'),
      blockWith('operator init'),
      blockWith('restart vault'),
    ];
    for (const node of lab().nodes) for (const line of away) await follow(line, node);

    const first = nodeAt(0);
    for (const line of install) await follow(line, first);
    await hand.untilInstalled(first);
    const outputs = [];
    for (const line of afterwards) outputs.push(await follow(line, first));

    expect(outputs.join('\n')).toMatch(/Sealed\s+false/);
    const peers = outputs.at(-1) ?? '';
    expect(peers).toContain('vault-1');
    expect(peers).not.toContain('vault-2');
  }, 120_000);

  it('joins the others, and every secret is back through each node', async () => {
    const joining = blockWith('raft join');
    for (const node of [nodeAt(1), nodeAt(2)]) for (const line of joining) await follow(line, node);

    await waitFor(
      'three voters',
      async () => ((await follow('vault operator raft list-peers', nodeAt(0))).match(/true/g) ?? []).length === 3,
      { timeoutMs: 60_000 },
    );

    for (const { name } of lab().nodes) {
      const values = await Promise.all(secrets.map(({ path }) => lab().readSecret(path, name)));
      expect(values).toEqual(secrets.map(({ value }) => value));
    }
  }, 120_000);

  const sh = (command: string) => hand.sh(command);

  /** One line of the page, as an operator would type it on that node. */
  async function follow(line: string, node: LabNode): Promise<string> {
    const command = line
      .replaceAll('DATA_DIR', node.dataDir)
      .replace('CA.pem', caFile)
      .replace('https://ADDRESS-OF-THE-FIRST-NODE:8200', nodeAt(0).address);
    return command.startsWith('export VAULT_ADDR=') ? '' : hand.follow(command, node);
  }

  function blockWith(text: string): string[] {
    const block = blocks.find((lines) => lines.some((line) => line.includes(text)));
    if (!block) throw new Error(`RESTORE.md has no block with '${text}'`);
    return block;
  }

  function nodeAt(index: number): LabNode {
    const node = lab().nodes[index];
    if (!node) throw new Error(`the lab has no node ${index}`);
    return node;
  }
});

/** Each fenced block as its lines, without the remarks behind them. */
function commandBlocks(markdown: string): string[][] {
  return [...markdown.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) =>
    block
      .trim()
      .split('\n')
      .map((line) => line.replace(/\s+#.*$/, '')),
  );
}
