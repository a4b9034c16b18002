import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** An HTTP proxy that notes whom it is asked for. */
export interface ForwardProxy {
  /** As it goes into HTTPS_PROXY. */
  url: string;
  /** Targets of CONNECT, and URLs of other requests. */
  asked: string[];
  /** `proxy-authorization` of each. */
  logins: (string | undefined)[];
  /** Where names lead, by `host:port`: in the place of a resolver. */
  routes: Record<string, string>;
  stop(): Promise<void>;
}

/** What has no route is refused, as by a proxy that allows a few hosts. */
export async function startForwardProxy(): Promise<ForwardProxy> {
  const sockets = new Set<Socket>();
  const server = createServer(({ url = '' }, response) => {
    proxy.asked.push(url);
    response.writeHead(403).end();
  });
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('connect', ({ url = '', headers }, client: Socket, head) => {
    proxy.asked.push(url);
    proxy.logins.push(headers['proxy-authorization']);
    const [host, port] = proxy.routes[url]?.split(':') ?? [];
    if (host === undefined) {
      client.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const target = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      target.pipe(client).pipe(target);
    });
    sockets.add(target);
    target.on('error', () => client.destroy());
    client.on('error', () => target.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: ForwardProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    logins: [],
    routes: {},
    async stop() {
      sockets.forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
