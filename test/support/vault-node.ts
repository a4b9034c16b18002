import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/processes';
import { VaultClient, type VaultClientOptions, type VaultEndpoint } from '../../src/vault/client';

export const VAULT_BINARY = join(process.env['VAULT_DR_CACHE'] ?? join(homedir(), '.cache/vault-dr'), 'bin/vault');

export interface NodeTls {
  certPem: string;
  keyPem: string;
}

/** A real Vault server on Raft storage, in a directory of its own. */
export interface VaultNode {
  address: string;
  clusterAddress: string;
  directory: string;
  pid: number;
  client(options?: VaultClientOptions & Partial<VaultEndpoint>): VaultClient;
  /** Starts it again after it was halted. @param options of `vault server` */
  restart(...options: string[]): Promise<void>;
  /** Ends the process and leaves its directory. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Ends the process, closes its clients and removes its directory. */
  stop(): Promise<void>;
}

/**
 * @param seal of the configuration, as `{ transit: { … } }`; without it the seal is `shamir`.
 * @param storage more of its storage stanza
 * @param listeners beside the one of its address, as `{ unix: { … } }`
 * @param prepare fills its data directory before it starts
 */
export async function startVaultNode(
  name: string,
  tls?: NodeTls,
  seal?: object,
  storage = {},
  listeners: object[] = [],
  prepare: (dataDir: string, clusterAddress: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<VaultNode> {
  const directory = await mkdtemp(join(tmpdir(), 'vault-node-'));
  await mkdir(join(directory, 'data'));
  const [apiPort, clusterPort] = [await freePort(), await freePort()];
  const address = `${tls ? 'https' : 'http'}://127.0.0.1:${apiPort}`;
  const clusterAddress = `127.0.0.1:${clusterPort}`;
  if (tls) {
    await writeFile(join(directory, 'tls.crt'), tls.certPem);
    await writeFile(join(directory, 'tls.key'), tls.keyPem, { mode: 0o600 });
  }
  const listenerTls = tls
    ? { tls_cert_file: join(directory, 'tls.crt'), tls_key_file: join(directory, 'tls.key') }
    : { tls_disable: true };
  const config = {
    storage: { raft: { path: join(directory, 'data'), node_id: name, performance_multiplier: 1, ...storage } },
    listener: [
      { tcp: { address: `127.0.0.1:${apiPort}`, cluster_address: clusterAddress, ...listenerTls } },
      ...listeners,
    ],
    api_addr: address,
    cluster_addr: `https://${clusterAddress}`,
    disable_mlock: true,
    ...(seal && { seal }),
  };
  await writeFile(join(directory, 'vault.json'), JSON.stringify(config));
  await prepare(join(directory, 'data'), clusterAddress);
  let process = await launch();

  async function launch(options: string[] = []): Promise<ChildProcess> {
    const log = await open(join(directory, 'vault.log'), 'a');
    const started = spawn(VAULT_BINARY, ['server', ...options, '-config', join(directory, 'vault.json')], {
      stdio: ['ignore', log.fd, log.fd],
    });
    await log.close();
    return started;
  }

  const clients: VaultClient[] = [];
  return {
    address,
    clusterAddress,
    directory,
    get pid() {
      return process.pid!;
    },
    client({ token, timeoutMs, signal, ...endpoint } = {}) {
      const options = { ...(token && { token }), ...(timeoutMs && { timeoutMs }), ...(signal && { signal }) };
      const client = new VaultClient({ node: name, address, ...endpoint }, options);
      clients.push(client);
      return client;
    },
    async restart(...options) {
      process = await launch(options);
    },
    halt: (signal) => end(process, signal),
    async stop() {
      await Promise.all(clients.map((client) => client.close()));
      await end(process);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Asks until the answer is not null; connection errors count as "not yet". */
export async function eventually<T>(what: string, ask: () => Promise<T | null>, timeoutMs = 30_000): Promise<T> {
  const answered = async () => {
    const answer = await ask();
    return answer === null ? undefined : { answer };
  };
  return (await waitFor(what, answered, { timeoutMs, everyMs: 100 })).answer;
}

/** Initialises and unseals a blank node. */
export async function bootstrap(
  client: VaultClient,
  shares: { secretShares: number; secretThreshold: number },
): Promise<{ keys: string[]; rootToken: string }> {
  await eventually('an answer', () => client.sealStatus());
  const { keys, rootToken } = await client.initialize(shares);
  for (const key of keys.slice(0, shares.secretThreshold)) await client.unseal({ key });
  await eventually('an active node', async () => ((await client.leader()).isSelf ? true : null));
  return { keys, rootToken };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function end(process: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = once(process, 'exit');
  process.kill(signal);
  const timer = setTimeout(() => process.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(timer);
}
