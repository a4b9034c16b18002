import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, mkdtemp, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../contract/failures';
import { printable } from '../contract/printable';
import { fenceProblems } from './fence-proof';
import type { FenceReport, Order, Reply, ServerState, Target } from './orders';
import { Relay, socketName } from './relay';
import { hostsFile, SEAL_FILES, type SandboxSeal } from './seal';

/** What makes the fence, of the package bubblewrap; and what gives up rights, of util-linux. */
const BUBBLEWRAP = 'bwrap';
const SETPRIV = 'setpriv';
/** The user `nobody`, whom no file of the host belongs to. */
const NOBODY = 65_534;
/** Neither does any to this one, which the Vault is: it could end or imitate what watches it, were that the same user. */
const SERVER_USER = 65_533;
/** What the process that starts it keeps for that, and it itself has not. */
const KEPT = ['setuid', 'setgid', 'kill'];
const LOW_PORTS = 'net_bind_service';
const FIRST_FREE_PORT = 1_024;
/** Beside these nothing of the host is there. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64'];
/** What must not be there: sockets of other programs, their data, and what the host's own Vault has. */
const HIDDEN: string[] = ['/etc', '/home', '/mnt', '/opt', '/root', '/run', '/srv', '/sys', '/var/lib', '/var/run'];
const STOP_WITHIN_MS = 30_000;
const ANSWER_WITHIN_MS = 60_000;

/** Bytes of a path: `sun_path` of unix(7), less its end. */
const LONGEST_SOCKET = 107;

/** In the fence: the directory of the ways to a key service. */
const WAYS = '/ways';
const DATA = '/data';
/** Of the Vault, on the fence's own loopback. The usual address may be that of a way to a key service of the host's. */
const API: Target = { host: '127.78.0.1', port: 8_200 };
const CLUSTER_ADDRESS = `${API.host}:${API.port + 1}`;
const SERVER = '/server';
const HOSTS = '/etc/hosts';

export interface FenceOptions {
  /** Vault or OpenBao. */
  program: string;
  /** A private directory of this host, in which nothing of the fence can write. */
  directory: string;
  /** Directories that exist in it, in memory: audit devices write there. */
  writable: readonly string[];
  /** Must be out of reach. */
  targets: readonly Target[];
  /** Of the Vault: one of the backup's, or its leases could not be changed (measured, 1.21.1). */
  nodeId: string;
  /** Of a Vault that unseals itself. */
  seal?: SandboxSeal | undefined;
}

/**
 * A place on this host that has nothing but its own loopback, memory and a read-only view of the system's programs, made
 * by bubblewrap out of namespaces. It ends with this process, also when that is killed, and the kernel then frees all
 * that was in it: no data was ever on a disk.
 */
