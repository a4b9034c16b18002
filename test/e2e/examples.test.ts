import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { patient } from '../../src/lab/processes';
import { claimPortBlock, type PortBlock } from '../../src/lab/free-ports';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { ensureServers, type Servers } from '../../src/lab/servers/servers';
import { describeIf } from '../support/describe-if';
import { readMarkdown } from '../support/markdown';
import { useDirectory } from '../support/temporary';

const run = promisify(execFile);

/** In the examples; in the test others, so that several can run on one machine. */
const PLACE = '/tmp/vault-dr-example';
const PORTS = ['7233', '8200', '8201', '8210', '8211', '8220', '8221'];
const TIMEOUT_MS = 120_000;

const inTest = useDirectory();
let servers: Servers;
let block: PortBlock;
let place: string;

beforeAll(async () => {
  servers = await ensureServers();
});

beforeEach(async () => {
  block = await claimPortBlock();
  place = `/tmp/vault-dr-example-${randomBytes(4).toString('hex')}`;
  await mkdir(inTest('bin'));
  await symlink(join(PROJECT_ROOT, 'bin/vault-dr.js'), inTest('bin/vault-dr'));
  await symlink(servers.temporal, inTest('bin/temporal'));
  await symlink(servers.vault, inTest('bin/vault'));
  await symlink(servers.vault, inTest('bin/bao'));
});

afterEach(async () => {
  await shell(`pkill -KILL -f ${place}`);
  await rm(place, { recursive: true, force: true });
  await block.release();
});

/** The commands of the README, in their order, in one shell. The last block ends it all. */
async function runExample(name: string): Promise<{ code: number | null; output: string }> {
  const root = inTest('checkout');
  await cp(join(PROJECT_ROOT, 'examples', name), join(root, 'examples', name), { recursive: true });
  await symlink(join(PROJECT_ROOT, 'docs'), join(root, 'docs'));
  for (const file of (await run('ls', [join(root, 'examples', name)])).stdout.trim().split('\n')) {
    const path = join(root, 'examples', name, file);
    await writeFile(path, moved(await readFile(path, 'utf8')));
  }
  const { blocks } = await readMarkdown(join(root, 'examples', name, 'README.md'));
  const commands = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code);
  return shell(`set -e\n${commands.join('\n')}`, root);
}

function moved(text: string): string {
  const elsewhere = PORTS.reduce(
    (result, port, index) => result.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), `${block.ports[index]}`),
    text,
  );
  return elsewhere.replaceAll(PLACE, place);
}

/** From standard input: the script would else be among what `pkill -f` finds. */
async function shell(script: string, cwd = PROJECT_ROOT): Promise<{ code: number | null; output: string }> {
  const { HOME = '', PATH = '' } = process.env;
  const child = spawn('timeout', [`${patient(100)}`, 'bash', '-s'], {
    cwd,
    env: { HOME, PATH: `${inTest('bin')}:${PATH}`, TMPDIR: inTest() },
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  child.stdin.end(script);
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, output };
}

it(
  'a single node is set up, backed up and verified',
  async () => {
    const { code, output } = await runExample('single-node');

    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringMatching(/local: stored, hashed/) });
    expect(output).toMatch(/Backed up example as \d{8}T\d{6}Z-/);
  },
  TIMEOUT_MS,
);

it(
  'three nodes are set up, backed up and verified, and their restore is planned',
  async () => {
    const { code, output } = await runExample('three-nodes');

    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringMatching(/local: stored, hashed/) });
    expect(output).toMatch(/vault-3:\n +1\. stop Vault/);
  },
  TIMEOUT_MS,
);

const isOpenBao = /(^|\/)bao[^/]*$/.test(process.env['VAULT_DR_VAULT'] ?? '');

describeIf(isOpenBao, 'VAULT_DR_VAULT names no OpenBao')('OpenBao with a static seal', () => {
  it(
    'is set up, unseals itself, is backed up and verified',
    async () => {
      const { code, output } = await runExample('openbao-static-seal');

      expect({ code, output }).toMatchObject({ code: 0, output: expect.stringMatching(/local: stored, hashed/) });
    },
    TIMEOUT_MS,
  );
});
