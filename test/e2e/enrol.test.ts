import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, parseDocument, stringify } from 'yaml';
import { agentFingerprint } from '../../src/crypto/agent-key';
import { createProcess, type LabProcess, waitFor } from '../../src/lab/processes';
import { compiled } from '../../src/lab/project-root';
import { useLab } from '../support/lab';

interface RawNode extends Record<string, unknown> {
  name: string;
  agentPublicKey: string;
}
interface RawConfig {
  clusters: { lab: { nodes: RawNode[] } };
}
interface Listed {
  invites: { node: string; state: string; fingerprint: string | null }[];
}

/** What the host did not find itself, in the configuration of a lab. */
const FOREIGN = [
  'auth.roleId.file',
  'auth.secretId.file',
  'restore.identities.0.file',
  'restore.auth.roleId.file',
  'restore.auth.secretId.file',
]
  .map((at) => `clusters.lab.${at}`)
  .concat(
    'repositories.local.path',
    'repositories.offsite.credentials.accessKeyId.file',
    'repositories.offsite.credentials.secretAccessKey.file',
  );
/** The settings that enrolment writes. */
const PARTS = ['agentPublicKey', 'dataDir', 'configFiles', 'service', 'stateDir', 'runtimeDir'];
const words = (text: string, ...more: string[]) => [...text.split(' '), ...more];
const NODES = ['vault-1', 'vault-2', 'vault-3'];

