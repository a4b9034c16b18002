import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { type Certificates, certificatesFor } from './certificates';

export const HOST = 'localhost';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A service to which messages are posted. */
export interface Receiver {
  url: string;
  port: number;
  received: Received[];
  /** What it answers with next; 200 if there is none. `silent`: nothing at all. */
  answers: (number | 'silent')[];
  /** With which every answer ends. */
  says: string;
  stop(): Promise<void>;
}

export async function startReceiver({ certPem, keyPem }: Certificates): Promise<Receiver> {
  const server: Server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    void text(request).then((body) => {
      receiver.received.push({ path: request.url ?? '', headers: request.headers, body });
      const answer = receiver.answers.shift() ?? 200;
      if (answer === 'silent') return;
      response.writeHead(answer, answer >= 300 && answer < 400 ? { location: `${receiver.url}/elsewhere` } : {});
      response.end(receiver.says);
    });
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `https://${HOST}:${port}`,
    port,
    received: [],
    answers: [],
    says: '',
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}

/** A mail server. */
export interface MailServer {
  port: number;
  /** Each with its envelope. */
  mails: { from: string; to: string[]; text: string; isSecure: boolean }[];
  /** Logins that were tried. */
  logins: string[];
  stop(): Promise<void>;
}

interface MailServerOptions {
  /** Default: STARTTLS. */
  tls?: 'implicit' | 'none';
  /** If one is wanted. */
  login?: { user: string; password: string };
  refuses?: string;
}

export async function startMailServer(
  { certPem, keyPem }: Certificates,
  { tls, login, refuses }: MailServerOptions = {},
): Promise<MailServer> {
  const server = new SMTPServer({
    cert: certPem,
    key: keyPem,
    secure: tls === 'implicit',
    disabledCommands: [...(tls === 'none' ? ['STARTTLS'] : []), ...(login ? [] : ['AUTH'])],
    authOptional: login === undefined,
    disableReverseLookup: true,
    onAuth({ username = '', password }, _session, done) {
      mail.logins.push(username);
      if (username === login?.user && password === login.password) done(null, { user: username });
      else done(new Error(`no such user; you said ${password}`));
    },
    onRcptTo({ address }, _session, done) {
      done(address === refuses ? new Error(`${address} is not known here`) : undefined);
    },
    onData(stream, session, done) {
      void text(stream).then((content) => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        mail.mails.push({ from, to: rcptTo.map(({ address }) => address), text: content, isSecure: session.secure });
        done();
      });
    },
  });
  server.on('error', () => undefined);
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const mail: MailServer = {
    port: (listening.address() as AddressInfo).port,
    mails: [],
    logins: [],
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return mail;
}

export function receiverCertificates(): Promise<Certificates> {
  return certificatesFor(HOST);
}
