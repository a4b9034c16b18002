import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { DrError } from '../../contract/failures';
import { readTls, type TlsContext, type TlsFiles } from './tls-files';

export interface ListenOptions {
  address: string;
  /** 0: any that is free. */
  port: number;
  tls: TlsFiles | null;
  fetch: (request: Request, env: object) => Response | Promise<Response>;
  onNote: (text: string) => void;
  /** Of the TLS files. */
  readAgainMs?: number;
}

export interface Listening {
  port: number;
  /** Takes nothing new, and ends what is open. */
  close: () => Promise<void>;
}

/** Against clients that send or read slowly. Pages that are kept up to date get something every few seconds. */
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16 * 1024,
};
const IDLE_MS = 60_000;
const MOST_CONNECTIONS = 1_000;
const READ_AGAIN_MS = 30_000;
/** For what is being answered when the server ends. */
const ENDING_MS = 3_000;

/** @throws DrError InvalidConfiguration */
export async function listen({ address, port, tls, fetch, onNote, readAgainMs }: ListenOptions): Promise<Listening> {
  const handler = getRequestListener(fetch, {
    overrideGlobalObjects: false,
    // What can't be parsed: the cause is of the client.
    errorHandler: () => new Response('Bad request\n', { status: 400, headers: { 'Cache-Control': 'no-store' } }),
  });
  const context = tls && (await readTls(tls));
  const server =
    context === null
      ? createServer(LIMITS, (request, response) => void handler(request, response))
      : createTlsServer(
          {
            ...LIMITS,
            ...context,
            minVersion: 'TLSv1.2',
            handshakeTimeout: LIMITS.headersTimeout,
            // The login decides who must have one, and says so on a page.
            requestCert: tls?.clientCaFile !== undefined,
            rejectUnauthorized: false,
          },
          (request, response) => void handler(request, response),
        );
  server.maxConnections = MOST_CONNECTIONS;
  server.timeout = IDLE_MS;
  await listening(server, address, port);
  const stop = new AbortController();
  if (tls && context)
    void keepReading(server as TlsServer, tls, context, onNote, readAgainMs ?? READ_AGAIN_MS, stop.signal);
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      stop.abort();
      await closed(server);
    },
  };
}

async function listening(server: Server, address: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code ?? cause.message;
      reject(
        new DrError('InvalidConfiguration', `Can't listen on ${address}:${port} (${why}). Nothing was started.`, {
          advice: 'Set web.listen to an address of this host and a port that is free.',
          cause,
        }),
      );
    });
    server.listen(port, address, resolve);
  });
}

/** Certificates are renewed while the server runs. A pair that does not fit is not taken, and said once. */
async function keepReading(
  server: TlsServer,
  files: TlsFiles,
  first: TlsContext,
  onNote: (text: string) => void,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  let [last, problem] = [JSON.stringify(first), ''];
  for (;;) {
    await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const context = await readTls(files);
      if (JSON.stringify(context) === last) continue;
      server.setSecureContext({ ...context, minVersion: 'TLSv1.2' });
      [last, problem] = [JSON.stringify(context), ''];
      onNote('The certificate was read again, and is used from now on.');
    } catch (error) {
      const { message } = error as Error;
      if (message !== problem) onNote(`The certificate in use stays. ${message}`);
      problem = message;
    }
  }
}

async function closed(server: Server): Promise<void> {
  const ended = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await Promise.race([ended, sleep(ENDING_MS, undefined, { ref: false })]);
  server.closeAllConnections();
}