export class Fence {
  #next = 0;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: DrError) => void }>();
  #ended: DrError | null = null;
  #said = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly options: FenceOptions,
    private readonly shared: string,
    private readonly relay: Relay | null,
  ) {
    child.stderr?.on('data', (chunk: Buffer) => (this.#said = `${this.#said}${chunk.toString('utf8')}`.slice(-500)));
    createInterface({ input: child.stdout! }).on('line', (line) => this.#hear(line));
    // A write after its end is answered by what follows.
    child.stdin?.on('error', () => undefined);
    child.once('error', (error: NodeJS.ErrnoException) =>
      this.#end(error.code === 'ENOENT' ? missing() : ended(error.message)),
    );
    child.once('close', () => this.#end(ended(this.#said.trim())));
  }

  /** @throws DrError InvalidConfiguration without bubblewrap; NodeUnsafe if it is not proved */
  static async open(options: FenceOptions): Promise<Fence> {
    assertSocketFits(socketIn(join(options.directory, 'f-123456')));
    const shared = await mkdtemp(join(options.directory, 'f-'));
    const isRoot = process.getuid?.() === 0;
    const ways = join(shared, 'ways');
    await mkdir(ways, { mode: 0o700 });
    if (isRoot) await chown(ways, NOBODY, NOBODY);
    const { seal } = options;
    if (seal) await writeReadable(join(shared, 'hosts'), hostsFile(seal.holes));
    const relay = seal ? await Relay.open(ways, seal.holes, isRoot ? NOBODY : null) : null;
    const api = await listenAt(socketIn(shared));
    const child = spawn(BUBBLEWRAP, await argumentsOf(options, shared, isRoot), {
      stdio: ['pipe', 'pipe', 'pipe', descriptorOf(api)],
      env: { PATH: process.env['PATH'] },
      detached: true,
    });
    api.close();
    const fence = new Fence(child, options, shared, relay);
    try {
      // First without the way to the key service, which comes on top of a fence that is proved.
      await fence.prove();
      if (seal) await fence.#openWays(seal);
      return fence;
    } catch (error) {
      await fence.close();
      throw error;
    }
  }

  /** Address of the API, for a client outside. */
  get address(): string {
    return `unix://${socketIn(this.shared)}`;
  }

  /** From inside. @throws DrError NodeUnsafe */
  async prove(): Promise<FenceReport> {
    const { writable, seal } = this.options;
    // On its own loopback the way to the key service is no leak.
    const isWay = ({ host, port }: Target) => seal?.holes.some((hole) => hole.listen === host && hole.port === port);
    const targets = this.options.targets.filter((target) => !isWay(target));
    const made = [...writable, ...(seal ? [HOSTS] : [])];
    const report = (await this.#ask({ do: 'probe', targets, hidden: HIDDEN, made })) as FenceReport;
    const problems = fenceProblems(report, targets.length);
    if (problems.length === 0) return report;
    throw new DrError('NodeUnsafe', `The fence of the sandbox is not proved: ${problems.join('; ')}.`, {
      notice: 'fence-not-proved',
      advice: 'Nothing was loaded into it. Try another host.',
    });
  }

  /** @param options of `vault server` */
  async start(...options: string[]): Promise<void> {
    const config = JSON.stringify(serverConfig(this.options));
    const { environment = {} } = this.options.seal ?? {};
    const through = process.getuid?.() === 0 ? asUser(SERVER_USER, []) : [];
    await this.#ask({ do: 'start', through, program: SERVER, config, options, environment });
  }

  async stop(): Promise<void> {
    await this.#ask({ do: 'stop', withinMs: STOP_WITHIN_MS });
  }

  async look(): Promise<ServerState> {
    return (await this.#ask({ do: 'look' })) as ServerState;
  }

  /** Ends everything in it. Never throws. */
  async close(): Promise<void> {
    const { pid, exitCode, signalCode } = this.child;
    // Without an id it was never started.
    const isGone = pid === undefined || exitCode !== null || signalCode !== null;
    const gone = isGone ? Promise.resolve() : once(this.child, 'close');
    this.child.kill('SIGKILL');
    this.relay?.close();
    await gone;
    await rm(this.shared, { recursive: true, force: true });
  }

  async #openWays({ holes, files }: SandboxSeal): Promise<void> {
    await this.#ask({
      do: 'open',
      ways: holes.map(({ listen, port }, index) => ({ host: listen, port, socket: `${WAYS}/${socketName(index)}` })),
      files: files.map(({ path, content }) => ({ path, base64: content.toString('base64') })),
    });
  }

  async #ask(order: Order): Promise<unknown> {
    const id = this.#next++;
    const limit = new AbortController();
    try {
      return await new Promise((resolve, reject) => {
        if (this.#ended) return reject(this.#ended);
        this.#waiting.set(id, { resolve, reject });
        this.child.stdin?.write(`${JSON.stringify({ id, ...order })}\n`);
        sleep(ANSWER_WITHIN_MS, undefined, { signal: limit.signal }).then(
          () => reject(ended('it does not answer')),
          () => undefined,
        );
      });
    } finally {
      limit.abort();
      this.#waiting.delete(id);
    }
  }

  /** What runs in there is not trusted to answer, or to answer in JSON. */
  #hear(line: string): void {
    let reply: Reply;
    try {
      reply = JSON.parse(line) as Reply;
    } catch {
      return this.#end(ended('it answers with something else than JSON'));
    }
    const asked = this.#waiting.get(reply.id);
    if ('error' in reply) asked?.reject(ended(String(reply.error)));
    else asked?.resolve(reply.result);
  }

  #end(error: DrError): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
  }
}

function socketIn(shared: string): string {
  return join(shared, 'vault.sock');
}

/** Longer ones are cut off silently. */
function assertSocketFits(path: string): void {
  if (Buffer.byteLength(path) <= LONGEST_SOCKET) return;
  throw new DrError('InvalidConfiguration', `A socket can't have a path as long as ${path}.`, {
    advice: `Shorten the state directory: ${LONGEST_SOCKET} bytes are possible.`,
  });
}

/**
 * A socket that is made out here and served in there, as one of its open files: whatever is in the fence can't put a link
 * in its place, which a client would follow.
 */
async function listenAt(path: string): Promise<Server> {
  const server = createServer();
  const made = join(dirname(path), 'new');
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(made, resolve));
  // A server that is closed removes the name that it was given.
  await rename(made, path);
  return server;
}

function descriptorOf(server: Server): number {
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  return fd;
}

