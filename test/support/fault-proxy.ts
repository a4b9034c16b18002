import {
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What goes wrong with a request. `lose answer`: the server acts on it, its answer gets lost. `cut answer`: half of the body
 * comes. `stall answer`: half of the body comes and then nothing. `stall`: nothing is read or answered. `resetAfter`: the
 * connection breaks when so many bytes of the request have passed. `delayMs`: so late. `without`: these headers are dropped, and
 * the signature with them, as by a server that ignores them; the real one must take what nobody signed. Or a status and code.
 */
export type Fault =
  | 'lose answer'
  | 'cut answer'
  | 'stall answer'
  | 'stall'
  | { resetAfter: number }
  | { delayMs: number }
  | { without: readonly string[] }
  | { status: number; code: string };

export interface FaultProxy {
  endpoint: string;
  /** Method and path of every request that came. */
  seen: string[];
  /** Asked for each request; undefined lets it pass. */
  decide: (method: string, url: string, headers: IncomingHttpHeaders) => Fault | undefined;
  /** While true every connection is closed at once, as if nothing listened. */
  gone: boolean;
  stop(): Promise<void>;
}

/** Stands between a client and a real HTTP server, because a real one does not fail when a test needs it to. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, answer) => {
    const { method = '', url = '' } = incoming;
    proxy.seen.push(`${method} ${url}`);
    const fault = proxy.decide(method, url, incoming.headers);
    if (fault === 'stall') return;
    if (typeof fault === 'object' && 'status' in fault) return refuse(incoming, answer, fault);
    if (typeof fault === 'object' && 'delayMs' in fault) return void setTimeout(() => pass(), fault.delayMs);
    pass();

    function pass(): void {
      const headers =
        typeof fault === 'object' && 'without' in fault ? dropped(incoming.headers, fault.without) : incoming.headers;
      const outgoing = request({ hostname, port, method, path: url, headers }, (response) => {
        if (fault === 'lose answer') {
          response.resume().once('end', () => answer.destroy());
          return;
        }
        answer.writeHead(response.statusCode ?? 502, response.headers);
        if (fault === 'cut answer' || fault === 'stall answer') passHalf(response, answer, fault);
        else response.pipe(answer);
      });
      outgoing.on('error', () => answer.destroy());
      if (typeof fault === 'object' && 'resetAfter' in fault) breakAfter(fault.resetAfter, incoming, outgoing);
      incoming.pipe(outgoing);
    }
  });
  server.on('connection', (socket) => {
    if (proxy.gone) socket.destroy();
  });
  // The client's 100-continue is answered by the target, whose answer request() keeps to itself.
  server.on('checkContinue', (incoming, answer) => {
    answer.writeContinue();
    server.emit('request', incoming, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    decide: () => undefined,
    gone: false,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

function dropped(headers: IncomingHttpHeaders, without: readonly string[]): IncomingHttpHeaders {
  const gone = ['authorization', ...without];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !gone.some((begin) => name.startsWith(begin))));
}

/** Both sides see a reset, the server in the middle of what it was sent. */
function breakAfter(bytes: number, incoming: IncomingMessage, outgoing: ClientRequest): void {
  let left = bytes;
  incoming.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left > 0) return;
    incoming.socket.resetAndDestroy();
    outgoing.destroy();
  });
}

function refuse(
  incoming: IncomingMessage,
  answer: ServerResponse,
  { status, code }: { status: number; code: string },
): void {
  incoming.resume();
  answer.writeHead(status, { 'content-type': 'application/xml' });
  answer.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>made by a test</Message></Error>`);
}

function passHalf(response: IncomingMessage, answer: ServerResponse, fault: 'cut answer' | 'stall answer'): void {
  let left = Math.floor(Number(response.headers['content-length'] ?? 0) / 2);
  response.on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    answer.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0 && fault === 'cut answer') setTimeout(() => answer.destroy(), 50);
  });
}
