import { chown } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import type { Hole } from './seal';

/**
 * The way out of a fence for a seal, and the only one: for each address of a key service a socket in the directory that is
 * shared with the fence. Where it leads is decided out here, so that nobody in there can ask for another place.
 */
export class Relay {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor() {}

  /** @param owner who may connect, besides this process */
  static async open(directory: string, holes: readonly Hole[], owner: number | null): Promise<Relay> {
    const relay = new Relay();
    try {
      for (const [index, hole] of holes.entries()) {
        const path = join(directory, socketName(index));
        const server = createServer({ allowHalfOpen: true }, (inside) => relay.#lead(inside, hole));
        relay.#servers.push(server);
        await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
        if (owner !== null) await chown(path, owner, owner);
      }
    } catch (error) {
      relay.close();
      throw error;
    }
    return relay;
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #lead(inside: Socket, { host, port }: Hole): void {
    const outside = createConnection({ host, port, allowHalfOpen: true });
    for (const socket of [inside, outside]) {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    }
    // What fails on one side ends on the other, and is an error to whoever asks.
    pipeline(inside, outside, () => undefined);
    pipeline(outside, inside, () => undefined);
  }
}

export function socketName(index: number): string {
  return String(index);
}
