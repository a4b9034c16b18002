import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import {
  parseEnvironmentFile,
  programOfUnit,
  serversOf,
  startOfProcess,
  startOfUnit,
  withoutOthers,
} from '../../../../src/host/service/unit-start';
import { useDirectory } from '../../../support/temporary';

const path = useDirectory();
const servers: ChildProcess[] = [];

afterEach(() => {
  for (const child of servers.splice(0)) child.kill();
});

/** What `systemctl show` says, from a program that says it: the lines are those of systemd 252. */
async function unitThatShows(lines: string[]) {
  await mkdir(path('.'), { recursive: true });
  await writeFile(path('show.txt'), `${lines.join('\n')}\n`);
  await writeFile(path('systemctl'), `#!/bin/sh\ncat ${path('show.txt')}\n`);
  await chmod(path('systemctl'), 0o755);
  return { program: path('systemctl'), options: [], typed: 'vault', name: 'vault.service' };
}

const execStart = (command: string) =>
  `ExecStart={ path=/usr/bin/vault ; argv[]=${command} ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }`;

it('sees what a unit starts, with its environment and the files of that', async () => {
  const unit = await unitThatShows([
    'LoadState=loaded',
    'MainPID=0',
    execStart('/usr/bin/vault server -config=${CONFIG} $MORE'),
    'Environment=CONFIG=/etc/vault.conf "VAULT_CLUSTER_ADDR=https://old:8201" VAULT_TOKEN=hvs.secret',
    `EnvironmentFiles=${path('vault.env')} (ignore_errors=no)`,
    `EnvironmentFiles=${path('none.env')} (ignore_errors=yes)`,
  ]);
  await writeFile(
    path('vault.env'),
    '# ours\nVAULT_CLUSTER_ADDR="https://new:8201"\nMORE=-config=/etc/more -log-level=info\n',
  );

  expect(await startOfUnit(unit)).toEqual({
    paths: ['/etc/vault.conf', '/etc/more'],
    environment: { VAULT_CLUSTER_ADDR: 'https://new:8201' },
    environmentKnown: true,
    unknown: [],
  });
});

it('sees the program of a unit apart from its options, so that it can be started in another mode', async () => {
  const unit = await unitThatShows([
    'LoadState=loaded',
    'MainPID=0',
    execStart('/usr/bin/env VAULT_LOG_LEVEL=warn /usr/bin/vault server -config=${CONFIG} -log-level=info'),
    'Environment=CONFIG=/etc/vault.conf',
  ]);

  expect(await programOfUnit(unit)).toMatchObject({
    command: ['/usr/bin/env', 'VAULT_LOG_LEVEL=warn', '/usr/bin/vault'],
    options: ['-config=/etc/vault.conf', '-log-level=info'],
    environment: { CONFIG: '/etc/vault.conf' },
  });
});

it('says which part of the environment it can not see', async () => {
  const unit = await unitThatShows([
    'LoadState=loaded',
    execStart('/usr/bin/vault server -config=/etc/vault.d'),
    `EnvironmentFiles=${path('none.env')} (ignore_errors=no)`,
  ]);

  expect(await startOfUnit(unit)).toMatchObject({
    paths: ['/etc/vault.d'],
    environmentKnown: false,
    unknown: [`${path('none.env')}, an environment file of its service (ENOENT)`],
  });
});

it.each([
  [
    'it starts a script of somebody',
    ['LoadState=loaded', 'MainPID=0', execStart('/opt/start.sh')],
    'what vault.service starts',
  ],
  [
    'it has a root of its own',
    ['LoadState=loaded', 'RootDirectory=/srv', execStart('/usr/bin/vault server')],
    'in its own root directory',
  ],
  ['there is none', ['LoadState=not-found'], 'how vault.service starts Vault'],
])('knows nothing of a unit when %s', async (_why, lines, said) => {
  const { paths, unknown } = await startOfUnit(await unitThatShows(lines));

  expect(paths).toBeNull();
  expect(unknown.join()).toContain(said);
});

it('reads files of an environment as systemd does', () => {
  const text = 'A=1\n;B=2\n C = 3\nD=\'x y\'\nE="a \\\nb"\n\nF=\n';

  expect(parseEnvironmentFile(text)).toEqual({ A: '1', D: 'x y', E: 'a b', F: '' });
});

it('takes no other process for a server', async () => {
  expect(await startOfProcess(process.pid)).toBeNull();
  expect(await startOfProcess(0)).toBeNull();
});

it('believes a server only of users that it may be of', async () => {
  const uid = process.geteuid!();
  const pid = await server('-config=/srv/vault.hcl');

  expect(await serversOf([uid + 2, uid])).toContain(pid);
  expect(await serversOf([uid + 1, uid + 2])).not.toContain(pid);
  expect(await startOfProcess(pid)).toMatchObject({ paths: ['/srv/vault.hcl'] });
});

it('takes the server of another data directory for no own one, and one that does not say where it stores for one', async () => {
  const storingIn = async (name: string, directory: string) => {
    await writeFile(path(`${name}.hcl`), `storage "raft" {\n  path = "${directory}"\n}\n`);
    return server(`-config=${path(`${name}.hcl`)}`);
  };
  await mkdir(path('data'), { recursive: true });
  await symlink(path('data'), path('link'));
  const own = await storingIn('own', path('link/'));
  const other = await storingIn('other', path('other'));
  const unreadable = await server(`-config=${path('gone.hcl')}`);
  const relative = await server('-config=own.hcl');

  expect(await withoutOthers([own, other], path('data'))).toEqual([own]);
  expect(await withoutOthers([own, other], path('other'))).toEqual([other]);
  expect(await withoutOthers([other, unreadable, relative], path('data'))).toEqual([unreadable, relative]);
});

/** A process that is called like one, and does nothing. @returns its id */
async function server(...args: string[]): Promise<number> {
  await mkdir(path('.'), { recursive: true });
  await writeFile(path('server'), 'setInterval(() => {}, 60_000);\nprocess.stdout.write("up");\n');
  const child = spawn(process.execPath, ['server', ...args], { argv0: 'vault', cwd: path('.') });
  servers.push(child);
  await once(child.stdout, 'data');
  return child.pid!;
}
