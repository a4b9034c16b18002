import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { BackupResult } from '../../src/contract/backup';
import type { LabNode } from '../../src/lab/layout';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { ByHand } from '../support/by-hand';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

interface Configuration {
  clusters: Record<string, { nodes: { service: unknown }[]; tls: { caFile: string } }>;
}

const hasAws = (() => {
  try {
    execFileSync('aws', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** Brings a cluster back with what the paper says and stock tools, and with nothing else. */
describe('the break-glass kit', () => {
  const lab = useLab();
  let secrets: SampleSecret[];
  let backup: BackupResult;
  let directory: string;
  let text: string;
  let holderPage: string;
  let hand: ByHand;

  beforeAll(async () => {
    secrets = await lab().writeSecrets(10);
    backup = await restoreDriver(lab()).json<BackupResult>(['backup', '--cluster', 'lab']);
    directory = join(lab().directory, 'by-hand');
    // As production has it: systemd starts Vault.
    const configuration = parse(await readFile(lab().configFile, 'utf8')) as Configuration;
    for (const node of configuration.clusters['lab']!.nodes) node.service = { driver: 'systemd', unit: 'vault' };
    const configFile = join(lab().directory, 'kit.yaml');
    await writeFile(configFile, stringify(configuration), { mode: 0o600 });
    ({ text } = JSON.parse((await lab().cli(['kit', '--cluster', 'lab', '--config', configFile, '--json'])).stdout) as {
      text: string;
    });
    const page = ['--config', configFile, '--output', join(lab().directory, 'page.html'), '--json'];
    ({ sha256: holderPage } = JSON.parse((await lab().cli(['holder-page', '--cluster', 'lab', ...page])).stdout) as {
      sha256: string;
    });
    const { accessKeyId, secretAccessKey } = lab().s3.credentials;
    hand = await ByHand.in(lab(), directory, {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    });
    await hand.loseEverything();
    // What it sends people for.
    const [, identity = ''] = /identity\.txt +file (\S+) on vault-1/.exec(text) ?? [];
    const [, authorities = ''] = / (\/\S+) of the controller$/m.exec(text) ?? [];
    await copyFile(identity, join(directory, 'identity.txt'));
    await copyFile(authorities, join(directory, 'ca.pem'));
  }, 120_000);

  it('holds no secret of the cluster', async () => {
    const files = [lab().backupIdentityFile, join(lab().directory, 'signing-key.pem')];
    const contents = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
    const known = [
      ...contents.flatMap((content) => content.split('\n')).filter((line) => line.length > 20 && !/^#|^---/.test(line)),
      ...lab().unsealShares,
      lab().rootToken,
      lab().s3.credentials.secretAccessKey,
    ];

    expect(known.length).toBeGreaterThan(7);
    expect(known.filter((secret) => text.includes(secret))).toEqual([]);
  });

  it('has the checksum of the page that key holders keep', () => {
    expect(text).toContain(`SHA-256 ${holderPage}, as vault-dr`);
  });

  describeIf(hasAws, 'there is no aws')('from the bucket', () => {
    it('fetches the same files', async () => {
      const elsewhere = join(directory, 'from-bucket');
      await mkdir(elsewhere);
      const [list = '', get = ''] = stepOf('0.').filter((line) => line.includes('aws s3 '));

      await hand.sh(`cd ${elsewhere}\n${list}\n${get}`);

      const copied = join(lab().localRepository, 'lab', backup.generation);
      expect((await readdir(elsewhere)).toSorted()).toEqual((await readdir(copied)).toSorted());
    }, 60_000);
  });

  it('fetches, checks and decrypts the newest backup', async () => {
    const fetched = await hand.sh(stepOf('0.').find((command) => command.startsWith('B=$(ls')) ?? '');
    await hand.sh(stepOf('0.').find((command) => command.startsWith('cat >signing')) ?? '');
    const hashes: string[] = [];
    for (const command of stepOf('0.').filter((one) => one.startsWith('openssl'))) hashes.push(await hand.sh(command));
    const checks: string[] = [];
    for (const command of stepOf('1.')) checks.push(await hand.sh(command));
    await hand.sh(stepOf('2.')[0] ?? '');

    expect(fetched).toBe(backup.generation);
    expect(hashes).toHaveLength(2);
    for (const hash of hashes) expect(text).toContain(`SHA-256 ${hash.split(' ')[0]}`);
    expect(checks[0]).toContain('snapshot.snap.age: OK');
    expect(checks[1]).toContain('Signature Verified Successfully');
    expect(checks[2]).toContain('sumsSha256');
  }, 30_000);

  it('brings the first node back', async () => {
    for (const node of lab().nodes) for (const command of stepOf('3.')) await type(command, node);
    const first = nodeAt(0);
    const commands = stepOf('4.');
    const restart = commands.findIndex((command) => command.startsWith('systemctl restart'));
    for (const command of commands.slice(0, restart)) await type(command, first);
    await hand.untilInstalled(first);
    const outputs: string[] = [];
    for (const command of commands.slice(restart)) outputs.push(await type(command, first));

    expect(outputs.join('\n')).toMatch(/Sealed\s+false/);
    expect(outputs.at(-1)).toContain('vault-1');
    expect(outputs.at(-1)).not.toContain('vault-2');
  }, 120_000);

  it('joins the others, and every secret is back through each node', async () => {
    for (const node of [nodeAt(1), nodeAt(2)]) for (const command of stepOf('5.')) await type(command, node);
    await waitFor(
      'three voters',
      async () => ((await type('vault operator raft list-peers', nodeAt(0))).match(/true/g) ?? []).length === 3,
      { timeoutMs: 60_000 },
    );

    for (const { name } of lab().nodes) {
      const values = await Promise.all(secrets.map(({ path }) => lab().readSecret(path, name)));
      expect(values).toEqual(secrets.map(({ value }) => value));
    }
  }, 120_000);

  /** In a shell in which the line for that node was typed before. */
  function type(command: string, node: LabNode): Promise<string> {
    const lines = text.split('\n').map((line) => line.trim());
    const at = lines.findIndex((line) => line.endsWith(`# on ${node.name}`));
    // A long one stands below its remark.
    const [own = ''] = commandsIn(lines.slice(at).map((line) => `    ${line}`));
    return hand.follow(command, node, own);
  }

  /** The commands of one step of the text, without remarks. */
  function stepOf(number: string): string[] {
    const lines = text.split('\n');
    const begin = lines.findIndex((line) => line.startsWith(`${number} `));
    const rest = lines.slice(begin + 1);
    const end = rest.findIndex((line) => /^(\d\. |If no login|----)/.test(line));
    return commandsIn(rest.slice(0, end).filter((line) => line.startsWith('    ')));
  }

  function nodeAt(index: number): LabNode {
    const node = lab().nodes[index];
    if (!node) throw new Error(`the lab has no node ${index}`);
    return node;
  }
});

/** What a shell would not run before it has read on belongs together. */
function commandsIn(lines: readonly string[]): string[] {
  const commands: string[] = [];
  let open = '';
  for (const line of lines.map((one) => one.slice(4))) {
    open = open === '' ? line : `${open}\n${line}`;
    const [, end] = /<<'(\w+)'/.exec(open) ?? [];
    const isWhole = end === undefined ? !/( \\|&&|;)$/.test(line) : line === end;
    if (!isWhole) continue;
    commands.push(open.replace(/\s+# [^'"]*$/, ''));
    open = '';
  }
  return commands.filter((command) => command !== '' && !command.startsWith('#'));
}
