import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { parseEnvironmentFile, serversOf, startOfProcess, startOfUnit } from '../../../../src/host/service/unit-start';
import { useDirectory } from '../../../support/temporary';

const path = useDirectory();

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
  await mkdir(path('.'), { recursive: true });
  await writeFile(path('server'), 'setTimeout(() => {}, 60_000);\nprocess.stdout.write("up");\n');
  const uid = process.geteuid!();
  const child = spawn(process.execPath, ['server', '-config=/srv/vault.hcl'], { argv0: 'vault', cwd: path('.') });
  try {
    await once(child.stdout, 'data');

    expect(await serversOf([uid + 2, uid])).toContain(child.pid);
    expect(await serversOf([uid + 1, uid + 2])).not.toContain(child.pid);
    expect(await startOfProcess(child.pid!)).toMatchObject({ paths: ['/srv/vault.hcl'] });
  } finally {
    child.kill();
  }
});
