import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below the range from which the kernel takes the ports of outgoing connections (32768 and up). */
const FIRST_PORT = 20_000;
const BLOCKS = 390;
export const BLOCK_SIZE = 32;

export interface PortBlock {
  /** Free when the block was claimed. */
  ports: number[];
  release(): Promise<void>;
}

/**
 * Claims a block of ports on 127.0.0.1. The first port of the block is held open for as long as the claim lasts: so the
 * ports stay with one lab also while its servers are down, and the kernel ends the claim with the process.
 */
export async function claimPortBlock(firstTry = Math.floor(Math.random() * BLOCKS)): Promise<PortBlock> {
  for (let turn = 0; turn < BLOCKS; turn++) {
    const base = FIRST_PORT + ((firstTry + turn) % BLOCKS) * BLOCK_SIZE;
    const claim = await listen(base);
    if (!claim) continue;
    const ports = Array.from({ length: BLOCK_SIZE - 1 }, (_, index) => base + 1 + index);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return { ports, release: () => close(claim) };
    await close(claim);
  }
  throw new Error(
    `No ${BLOCK_SIZE} free ports in a row between ${FIRST_PORT} and ${FIRST_PORT + BLOCKS * BLOCK_SIZE}.`,
  );
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server) await close(server);
  return server !== undefined;
}

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
