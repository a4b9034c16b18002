import { execFile, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { claimPortBlock } from '../../src/lab/free-ports';
import { waitFor } from '../../src/lab/processes';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { ensureServers } from '../../src/lab/servers/servers';
import { writeControllerConfig } from '../support/controller-config';
import { hasImage, rootImage } from '../support/debian-image';
import { describeIf } from '../support/describe-if';

const run = promisify(execFile);
const LARGE = { maxBuffer: 1 << 26 };
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/var/lib/vault-dr' };
const possible = process.getuid?.() === 0 && spawnSync('podman', ['--version']).status === 0 && hasImage([]);

/** On the Debian of the hosts test: nobody has to be asked for another one. */
describeIf(possible, 'needs root, podman, and a Debian system that npm run test:hosts has made')('the image', () => {
  const id = randomBytes(4).toString('hex');
  const base = `localhost/vault-dr-test-base:${id}`;
  let directory: string;
  let image: string;
  let mounted: string;
  const inTest = (...path: string[]) => join(directory, ...path);
  const podman = async (...args: string[]) => (await run('podman', args, LARGE)).stdout.trim();
  /** Arguments of unshare(1). Not by `podman run`: the machine of a test may itself be a container, where that can't be. */
  const inside = (command: string[]) => {
    const script = [
      'mount --bind "$1" "$2"',
      'mount --rbind /proc "$2/proc"',
      // The same path there as here; the image itself can't be written to.
      'mount -t tmpfs tmpfs "$2/tmp"',
      'mkdir -p "$2$3"',
      'mount --bind "$3" "$2$3"',
      'root=$2; shift 3; exec chroot --userspec=1000:1000 "$root" "$@"',
    ].join('; ');
    return ['--mount', 'sh', '-ec', script, 'sh', mounted, inTest('root'), inTest('controller'), ...command];
  };
  const inImage = async (...command: string[]) =>
    (await run('unshare', inside(command), { ...LARGE, env: ENVIRONMENT })).stdout.trim();

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vault-dr-image-test-'));
    const imported = `tar --directory "$1" --exclude=./var/cache --exclude=./usr/share --create . | podman import --quiet - "$2"`;
    await run('sh', ['-ec', imported, 'sh', await rootImage(), base], LARGE);
    // One compilation, two builds.
    const script = `
      import { writeFileSync } from 'node:fs';
      import { commitTime } from './packaging/commit.mjs';
      import { compile } from './packaging/compile.mjs';
      import { imageOf, imageTree, writeTree } from './packaging/image.mjs';
      const [, directory, base] = process.argv;
      const tree = await imageTree(await compile(), process.arch);
      writeTree(tree, directory + '/tree');
      for (const name of ['one', 'two'])
        writeFileSync(directory + '/' + name + '.tar', await imageOf(tree, { time: commitTime(), base }));`;
    await run(process.execPath, ['--input-type=module', '--eval', script, inTest(), base], {
      cwd: PROJECT_ROOT,
      ...LARGE,
    });
    image = (await podman('load', '--quiet', '--input', inTest('one.tar'))).split(' ').at(-1) ?? '';
    mounted = await podman('image', 'mount', image);
    for (const name of ['root', 'controller']) await mkdir(inTest(name));
  }, 900_000);

  afterAll(async () => {
    await run('podman', ['image', 'umount', image]).catch(() => undefined);
    await run('podman', ['rmi', '--force', image, base]).catch(() => undefined);
    await rm(directory, { recursive: true, force: true });
  });

  it('is the same bytes whenever it is made of the same sources', async () => {
    const [one, two] = await Promise.all(['one.tar', 'two.tar'].map((name) => readFile(inTest(name))));

    expect(one?.length).toBeGreaterThan(10_000_000);
    expect(one?.equals(two ?? Buffer.alloc(0))).toBe(true);
  });

  it('has the program of the packages, for a user who is nobody else, and no lab and no tests', async () => {
    const { version } = JSON.parse(await readFile(join(PROJECT_ROOT, 'package.json'), 'utf8')) as { version: string };

    const { Config: settings } = (JSON.parse(await podman('image', 'inspect', image)) as [{ Config: object }])[0];

    expect(settings).toMatchObject({ User: '1000:1000', Entrypoint: ['vault-dr'] });
    expect(await inImage('vault-dr', '--version')).toBe(version);
    expect(await inImage('id')).toBe('uid=1000(vault-dr) gid=1000(vault-dr) groups=1000(vault-dr)');
    expect(await inImage('stat', '-c', '%a %U', '/var/lib/vault-dr', '/run/vault-dr')).toBe(
      '700 vault-dr\n700 vault-dr',
    );
    expect((await inImage('ls', '/usr/lib/vault-dr/dist')).split('\n')).toEqual([
      'activities',
      'src',
      'workflow-bundle.js',
      'workflows',
    ]);
    expect((await inImage('ls', '/usr/lib/vault-dr/dist/src')).split('\n')).not.toContain('lab');
    expect(await inImage('find', '/usr/lib/vault-dr', '-writable')).toBe('');
  }, 60_000);

  it('is made of the same files by Docker alone, from what .dockerignore lets in', async () => {
    const ignored = (await readFile(join(PROJECT_ROOT, '.dockerignore'), 'utf8')).split('\n');
    const context = inTest('context');
    await mkdir(context);
    for (const line of ignored.filter((item) => item.startsWith('!')))
      await cp(join(PROJECT_ROOT, line.slice(1)), join(context, line.slice(1)), { recursive: true });
    await symlink(join(PROJECT_ROOT, 'node_modules'), join(context, 'node_modules'));
    const time = (await run('git', ['-C', PROJECT_ROOT, 'log', '-1', '--format=%ct'])).stdout.trim();

    await run(
      process.execPath,
      ['packaging/main.mjs', '--only', 'tree', '--arch', process.arch, '--output', inTest('packed')],
      {
        cwd: context,
        env: { ...process.env, SOURCE_DATE_EPOCH: time },
        ...LARGE,
      },
    );

    // The bundler draws lines as long as the way to the packages, which are linked here, and in place in a container.
    const but = '--exclude=workflow-bundle.js';
    await run('diff', ['--recursive', '--brief', but, inTest('tree'), inTest('packed')]);
    expect(await readdir(inTest('packed'))).toEqual(['etc', 'usr']);
  }, 300_000);

  it('has a controller that polls', async () => {
    const { temporal } = await ensureServers({ names: ['temporal'] });
    const ports = await claimPortBlock();
    const [port = 0, uiPort = 0] = ports.ports;
    await writeControllerConfig(inTest('controller'));
    await run('chown', ['--recursive', '1000:1000', inTest('controller')]);
    const serve = ['server', 'start-dev', '--port', String(port), '--ui-port', String(uiPort), '--headless'];
    const server = spawn(temporal, serve, { stdio: 'ignore' });
    const controller = spawn('unshare', inside(['vault-dr', 'worker']), {
      env: {
        ...ENVIRONMENT,
        TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
        VAULT_DR_CONFIG: inTest('controller/vault-dr.yaml'),
        VAULT_DR_READY_FILE: inTest('controller/ready'),
      },
    });
    let said = '';
    for (const stream of [controller.stdout, controller.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk));
    try {
      await waitFor(
        'the controller polls',
        async () => (await stat(inTest('controller/ready')).catch(() => null)) !== null,
        { timeoutMs: 90_000, giveUp: () => (controller.exitCode === null ? undefined : said.slice(-2_000)) },
      );
      expect(await readFile(`/proc/${controller.pid}/cmdline`, 'utf8')).toContain('/usr/lib/vault-dr/node');
    } finally {
      for (const child of [controller, server]) {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        if (child.exitCode === null && child.kill('SIGTERM')) await gone;
      }
      await ports.release();
    }
  }, 150_000);
});