/** Its data stay in memory; it talks to nobody but on the fence's own loopback. */
function serverConfig({ nodeId, seal }: Pick<FenceOptions, 'nodeId' | 'seal'>): object {
  return {
    listener: [
      {
        tcp: {
          address: `${API.host}:${API.port}`,
          // Without one it does not become active.
          cluster_address: CLUSTER_ADDRESS,
          tls_disable: true,
          disable_unauthed_generate_root_endpoints: false,
        },
      },
    ],
    // Nobody else could lead, so it need not wait for long.
    storage: { raft: { path: DATA, node_id: nodeId, performance_multiplier: 1 } },
    api_addr: `http://${API.host}:${API.port}`,
    cluster_addr: `https://${CLUSTER_ADDRESS}`,
    // Without privileges it could not.
    disable_mlock: true,
    // For a root token from the shares alone, as before Vault 2.0; in the listener it is OpenBao's setting for the same.
    enable_unauthenticated_access: ['generate-root'],
    ui: false,
    ...(seal && { seal: { [seal.type]: seal.settings } }),
  };
}

async function argumentsOf(
  { program, writable, seal }: FenceOptions,
  shared: string,
  isRoot: boolean,
): Promise<string[]> {
  // Only a way to a port such as 443 needs it, and only the process that listens there has it.
  const needsLowPort = seal?.holes.some(({ port }) => port < FIRST_FREE_PORT) ?? false;
  const kept = [...KEPT, ...(needsLowPort ? [LOW_PORTS] : [])];
  const system = (await Promise.all(SYSTEM.map(bound))).flat();
  // One option per line, with its values.
  const options = [
    // In a user namespace of its own root would keep root's rights to files.
    isRoot
      ? ['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try']
      : ['--unshare-all'],
    ['--die-with-parent', '--new-session', '--clearenv'],
    ['--setenv', 'HOME', '/tmp'],
    ['--cap-drop', 'ALL'],
    isRoot ? [...kept, 'setpcap'].flatMap((name) => ['--cap-add', `CAP_${name.toUpperCase()}`]) : [],
    system,
    ['--proc', '/proc', '--dev', '/dev'],
    [DATA, '/tmp', ...(seal ? [SEAL_FILES] : []), ...writable].flatMap((path) => ['--perms', '1777', '--tmpfs', path]),
    ['--bind', join(shared, 'ways'), WAYS],
    seal ? ['--perms', '0755', '--dir', dirname(HOSTS), '--ro-bind', join(shared, 'hosts'), HOSTS] : [],
    needsLowPort && !isRoot ? ['--cap-add', `CAP_${LOW_PORTS.toUpperCase()}`] : [],
    ['--ro-bind', program, SERVER],
    ['--ro-bind', process.execPath, '/node'],
    ['--ro-bind', join(__dirname, 'inside.js'), '/inside.js'],
    ['--chdir', DATA],
  ];
  return [
    ...options.flat(),
    '--',
    ...(isRoot ? asUser(NOBODY, kept) : []),
    '/node',
    '/inside.js',
    API.host,
    String(API.port),
  ];
}

/** By everybody, whatever the umask. */
async function writeReadable(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o644);
}

/** @param kept capabilities that it has there, and hands on unless it says otherwise */
function asUser(id: number, kept: readonly string[]): string[] {
  const capabilities = ['-all', ...kept.map((name) => `+${name}`)].join();
  // The bounding set can be made smaller only before the others are.
  const sets = kept.length === 0 ? ['inh-caps', 'ambient-caps'] : ['bounding-set', 'inh-caps', 'ambient-caps'];
  const ids = [`--reuid=${id}`, `--regid=${id}`, '--clear-groups'];
  return [SETPRIV, ...ids, '--no-new-privs', ...sets.map((set) => `--${set}=${capabilities}`)];
}

/** Of the host, read-only; as a link, where it is one. */
async function bound(path: string): Promise<string[]> {
  const stats = await lstat(path).catch(() => null);
  if (stats === null) return [];
  return stats.isSymbolicLink() ? ['--symlink', await readlink(path), path] : ['--ro-bind', path, path];
}

function missing(): DrError {
  return new DrError('InvalidConfiguration', 'There is no bwrap on this host, which makes the fence.', {
    notice: 'sandbox-missing',
    advice: 'Install the package bubblewrap.',
  });
}

function ended(why: string): DrError {
  return new DrError('ServiceFailed', `The sandbox ended${why === '' ? '' : `: ${printable(why)}`}.`, {
    notice: 'sandbox-ended',
    advice: 'Nothing of it is left. Try again.',
  });
}
