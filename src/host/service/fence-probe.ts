// A process of its own, in the control group of a unit whose network is cut off: tries to get out, and fails if it could.
// Usage: node fence-probe.js [HOST PORT]…
import { createSocket } from 'node:dgram';
import { createConnection, isIP } from 'node:net';

/** Of the half of the loopback that no fence allows: the filter must refuse it, whatever else the network is like. */
const REFUSED = { host: '127.255.0.1', port: 9 };
/** What the kernel says where its filter drops a packet. */
const FILTERED = 'EPERM';
/** The same of a system that has no way to an address. */
const NO_WAY_OUT = ['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'];
const CONNECT_WITHIN_MS = 1_000;

interface Target {
  host: string;
  port: number;
}

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const targets = words.flatMap((host, at) => (at % 2 === 0 ? [{ host, port: Number(words[at + 1]) }] : []));
  const filter = await send(REFUSED);
  if (filter !== FILTERED) {
    fail(`the kernel does not filter what this unit sends (${filter}): IPAddressDeny= has no effect on this host`);
  }
  const problems = await Promise.all(targets.map(problemOf));
  for (const problem of problems) if (problem !== null) fail(problem);
}

/** A connection that is not answered proves nothing by itself, so a packet is sent as well: its fate is known at once. */
async function problemOf(target: Target): Promise<string | null> {
  const [sent, connected] = await Promise.all([send(target), connect(target)]);
  const place = `${target.host} port ${target.port}`;
  if (connected === 'connected') return `it reaches ${place}`;
  if (connected === 'ECONNREFUSED') return `it reaches ${place}, which refuses the connection`;
  if (sent === FILTERED || NO_WAY_OUT.includes(sent)) return null;
  return `nothing shows that ${place} is out of reach (${sent})`;
}

function send({ host, port }: Target): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
    const end = (outcome: string) => {
      socket.close();
      resolve(outcome);
    };
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(code ?? 'error'));
    socket.send('', port, host, (error) => end(error ? ((error as NodeJS.ErrnoException).code ?? 'error') : 'sent'));
  });
}

function connect({ host, port }: Target): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const end = (outcome: string) => {
      clearTimeout(limit);
      socket.destroy();
      resolve(outcome);
    };
    const limit = setTimeout(() => end('timeout'), CONNECT_WITHIN_MS);
    socket.once('connect', () => end('connected'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(code ?? 'error'));
  });
}

function fail(problem: string): void {
  process.stderr.write(`The fence is not proved: ${problem}\n`);
  process.exitCode = 1;
}

void main();
