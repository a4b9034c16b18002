import { createServer as createHttpServer } from 'node:http';
import { createSecureServer, createServer as createHttp2Server } from 'node:http2';
import { createServer } from 'node:net';
import type { ConnectionOptions } from '@temporalio/client';
import type { DrError } from '../../../src/contract/failures';
import { openProbe } from '../../../src/temporal/connect-temporal';
import { temporalError } from '../../../src/temporal/temporal-error';
import { certificatesFor, clientCertificate } from '../../support/certificates';
import { grpcServer, useServers } from '../../support/grpc-server';

const listen = useServers();
const NAMESPACE = 'vault-dr';

/** What a real connection gets, as it is reported. */
async function problemAt(address: string, tls?: ConnectionOptions['tls'], withinMs = 5_000): Promise<DrError> {
  const place = { address, namespace: NAMESPACE };
  const probe = openProbe({ ...place, connectionOptions: { address, tls } as never });
  try {
    await probe.withDeadline(Date.now() + withinMs, () =>
      probe.workflowService.describeNamespace({ namespace: NAMESPACE }),
    );
  } catch (error) {
    return temporalError(error, place);
  } finally {
    await probe.close();
  }
  throw new Error('It answered.');
}

describe('is waited for', () => {
  test.each<[string, () => Promise<string>, RegExp]>([
    [
      'nothing listens',
      () => Promise.resolve('127.0.0.1:1'),
      /does not answer at 127\.0\.0\.1:1: connection refused\.$/,
    ],
    ['no such name', () => Promise.resolve('nothing.invalid:7233'), /its name can’t be resolved\.$/],
    ['connections are closed', () => listen(createServer((socket) => socket.destroy())), /it closed the connection\.$/],
    ['a web server', () => listen(createHttpServer()), /another service than Temporal answers there\.$/],
    [
      'a proxy that knows no Temporal yet',
      () => listen(createHttp2Server((_ask, answer) => answer.writeHead(404).end())),
      /another service than Temporal answers there\.$/,
    ],
    [
      'a proxy whose Temporal is away',
      () => listen(createHttp2Server((_ask, answer) => answer.writeHead(503).end())),
      /Received HTTP status code 503\.$/,
    ],
    [
      'too many requests',
      () => listen(grpcServer(() => ({ status: 8, message: 'namespace rate limit exceeded' }))),
      /: namespace rate limit exceeded\.$/,
    ],
  ])('%s', async (_what, server, message) => {
    const problem = await problemAt(await server());

    expect(problem).toMatchObject({ code: 'TemporalUnreachable', retryable: true });
    expect(problem.message).toMatch(message);
  });

  test('a port that takes connections and never answers', async () => {
    const problem = await problemAt(await listen(createServer()), undefined, 300);

    expect(problem).toMatchObject({ code: 'TemporalUnreachable', retryable: true });
    expect(problem.message).toMatch(/no answer in time\.$/);
  });

  test('a namespace that is missing, with the command that makes it', async () => {
    const address = await listen(grpcServer(() => ({ status: 5, message: 'Namespace vault-dr is not found.' })));

    expect(await problemAt(address)).toMatchObject({
      retryable: true,
      message: `Temporal at ${address} has no namespace 'vault-dr'.`,
      advice: 'Create it: temporal operator namespace create --namespace vault-dr --retention 30d',
    });
  });

  test.each(['certificate is not yet valid', 'certificate has expired'])('a clock that may be wrong: %s', (said) => {
    const details = `No connection established. Last error: Error: ${said}. Resolution note: `;
    const error = Object.assign(new Error(`14 UNAVAILABLE: ${details}`), { code: 14, details });

    expect(temporalError(error, { address: 'a:1', namespace: 'n' })).toMatchObject({
      retryable: true,
      message: `No TLS connection to Temporal at a:1: ${said}.`,
      advice: expect.stringContaining('clock') as string,
    });
  });
});

