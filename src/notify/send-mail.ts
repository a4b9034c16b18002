import { isIP } from 'node:net';
import type { SMTPTransportOptions } from 'nodemailer';
import type { EmailChannel } from '../config/schema';
import { readSecret } from '../config/secret';
import type { Mail } from './mail';
import { channelProblem, codeOf, connectionProblem } from './problems';

const CONNECT_TIMEOUT_MS = 5_000;
/** Longest silence of the server. */
const SILENCE_MS = 10_000;

/**
 * Sends a mail once, over TLS or not at all.
 * @throws DrError that holds nothing of what the server said
 */
export async function sendMail(
  name: string,
  channel: EmailChannel,
  mail: Mail,
  caPem: string | undefined,
): Promise<void> {
  const options = await optionsOf(name, channel, caPem);
  const { createTransport } = await import('nodemailer');
  const { references, messageId, ...rest } = mail;
  const { rejected } = await createTransport(options)
    .sendMail({ ...rest, messageId, references, disableFileAccess: true, disableUrlAccess: true })
    .catch((error: unknown) => {
      throw mailProblem(error);
    });
  if (rejected.length === 0) return;
  throw channelProblem(`it refused ${rejected.length} of ${mail.to.length} recipients`, {
    retryable: false,
    advice: 'Correct `to`, or let the server relay for this host.',
  });
}

async function optionsOf(
  name: string,
  channel: EmailChannel,
  caPem: string | undefined,
): Promise<SMTPTransportOptions> {
  const { host, tls, user, password } = channel;
  const isImplicit = tls === 'implicit';
  const pass = password && (await readSecret(password, `notify.channels.${name}.password`));
  return {
    host,
    port: channel.port ?? (isImplicit ? 465 : 587),
    secure: isImplicit,
    requireTLS: !isImplicit,
    tls: {
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(caPem === undefined ? {} : { ca: caPem }),
    },
    ...(user !== undefined && pass !== undefined ? { auth: { user, pass } } : {}),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    dnsTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: SILENCE_MS,
    socketTimeout: SILENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** Of the error only its codes are used: its text has what the server said. */
function mailProblem(error: unknown): Error {
  const { code, responseCode, command } = error as { code?: unknown; responseCode?: unknown; command?: unknown };
  const isTemporary = typeof responseCode !== 'number' || responseCode < 500;
  const answer = typeof responseCode === 'number' ? ` (${responseCode})` : '';
  if (code === 'ETLS' || command === 'STARTTLS') {
    return channelProblem(`it does not encrypt the connection with STARTTLS${answer}, so nothing was sent`, {
      retryable: false,
      advice: 'Enable TLS on the server, or set `tls: implicit` if it expects TLS from the first byte on.',
    });
  }
  if (code === 'EAUTH') {
    const advice = 'Correct `user` and `password`.';
    return channelProblem(`it does not accept the login${answer}`, { retryable: isTemporary, advice });
  }
  if (answer !== '') {
    const advice = 'Let the server relay for this host, or correct `from` and `to`.';
    return channelProblem(`it refused the message${answer}`, { retryable: isTemporary, advice });
  }
  return connectionProblem(socketError(error));
}

/** The library puts its own code on the error of a socket; what that was is in its text alone. */
function socketError(error: unknown): unknown {
  const code = codeOf(error);
  if (code !== 'ESOCKET' && code !== 'ECONNECTION') return error;
  const { message } = error as Error;
  if (/certificate/i.test(message)) return { code: 'CERT_REJECTED' };
  const [found = code] = /\bE[A-Z]{5,12}\b/.exec(message) ?? [];
  return { code: found };
}