describe('agents that are enrolled with tokens', () => {
  const lab = useLab();
  const agents: LabProcess[] = [];
  const tokens = new Map<string, string>();
  let original: RawConfig;

  const controllerFile = () => join(lab().directory, 'controller-host', 'vault-dr.yaml');
  const hostDirectory = (node: string) => join(lab().directory, `host-of-${node}`);
  const hostFile = (node: string) => join(hostDirectory(node), 'vault-dr.yaml');
  const nodeOf = (config: RawConfig, name: string) => config.clusters.lab.nodes.find((node) => node.name === name)!;
  const fingerprintOf = (name: string) => agentFingerprint(nodeOf(original, name).agentPublicKey);
  const onController = (...args: string[]) => lab().cli(['enrol', ...args, '--config', controllerFile()]);
  const listed = async () => JSON.parse((await onController('list', '--json')).stdout) as Listed;
  const stateOf = async (node: string) => (await listed()).invites.find((invite) => invite.node === node)?.state;
  const isWaiting = (node: string) =>
    waitFor(`${node} waits`, async () => (await stateOf(node)) === 'waiting', { timeoutMs: 60_000 });

  async function invite(node: string, ...more: string[]): Promise<string> {
    const { stdout } = await onController('invite', '--cluster', 'lab', '--node', node, '--json', ...more);
    const { token } = JSON.parse(stdout) as { token: string };
    tokens.set(node, token);
    return token;
  }

  const acceptArgs = (node: string, stateDir = nodeOf(original, node)['stateDir'] as string) => [
    ...words('enrol accept --token-file - --yes --json --config', hostFile(node)),
    ...words('--service', join(hostDirectory(node), 'service.yaml')),
    ...words('--state-dir', stateDir),
    ...words('--runtime-dir', nodeOf(original, node)['runtimeDir'] as string),
    ...(nodeOf(original, node)['configFiles'] as string[]).flatMap((file) => ['--config-file', file]),
    ...FOREIGN.flatMap((at) => ['--allow', at]),
  ];
  const accept = (node: string, token = tokens.get(node)!) => lab().cli(acceptArgs(node), { input: token });

  beforeAll(async () => {
    original = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    // As `init` writes it: nodes of which nothing but their addresses is known.
    const document = parseDocument(await readFile(lab().configFile, 'utf8'));
    for (const index of NODES.keys()) {
      for (const key of PARTS) document.deleteIn(['clusters', 'lab', 'nodes', index, key]);
    }
    await mkdir(join(lab().directory, 'controller-host'), { mode: 0o700 });
    await writeFile(controllerFile(), `# Ours.\n${document.toString()}`, { mode: 0o640 });
    for (const name of NODES) {
      await mkdir(hostDirectory(name), { mode: 0o750 });
      await writeFile(join(hostDirectory(name), 'service.yaml'), stringify(nodeOf(original, name)['service']));
    }
    for (const name of NODES) await invite(name);
  }, 120_000);

  afterAll(() => Promise.all(agents.map((agent) => agent.stop())));

  it('are written into both configurations once a person has compared fingerprints', async () => {
    // Killed in the middle of its wait, and repeated: what it has sent counts.
    const killed = spawn(process.execPath, [compiled('src/cli/main.js'), ...acceptArgs('vault-3')], { env: lab().env });
    killed.stdin.end(tokens.get('vault-3'));
    await isWaiting('vault-3');
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const accepting = ['vault-1', 'vault-2'].map((name) => accept(name));
    for (const name of NODES) await isWaiting(name);

    const wrong = await onController(
      'confirm',
      '--cluster',
      'lab',
      '--fingerprint',
      fingerprintOf('vault-1'),
      '--json',
    );
    const untouched = await readFile(controllerFile(), 'utf8');
    const right = await onController(
      ...words('confirm --cluster lab --json'),
      ...NODES.flatMap((name) => ['--fingerprint', fingerprintOf(name)]),
    );
    const results = await Promise.all([...accepting, accept('vault-3')]);

    expect(wrong).toMatchObject({ code: 5, stdout: expect.stringContaining('another fingerprint') });
    expect(untouched).not.toContain('agentPublicKey');
    expect(right).toMatchObject({ code: 0 });
    expect(results.map(({ code, stderr }) => ({ code, said: code === 0 ? '' : stderr }))).toEqual(
      NODES.map(() => ({ code: 0, said: '' })),
    );
    const text = await readFile(controllerFile(), 'utf8');
    expect(text.startsWith('# Ours.\n')).toBe(true);
    expect((await stat(controllerFile())).mode & 0o777).toBe(0o640);
    for (const name of NODES) {
      expect(nodeOf(parse(text) as RawConfig, name)).toEqual(nodeOf(original, name));
      const own = parse(await readFile(hostFile(name), 'utf8')) as RawConfig;
      expect(nodeOf(own, name)).toEqual(nodeOf(original, name));
      // Each knows the keys of the others, and nothing else of their hosts.
      for (const other of NODES.filter((item) => item !== name)) {
        expect(nodeOf(own, other)).toMatchObject({ agentPublicKey: nodeOf(original, other).agentPublicKey });
        expect(nodeOf(own, other)).not.toHaveProperty('dataDir');
      }
    }
  }, 180_000);

  it('leave no token in Temporal, nor on the disk of the controller', async () => {
    const { stdout: list } = await lab().temporalCli([
      'workflow',
      'list',
      '--query',
      "WorkflowType='enrolNode'",
      '-o',
      'json',
    ]);
    const ids = (JSON.parse(list) as { execution: { workflowId: string } }[]).map(
      ({ execution }) => execution.workflowId,
    );
    const histories = await Promise.all(
      ids.map(async (id) => (await lab().temporalCli(['workflow', 'show', '--workflow-id', id, '-o', 'json'])).stdout),
    );

    expect(ids).toHaveLength(3);
    for (const token of tokens.values()) {
      const secret = Buffer.from(token.slice(-48), 'base64url').subarray(0, 32);
      const forms = [token.slice(-48), secret.toString('base64').slice(0, 40), secret.toString('hex')];
      for (const text of histories) for (const form of forms) expect(text).not.toContain(form);
    }
  }, 60_000);

  it('cannot be enrolled with a token that was used, nor by who has none', async () => {
    const again = lab().cli(acceptArgs('vault-1', join(hostDirectory('vault-1'), 'another-state')), {
      input: tokens.get('vault-1')!,
    });
    const confirmed = await waitFor(
      'the other agent has sent something',
      async () => {
        const result = await onController(
          'confirm',
          '--cluster',
          'lab',
          '--node',
          'vault-1',
          '--fingerprint',
          'x',
          '--json',
        );
        return result.stdout.includes('already used') ? result : null;
      },
      { timeoutMs: 60_000 },
    );
    const [{ workflowId }] = (await lab()
      .temporalCli([
        'workflow',
        'list',
        '--query',
        "WorkflowType='enrolNode' AND ExecutionStatus='Running'",
        '-o',
        'json',
      ])
      .then(({ stdout }) =>
        (JSON.parse(stdout) as { execution: { workflowId: string } }[]).map(({ execution }) => execution),
      )) as [{ workflowId: string }];
    const forged = JSON.stringify({ body: '{"cluster":"lab"}', mac: 'a'.repeat(64) });
    await lab().temporalCli(['workflow', 'signal', '--workflow-id', workflowId, '--name', 'answer', '--input', forged]);
    await lab().temporalCli(['workflow', 'terminate', '--workflow-id', workflowId]);
    const { code, stdout } = await again;

    expect(confirmed).toMatchObject({ code: 5 });
    expect(code).toBe(1);
    expect(stdout).toContain('somebody has ended it');
    expect(nodeOf(parse(await readFile(controllerFile(), 'utf8')) as RawConfig, 'vault-1')).toEqual(
      nodeOf(original, 'vault-1'),
    );
  }, 120_000);

  it('tell when Temporal does not answer, and when a token is none', async () => {
    const token = await invite('vault-2', '--expires', '90s');
    const away = await lab().cli(acceptArgs('vault-2'), {
      input: token,
      env: { TEMPORAL_ADDRESS: '127.0.0.1:1' },
    });
    const mistyped = await accept(
      'vault-2',
      token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
    );

    expect(away).toMatchObject({ code: 4, stdout: expect.stringContaining('Temporal does not answer at 127.0.0.1:1') });
    expect(mistyped).toMatchObject({ code: 2, stdout: expect.stringContaining('not an enrolment token') });
  }, 60_000);

  it('serve a plan of a restore, each with its own configuration alone', async () => {
    expect((await lab().cli(['backup', '--cluster', 'lab'])).code).toBe(0);
    await Promise.all([lab().controller, ...Object.values(lab().agents)].map((item) => item.stop()));
    await writeFile(lab().configFile, await readFile(controllerFile(), 'utf8'));
    for (const name of NODES) {
      const readyFile = join(hostDirectory(name), 'ready');
      const agent = createProcess({
        name,
        command: [
          process.execPath,
          compiled('src/cli/main.js'),
          ...words('agent --cluster lab --node', name, '--config', hostFile(name)),
        ],
        environment: { ...lab().env, VAULT_DR_READY_FILE: readyFile },
        logFile: join(hostDirectory(name), 'log'),
        isReady: () =>
          access(readyFile).then(
            () => true,
            () => false,
          ),
      });
      agents.push(agent);
    }
    await Promise.all([lab().controller, ...agents].map((item) => item.start()));
    const plan = await lab().cli(['restore', '--cluster', 'lab', '--plan', '--accept', 'lose-newer-data']);

    expect(plan).toMatchObject({ code: 0 });
    expect(plan.stdout).toContain('vault-3');
  }, 180_000);
});