describe('is not waited for', () => {
  test.each([
    [7, 'Request unauthorized.'],
    [16, 'invalid API key'],
    [3, 'Namespace is invalid'],
  ])('a refusal, gRPC status %d', async (status, message) => {
    const address = await listen(grpcServer(() => ({ status, message })));

    const problem = await problemAt(address);

    expect(problem).toMatchObject({ code: 'TemporalUnreachable', retryable: false });
    expect(problem.message).toBe(`Temporal at ${address} refused access to 'vault-dr': ${message.replace('.', '')}.`);
  });

  test('a server whose certificate nobody here trusts, or which has another name', async () => {
    const { caPem, certPem, keyPem } = await certificatesFor('temporal.example.com');
    const address = await listen(createSecureServer({ cert: certPem, key: keyPem }));

    const untrusted = await problemAt(address, true);
    const misnamed = await problemAt(address, { serverRootCACertificate: Buffer.from(caPem) });

    expect(untrusted).toMatchObject({ code: 'TemporalUnreachable', retryable: false });
    expect(untrusted.message).toContain(`No TLS connection to Temporal at ${address}: `);
    expect(misnamed).toMatchObject({ code: 'TemporalUnreachable', retryable: false });
    expect(misnamed.message).toContain("does not match certificate's altnames");
  });

  test('a server that wants a client certificate, when the profile has none', async () => {
    const { caPem, certPem, keyPem } = await certificatesFor('temporal.example.com');
    const { authorityPem } = await clientCertificate('vault-dr');
    const server = createSecureServer({ cert: certPem, key: keyPem, requestCert: true, ca: [authorityPem] });

    const problem = await problemAt(await listen(server), {
      serverRootCACertificate: Buffer.from(caPem),
      serverNameOverride: 'temporal.example.com',
    });

    // Whether the alert or the end of the connection is seen first is a race; both name the certificate.
    expect(`${problem.message} ${problem.advice}`).toContain('client certificate');
  });

  test('TLS where the server speaks none', async () => {
    const problem = await problemAt(await listen(createHttpServer()), true);

    expect(problem).toMatchObject({ code: 'TemporalUnreachable', retryable: false });
    expect(problem.message).toMatch(/it does not use TLS\.$/);
  });

  test('a profile that can not be used', () => {
    const place = { address: 'http://x:1:2', namespace: NAMESPACE };

    expect(() => openProbe({ ...place, connectionOptions: { address: place.address } as never })).toThrow(
      expect.objectContaining({ code: 'InvalidConfiguration', retryable: false }) as Error,
    );
  });
});

describe("the core of Temporal's SDK says it in other words", () => {
  test.each([
    [
      'tonic::transport::Error(Transport, ConnectError(ConnectError("tcp connect error", 127.0.0.1:1, Os { code: 111, kind: ConnectionRefused, message: "Connection refused" })))',
      true,
      'Temporal does not answer at a:1: connection refused.',
    ],
    [
      'Failed to call GetSystemInfo: code: \'The operation was cancelled\', message: "Timeout expired", source: tonic::transport::Error(Transport, TimeoutExpired(()))',
      true,
      'Temporal does not answer at a:1: no answer in time.',
    ],
    [
      'tonic::transport::Error(Transport, ConnectError(Custom { kind: InvalidData, error: InvalidMessage(InvalidContentType) }))',
      false,
      'No TLS connection to Temporal at a:1: it does not use TLS.',
    ],
    [
      'Namespace n was not found or otherwise could not be described: Status { code: NotFound, message: "Namespace n is not found.", details: b"x" }',
      true,
      "Temporal at a:1 has no namespace 'n'.",
    ],
    [
      'Namespace n was not found or otherwise could not be described: Status { code: PermissionDenied, message: "Request unauthorized." }',
      false,
      "Temporal at a:1 refused access to 'n': Request unauthorized.",
    ],
  ])('%s', (text, retryable, message) => {
    const error = Object.assign(new Error(text), { name: 'TransportError' });

    expect(temporalError(error, { address: 'a:1', namespace: 'n' })).toMatchObject({ retryable, message });
  });
});

test('what a server says is shown on one line, bounded, and with nothing hidden in it', () => {
  const details = `\u001b[2J\n${'x'.repeat(10_000)}`;
  const error = Object.assign(new Error('14'), { code: 14, details });

  const { message } = temporalError(error, { address: 'a:1', namespace: 'n' });

  expect(message).toMatch(/^Temporal does not answer at a:1: [^\n]*x\.$/);
  expect(message).not.toContain('\u001b');
  expect(message.length).toBeLessThan(400);
});

test('a defect stays what it is', () => {
  const defect = new TypeError('x is not a function');

  expect(() => temporalError(defect, { address: 'a:1', namespace: 'n' })).toThrow(defect);
});
