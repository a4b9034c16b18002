import { connect } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { DrError } from '../../contract/failures';

export interface TlsDoorOptions {
  address: string;
  port: number;
  /** PEM. */
  cert: Buffer;
  key: Buffer;
  /** PEM: the CA of client certificates. */
  clientCa: Buffer;
  /** The server's port on the loopback. */
  target: number;
  onRefused: (text: string) => void;
}

/**
 * Lets agents on other hosts reach a server without TLS: without a certificate of the CA no byte gets through. @returns
 * a function that closes it. @throws DrError InvalidConfiguration
 */
export async function openTlsDoor(options: TlsDoorOptions): Promise<() => Promise<void>> {
  const { address, port, cert, key, clientCa, target, onRefused } = options;
  const open = new Set<{ destroy(): unknown }>();
  const door = (() => {
    try {
      return createServer({
        cert,
        key,
        ca: clientCa,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
        // Of gRPC.
        ALPNProtocols: ['h2'],
      });
    } catch (error) {
      throw unusable(error as Error);
    }
  })();
  door.on('secureConnection', (outside: TLSSocket) => {
    const inside = connect({ host: '127.0.0.1', port: target, noDelay: true });
    const both = [outside, inside];
    for (const socket of both) {
      open.add(socket);
      socket.setKeepAlive(true, 30_000);
      socket.once('close', () => {
        open.delete(socket);
        for (const other of both) other.destroy();
      });
      // Closes on error.
      socket.on('error', () => undefined);
    }
    outside.pipe(inside).pipe(outside);
  });
  door.on('tlsClientError', (error, socket) => onRefused(`${socket.remoteAddress ?? 'somebody'}: ${error.message}`));
  try {
    door.listen(port, address);
    await once(door, 'listening');
  } catch (error) {
    throw unusable(error as Error);
  }
  return async () => {
    const closed = once(door, 'close');
    door.close();
    for (const socket of open) socket.destroy();
    await closed;
  };

  function unusable(error: Error): DrError {
    return new DrError('InvalidConfiguration', `Can't listen on ${address}:${port}: ${error.message}.`, {
      advice: 'Check --listen, and that --tls-cert, --tls-key and --tls-client-ca are PEM files that belong together.',
      cause: error,
    });
  }
}
