import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { authorizedKey, knownHost, sudoersRule } from '../../src/install/ssh-files';
import { createProcess, type LabProcess } from '../../src/lab/processes';
import { hostCommand, type NodeOverSsh } from '../../src/ssh/command';

const USER = 'vault-dr-ssh';
const SSHD = '/usr/sbin/sshd';
/** A host without systemd is searched for its Vault, and finds nobody else's. */
const UNSHARE = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'] as const;

/** What it takes: a user, rules and processes of its own, in namespaces that end with the server. */
export function canServeSsh(): boolean {
  const runs = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;
  return (
    process.getuid?.() === 0 &&
    runs('test', '-x', SSHD) &&
    ['ssh', 'ssh-keygen', 'sudo', 'pgrep'].every((program) => runs('sh', '-c', `command -v ${program}`)) &&
    runs(...UNSHARE, 'mount', '--bind', '/etc/hostname', '/etc/hostname')
  );
}

/** A real sshd with a real sudo, on the loopback. One user may do the steps of some nodes there, and nothing else. */
export interface SshServer {
  /** For the configuration of a node. */
  settings(node: string): { host: string; port: number; identityFile: string; knownHostsFile: string };
  knownHostsFile: string;
  /** Makes the keys of the nodes, each for the steps of one, and starts the server. */
  start(cluster: string, nodes: readonly NodeOverSsh[]): Promise<void>;
  /** Which nodes the rules of sudo name. */
  allow(cluster: string, nodes: readonly NodeOverSsh[]): Promise<void>;
  /** Runs a command on that host, as root. */
  run(command: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export async function createSshServer(directory: string, environment: Record<string, string>): Promise<SshServer> {
  const inside = (name: string) => join(directory, name);
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const port = await freePort();
  const sshd = createSshd(directory, port, environment);
  const knownHostsFile = inside('known_hosts');
  const allow = (cluster: string, nodes: readonly NodeOverSsh[]) =>
    writeFile(
      inside('sudoers'),
      `root ALL=(ALL) ALL\n${nodes.map((node) => sudoersRule(USER, hostCommand(cluster, node))).join('')}`,
      { mode: 0o440 },
    );
  return {
    settings: (node) => ({ host: '127.0.0.1', port, identityFile: inside(`${node}.key`), knownHostsFile }),
    knownHostsFile,
    allow,
    async start(cluster, nodes) {
      await writeAccounts(directory);
      const lines: string[] = [];
      for (const node of nodes) {
        const command = ['sudo', '-n', '--', ...hostCommand(cluster, node)];
        lines.push(authorizedKey(command, await makeKey(inside(`${node.name}.key`))));
      }
      await writeFile(inside('authorized_keys'), `${lines.join('\n')}\n`, { mode: 0o644 });
      await writeFile(knownHostsFile, `${knownHost('127.0.0.1', port, await makeKey(inside('host_key')))}\n`);
      await allow(cluster, nodes);
      await sshd.start();
    },
    async run(command) {
      const children = await readFile(`/proc/${sshd.pid}/task/${sshd.pid}/children`, 'utf8');
      execFileSync('nsenter', ['--target', children.trim(), '--mount', '--pid', '--', ...command], { stdio: 'ignore' });
    },
    // `unshare` hands no other signal on.
    stop: () => sshd.kill(),
  };
}

/** @returns its public half */
export async function makeKey(file: string): Promise<string> {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  return readFile(`${file}.pub`, 'utf8');
}

/** Those of this machine, and one more user, who may do nothing but what a rule allows. */
async function writeAccounts(directory: string): Promise<void> {
  const lines = {
    passwd: `${USER}:x:64123:64123::/nonexistent:/bin/sh\n`,
    group: `${USER}:x:64123:\n`,
    shadow: `${USER}:*:19000:0:99999:7:::\n`,
  };
  for (const [name, line] of Object.entries(lines)) {
    const mode = name === 'shadow' ? 0o600 : 0o644;
    await writeFile(join(directory, name), `${await readFile(`/etc/${name}`, 'utf8')}${line}`, { mode });
  }
}

function createSshd(directory: string, port: number, environment: Record<string, string>): LabProcess {
  const mounts = ['passwd', 'group', 'shadow', 'sudoers'].map(
    (name) => `mount --bind ${join(directory, name)} /etc/${name}`,
  );
  const settings = {
    Port: port,
    ListenAddress: '127.0.0.1',
    HostKey: join(directory, 'host_key'),
    // The user could not read them below a directory of root alone.
    AuthorizedKeysFile: 'none',
    AuthorizedKeysCommand: `/usr/bin/cat ${join(directory, 'authorized_keys')}`,
    AuthorizedKeysCommandUser: 'root',
    PidFile: 'none',
    UsePAM: 'no',
    PasswordAuthentication: 'no',
    // The directory is below /tmp, which everybody may write to.
    StrictModes: 'no',
    MaxStartups: '100',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const begin = `mkdir -p /run/sshd && ${mounts.join(' && ')} && exec "$@"`;
  return createProcess({
    name: 'sshd',
    command: [...UNSHARE, 'sh', '-c', begin, 'sshd', SSHD, '-D', '-e', '-f', '/dev/null', ...options],
    environment,
    logFile: join(directory, 'sshd.log'),
    isReady: () => answers(port),
  });
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
