import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScratchHost } from '../../src/sandbox/scratch-vault';
import { freePort } from './vault-node';

/** What a scratch Vault must never have: this machine, with its network. It shows what a fence is for. */
export interface UnfencedHost extends ScratchHost {
  close(): Promise<void>;
}

/**
 * @param directory new, and removed at the end
 * @param nodeId one of the backup's: under another name a Vault that is slow to start seals itself, as removed from its cluster
 */
export async function unfencedHost(program: string, directory: string, nodeId: string): Promise<UnfencedHost> {
  const [socket, data, log] = ['vault.sock', 'data', 'log'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(data, { recursive: true });
  const [api, cluster] = [await freePort(), await freePort()];
  const configFile = join(directory, 'vault.json');
  await writeFile(
    configFile,
    JSON.stringify({
      listener: [
        { unix: { address: socket } },
        // Without an address for a cluster it does not become active.
        { tcp: { address: `127.0.0.1:${api}`, cluster_address: `127.0.0.1:${cluster}`, tls_disable: true } },
      ],
      storage: { raft: { path: data, node_id: nodeId } },
      api_addr: `http://127.0.0.1:${api}`,
      cluster_addr: `https://127.0.0.1:${cluster}`,
      disable_mlock: true,
    }),
  );
  let server: ChildProcess | null = null;
  const stop = async () => {
    const running = server;
    if (running === null) return;
    const exited = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGTERM');
    await exited;
  };
  return {
    address: `unix://${socket}`,
    async start() {
      await rm(socket, { force: true });
      const started = spawn(program, ['server', `-config=${configFile}`], { stdio: ['ignore', 'pipe', 'pipe'] });
      const output = createWriteStream(log, { flags: 'a' });
      for (const stream of [started.stdout, started.stderr]) stream.pipe(output, { end: false });
      server = started;
      started.once('exit', () => {
        if (server === started) server = null;
        output.end();
      });
    },
    stop,
    async look() {
      const lines = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n');
      return { runs: server !== null, lastLine: lines.at(-1) ?? '' };
    },
    async close() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
