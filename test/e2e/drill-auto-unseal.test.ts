import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { writePrivateFile } from '../../src/lab/lab-files';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import type { RawConfig } from '../support/lab-view';
import { scratchServers } from '../support/scratch-servers';
import { isInstalled } from '../support/shell';

/** Nobody has shares, so the sandbox needs the key service of production, and must reach nothing else. */
describeIf(isInstalled('bwrap'), 'there is no bubblewrap')('a drill of an auto-unseal cluster', () => {
  const lab = useLab({ nodes: 1, seal: 'transit' });
  const inLab = (...names: string[]) => join(lab().directory, ...names);
  const tokenFile = () => inLab('secrets', 'seal-token');
  const drill = (...args: string[]) => lab().cli(['drill', '--cluster', 'lab', ...args]);
  /** Of the Vault that holds the key. */
  let port = '';

  beforeAll(async () => {
    await lab().writeSecrets(5);
    const { code, stderr } = await lab().cli(['backup', '--cluster', 'lab']);
    if (code !== 0) throw new Error(stderr);
    const stanza = await readFile(lab().nodes[0]!.vaultConfigFile, 'utf8');
    [, port = ''] = /seal "transit" \{\s+address = "https:\/\/127\.0\.0\.1:(\d+)"/.exec(stanza) ?? [];
    if (port === '') throw new Error('The stanza of the seal has no address.');
  }, 180_000);

  it('needs to know the way to the key', async () => {
    await configure({});

    const { code, stderr } = await drill();

    expect(code).toBe(3);
    expect(stderr).toContain('Add `sandbox.seals.lab`');
  }, 120_000);

  it('unseals without anybody, by the address or by a name, and reaches nothing else', async () => {
    const byAddress = lab().nodes[0]!.vaultConfigFile;
    const byName = inLab('by-name.hcl');
    await writePrivateFile(
      byName,
      (await readFile(byAddress, 'utf8')).replace(`127.0.0.1:${port}`, `localhost:${port}`),
    );
    // While it runs, the token of the seal is in no argument and no file.
    const search = `! grep -lasF -f "$1" /proc/[0-9]*/cmdline && ! grep -rlaF -f "$1" "$2"`;
    const hook = { command: ['sh', '-c', search, 'sh', tokenFile(), inLab('controller')] };
    // The key service is no leak; the store of the backups would be one.
    const targets = [`127.0.0.1:${port}`, new URL(lab().s3.endpoint).host];

    for (const [configFile, host] of [
      [byAddress, '127.0.0.1'],
      [byName, 'localhost'],
    ] as const) {
      await configure({ seals: { lab: { configFile, reach: [`${host}:${port}`] } }, targets, hook });

      const { code, stdout, stderr } = await drill('--json');

      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(JSON.parse(stdout)).toMatchObject({
        level: 'restored',
        canary: 'read',
        checks: expect.arrayContaining([
          { check: 'hook', outcome: 'passed', detail: '`sh` accepts the backup' },
        ]) as unknown,
      });
      expect(stdout + stderr).not.toContain((await readFile(tokenFile(), 'utf8')).trim());
      await expectNothingLeft();
    }
  }, 300_000);

  it('says so when the key service is away, and leaves nothing', async () => {
    await lab().sealVault!.stop();
    try {
      const { code, stderr } = await drill();

      expect(code).toBe(1);
      expect(stderr).toContain('The Vault in the sandbox has ended.');
      await expectNothingLeft();
    } finally {
      await lab().sealVault!.start();
    }
  }, 300_000);

  async function configure(sandbox: object): Promise<void> {
    const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    const [program] = (config.clusters['lab']!.nodes[0]!.service as { command: string[] }).command;
    config.sandbox = { program: program!, ...sandbox };
    await writeFile(lab().configFile, stringify(config));
  }

  async function expectNothingLeft(): Promise<void> {
    expect(await scratchServers(lab().directory)).toEqual([]);
    expect(await readdir(inLab('controller', 'drills'))).toEqual([]);
  }
});
