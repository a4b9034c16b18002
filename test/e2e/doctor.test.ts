import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { generateAgentKey } from '../../src/crypto/agent-key';
import { createPublicKey } from 'node:crypto';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { ensureServers } from '../../src/lab/servers/servers';
import { useLab } from '../support/lab';

interface Finding {
  code: string | null;
  severity: string;
  fix: string | null;
}
interface Answer {
  ok: boolean;
  findings: Finding[];
}
type Part = 'controller' | 'agent';
type Env = Record<string, string>;

const run = promisify(execFile);

describe('vault-dr doctor', () => {
  const lab = useLab({ nodes: 1 });
  let config: string;
  let programs: string;

  const state = () => join(lab().directory, 'vault-1', 'state');
  const publicKey = () => join(lab().directory, 'signing-key.pub.pem');

  async function ask(part: Part, env: Env = {}): Promise<Answer & { code: number }> {
    const node = part === 'agent' ? ['--cluster', 'lab', '--node', 'vault-1'] : [];
    const { code, stdout } = await lab().cli(['doctor', part, ...node, '--config', config, '--json'], { env });
    return { ...(JSON.parse(stdout) as Answer), code };
  }

  /** As a person does who copies the command. */
  async function copy(command: string, env: Env): Promise<void> {
    const path = `${programs}:${lab().env['PATH']}`;
    await run('bash', ['-c', command], { env: { ...lab().env, VAULT_DR_CONFIG: config, ...env, PATH: path } });
  }

  beforeAll(async () => {
    programs = join(lab().directory, 'programs');
    await mkdir(programs);
    const script = `#!/bin/sh\nexec ${process.execPath} ${join(PROJECT_ROOT, 'bin/vault-dr.js')} "$@"\n`;
    await writeFile(join(programs, 'vault-dr'), script, { mode: 0o755 });
    await symlink((await ensureServers({ names: ['temporal'] })).temporal, join(programs, 'temporal'));
    // The S3 server of the lab lets anybody bypass a lock, which doctor says, and no command of ours can change.
    const whole = parse(await readFile(lab().configFile, 'utf8')) as {
      repositories: Record<string, unknown>;
      clusters: { lab: { repositories: string[] } };
    };
    delete whole.repositories['offsite'];
    whole.clusters.lab.repositories = ['local'];
    config = join(lab().directory, 'doctor.yaml');
    await writeFile(config, stringify(whole), { mode: 0o600 });
  }, 120_000);

  const FAULTS: [code: string, part: Part, induce: () => Promise<unknown>, env?: Env][] = [
    // A new installation has neither.
    ['schedule-missing', 'controller', () => Promise.resolve()],
    ['backup-missing', 'controller', () => Promise.resolve()],
    [
      'schedule-paused',
      'controller',
      () => lab().temporalCli(['schedule', 'toggle', '--schedule-id', 'backup-lab', '--pause']),
    ],
    ['config-writable', 'controller', () => chmod(config, 0o666)],
    ['secret-readable', 'controller', () => chmod(join(lab().directory, 'secrets/signing-key.pem'), 0o644)],
    ['secret-missing', 'controller', () => rm(publicKey())],
    [
      'signing-key-mismatch',
      'controller',
      () => writeFile(publicKey(), createPublicKey(generateAgentKey()).export({ type: 'spki', format: 'pem' })),
    ],
    ['repository-missing', 'controller', () => rename(lab().localRepository, `${lab().localRepository}.away`)],
    ['own-directory', 'agent', () => chmod(state(), 0o777)],
    ['own-directory', 'agent', () => chmod(join(state(), 'agent-key.pem'), 0o644)],
    ['temporal-unreachable', 'agent', () => Promise.resolve(), { TEMPORAL_NAMESPACE: 'another' }],
    ['search-attributes-missing', 'controller', () => Promise.resolve(), { TEMPORAL_NAMESPACE: 'another' }],
  ];

  it.each(FAULTS)(
    'names %s, with the command that fixes it (%s)',
    async (code, part, induce, env = {}) => {
      await induce();
      const found = (await ask(part, env)).findings.find((finding) => finding.code === code);
      await copy(found?.fix ?? 'false', env);
      // A new namespace is not known to all of Temporal at once.
      const deadline = Date.now() + 20_000;
      let after = await ask(part, env);
      while (after.findings.some((finding) => finding.code === code) && Date.now() < deadline)
        after = await ask(part, env);

      expect(found).toBeDefined();
      expect(after.findings.map((finding) => finding.code)).not.toContain(code);
      if (code === 'repository-missing') {
        await rm(lab().localRepository, { recursive: true });
        await rename(`${lab().localRepository}.away`, lab().localRepository);
      }
    },
    120_000,
  );

  it('then finds nothing that is missing, and says what it could not check', async () => {
    for (const part of ['controller', 'agent'] as const) {
      const { ok, code, findings } = await ask(part);

      expect(findings.filter(({ severity }) => severity !== 'unchecked')).toEqual([]);
      expect({ ok, code }).toEqual({ ok: true, code: 0 });
    }
  }, 60_000);

  it('says that nobody polls when controller and agent are dead, and that Vault is', async () => {
    await lab().controller.stop();
    await lab().agents['vault-1']!.stop();
    const waited = Date.now() + 60_000;
    let answer = await ask('controller', { TEMPORAL_ADDRESS: '127.0.0.1:1' });

    expect(answer).toMatchObject({ ok: false, code: 1 });
    expect(answer.findings).toContainEqual(expect.objectContaining({ code: 'temporal-unreachable' }));
    await lab().killVault('vault-1');
    do answer = await ask('controller');
    while (!answer.findings.some(({ code }) => code === 'vault-unreachable') && Date.now() < waited);
    expect(answer.findings).toContainEqual(expect.objectContaining({ code: 'vault-unreachable' }));
  }, 120_000);
});
