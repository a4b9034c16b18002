import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

/**
 * What becomes of a snapshot on its way. `bytes` of it pass first. `cut`: the connection breaks. `flip`: one bit changes.
 * `stall`: nothing more comes. `endless`: all of it, and then more for ever. `hold`: the rest waits for `release`. `late`: it
 * begins so late, as that of a node with much to read first.
 */
export type SnapshotFault =
  | { kind: 'cut' | 'flip' | 'stall' | 'hold'; bytes: number }
  | { kind: 'endless' }
  | { kind: 'late'; ms: number }
  | { kind: 'answer'; status: number; body: string };

export interface VaultProxy {
  address: string;
  /** Asked with the number of the snapshot, from 1; undefined lets it pass. */
  fault: (count: number) => SnapshotFault | undefined;
  /** Snapshots that were asked for since `reset`. */
  snapshots: number;
  /** All bytes of the last snapshot that the node has sent. */
  sent: Buffer[];
  /** While set, the answer to every request. */
  answers: number | null;
  /** Path below `/v1/` that is answered 404, as if the node had nothing there. */
  lacks: string | null;
  /** While true every connection is refused, as if the network were cut. */
  unreachable: boolean;
  /** Releases a held snapshot. */
  release(): void;
  /** Breaks the connections of held and stalled snapshots. */
  breakOff(): void;
  reset(): void;
  stop(): Promise<void>;
}

/** Stands between the controller and one real node, because a real one does not lie when a test needs it to. */
export async function startVaultProxy(target: string, caPem: string): Promise<VaultProxy> {
  const waiting = new Set<{ release(): void; answer: ServerResponse }>();
  const server = createServer((incoming, answer) => {
    const { url = '' } = incoming;
    const isSnapshot = url.endsWith('/sys/storage/raft/snapshot');
    if (isSnapshot) {
      proxy.snapshots++;
      proxy.sent = [];
    }
    const fault = isSnapshot ? proxy.fault(proxy.snapshots) : undefined;
    if (proxy.answers !== null) {
      const body = JSON.stringify({ errors: [`${proxy.answers} made by a test`] });
      answer.writeHead(proxy.answers, { 'content-type': 'application/json' }).end(body);
      return;
    }
    if (url === `/v1/${proxy.lacks}`) {
      answer.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[]}');
      return;
    }
    if (fault?.kind === 'answer') {
      answer.writeHead(fault.status, { 'content-type': 'application/json' }).end(fault.body);
      return;
    }
    if (fault?.kind === 'late') setTimeout(() => answer.destroyed || pass(), fault.ms).unref();
    else pass();

    function pass(): void {
      const outgoing = request(`${target}${url}`, { method: incoming.method, headers: incoming.headers, ca: caPem });
      outgoing.on('error', () => answer.destroy());
      outgoing.on('response', (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        if (isSnapshot) response.on('data', (chunk: Buffer) => proxy.sent.push(chunk));
        if (fault) void spoil(response, answer, fault).catch(() => answer.destroy());
        else response.pipe(answer);
      });
      answer.once('close', () => outgoing.destroy());
      incoming.pipe(outgoing);
    }
  });
  server.on('connection', (socket) => {
    if (proxy.unreachable) socket.destroy();
  });

  async function spoil(source: IncomingMessage, answer: ServerResponse, fault: SnapshotFault): Promise<void> {
    let passed = 0;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      const limit = 'bytes' in fault ? fault.bytes : Infinity;
      const reached = passed <= limit && passed + chunk.length > limit;
      passed += chunk.length;
      if (!reached) {
        if (!answer.write(chunk)) await once(answer, 'drain');
        continue;
      }
      const at = chunk.length - (passed - limit);
      if (fault.kind === 'flip') {
        answer.write(chunk.with(at, (chunk[at] ?? 0) ^ 1));
        continue;
      }
      answer.write(chunk.subarray(0, at));
      if (fault.kind === 'cut') {
        setTimeout(() => answer.destroy(), 50);
        return;
      }
      await new Promise<void>((resolve) => waiting.add({ release: resolve, answer }));
      answer.write(chunk.subarray(at));
    }
    while (fault.kind === 'endless' && !answer.destroyed) {
      if (!answer.write(Buffer.alloc(65_536))) await once(answer, 'drain');
    }
    answer.end();
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: VaultProxy = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: () => undefined,
    snapshots: 0,
    sent: [],
    answers: null,
    lacks: null,
    unreachable: false,
    release() {
      for (const item of waiting) item.release();
      waiting.clear();
    },
    breakOff() {
      for (const { answer } of waiting) answer.destroy();
      waiting.clear();
    },
    reset() {
      this.breakOff();
      const well = { fault: () => undefined, snapshots: 0, sent: [], answers: null, lacks: null, unreachable: false };
      Object.assign(this, well);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
