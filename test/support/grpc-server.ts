import { once } from 'node:events';
import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';

/** A status of gRPC, with what is said with it; 0 is an empty answer. */
export interface GrpcAnswer {
  status: number;
  message?: string;
}

/** Answers each call of gRPC as told, by the name of the method. */
export function grpcServer(answer: (method: string) => GrpcAnswer): Http2Server {
  const server = createServer();
  server.on('stream', (stream, headers) => {
    const { status, message = '' } = answer(String(headers[':path']).split('/').at(-1) ?? '');
    const head = { ':status': 200, 'content-type': 'application/grpc' };
    const trailers = { 'grpc-status': String(status), 'grpc-message': encodeURIComponent(message) };
    if (status !== 0) return stream.respond({ ...head, ...trailers }, { endStream: true });
    stream.respond(head, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    // An empty message: not compressed, no bytes.
    stream.end(Buffer.alloc(5));
  });
  return server;
}

/** Servers that end with the test; the sockets that they hold, too. */
export function useServers(): (server: Server | Http2Server) => Promise<string> {
  const open: { server: Server | Http2Server; sockets: Set<{ destroy(): void }> }[] = [];
  afterEach(async () => {
    for (const { server, sockets } of open.splice(0)) {
      sockets.forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    }
  });
  return async (server) => {
    const sockets = new Set<{ destroy(): void }>();
    server.on('connection', (socket: { destroy(): void }) => sockets.add(socket));
    open.push({ server, sockets });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
}
