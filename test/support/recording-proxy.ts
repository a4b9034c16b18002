import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { LabNode } from '../../src/lab/layout';

export interface RecordingProxy {
  /** To be used as `localAddress` of the node. */
  address: string;
  /** Bodies of the answers to `sys/init`: the throwaway keys and the throwaway root token. */
  initAnswers: string[];
  /** Closed at first: a step that proves that the node is down must find the port closed. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Stands between an agent and its Vault and remembers the throwaway keys, which nobody else ever gets to see: a search for
 * them needs to know what to search for.
 */
export async function recordInit(node: LabNode): Promise<RecordingProxy> {
  const initAnswers: string[] = [];
  const target = new URL(node.address);
  const server = createServer(
    { cert: await readFile(node.certificateFile), key: await readFile(node.keyFile) },
    (incoming, outgoing) => {
      const { method, url, headers } = incoming;
      const forward = request(
        { host: target.hostname, port: target.port, method, path: url, headers, rejectUnauthorized: false },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          if (url?.endsWith('/sys/init')) {
            const chunks: Buffer[] = [];
            answer.on('data', (chunk: Buffer) => chunks.push(chunk));
            answer.on('end', () => initAnswers.push(Buffer.concat(chunks).toString()));
          }
          answer.pipe(outgoing);
        },
      );
      forward.on('error', () => outgoing.destroy());
      incoming.pipe(forward);
    },
  );
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  await close();
  return { address: `https://127.0.0.1:${port}`, initAnswers, open: () => listen(port), close };
}
