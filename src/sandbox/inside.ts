// Runs inside the fence, as its first process after the one that made it: starts the scratch Vault there, and tries to get out.
// It imports nothing of this project, because nothing of it can be seen from there.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type NetConnectOpts, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream';
import type { FenceReport, Order, Reached, Reply, ServerState, Target, Way } from './orders';

const CONFIG_FILE = '/tmp/vault.json';
const CONNECT_WITHIN_MS = 2_000;
/** Made outside, as one of the files that this process has: who connects to it means the Vault. */
const API_SOCKET = 3;

let server: ChildProcess | null = null;
let lastLine = '';

// The process outside is gone, also when it was killed: the fence ends, and with it everything in it.
const orders = createInterface({ input: process.stdin });
orders.on('close', () => process.exit(0));
orders.on('line', (line) => {
  const { id, ...order } = JSON.parse(line) as Order & { id: number };
  act(order).then(
    (result) => reply({ id, result }),
    (error: Error) => reply({ id, error: error.message }),
  );
});

const [host = '', port = ''] = process.argv.slice(2);
passOn({ host, port: Number(port) }).listen({ fd: API_SOCKET });

function reply(answer: Reply): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function act(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'probe':
      return probe(order);
    case 'start':
      return start(order);
    case 'open':
      for (const { path, base64 } of order.files) write(path, Buffer.from(base64, 'base64'));
      for (const way of order.ways) await openWay(way);
      return null;
    case 'stop':
      return stop(order.withinMs);
    case 'look':
      return { runs: server !== null, lastLine } satisfies ServerState;
  }
}

/** For the Vault, which may be another user; nobody else is here. */
function write(path: string, content: string | Buffer): void {
  writeFileSync(path, content);
  chmodSync(path, 0o644);
}

/** The fence's own end of a way to a key service. */
async function openWay({ host, port, socket: path }: Way): Promise<void> {
  const server = passOn({ path });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
}

function passOn(to: NetConnectOpts): Server {
  return createServer({ allowHalfOpen: true }, (asking) => {
    const leading = createConnection({ ...to, allowHalfOpen: true });
    // What fails on one side ends on the other.
    pipeline(asking, leading, () => undefined);
    pipeline(leading, asking, () => undefined);
  });
}

async function start({
  through,
  program,
  config,
  options,
  environment,
}: Extract<Order, { do: 'start' }>): Promise<void> {
  if (server !== null) throw new Error('it runs already');
  lastLine = '';
  write(CONFIG_FILE, config);
  const [command, ...args] = [...through, program, 'server', ...options, `-config=${CONFIG_FILE}`];
  const started = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  server = started;
  for (const output of [started.stdout, started.stderr]) {
    createInterface({ input: output }).on('line', (line) => {
      if (line.trim() !== '') lastLine = line;
    });
  }
  started.once('exit', () => {
    if (server === started) server = null;
  });
  await new Promise<void>((resolve, reject) => {
    started.once('spawn', resolve);
    started.once('error', (error) => {
      server = null;
      reject(error);
    });
  });
}

async function stop(withinMs: number): Promise<void> {
  const running = server;
  if (running === null) return;
  const exited = new Promise((resolve) => running.once('exit', resolve));
  running.kill('SIGTERM');
  const force = setTimeout(() => running.kill('SIGKILL'), withinMs);
  await exited;
  clearTimeout(force);
}

async function probe({ targets, hidden, made }: Extract<Order, { do: 'probe' }>): Promise<FenceReport> {
  return {
    interfaces: Object.keys(networkInterfaces()),
    routes: routes(),
    seen: hidden.flatMap((path) => seenAt(path, made)),
    reached: await Promise.all(targets.map(reach)),
  };
}

/** What is there and was not put there on purpose. */
function seenAt(path: string, made: string[]): string[] {
  if (!existsSync(path) || made.includes(path)) return [];
  if (!made.some((own) => own.startsWith(`${path}/`))) return [path];
  return readdirSync(path).flatMap((name) => seenAt(`${path}/${name}`, made));
}

/** Names of the interfaces that packets could leave by. */
function routes(): string[] {
  const v4 = linesOf('/proc/net/route').slice(1);
  const v6 = linesOf('/proc/net/ipv6_route');
  return [...v4.map((line) => line.split(/\s+/)[0]), ...v6.map((line) => line.split(/\s+/).at(-1))].filter(
    (name) => name !== undefined && name !== '',
  ) as string[];
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
  } catch (error) {
    // A kernel without that protocol.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function reach({ host, port }: Target): Promise<Reached> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const end = (outcome: string) => {
      socket.destroy();
      resolve({ host, port, outcome });
    };
    const limit = setTimeout(() => end('timeout'), CONNECT_WITHIN_MS);
    socket.once('connect', () => end('connected'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(code ?? 'error'));
    socket.once('close', () => clearTimeout(limit));
  });
}
