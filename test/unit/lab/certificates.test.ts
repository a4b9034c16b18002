import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import {
  type Authority,
  createAuthority,
  issueServerCertificate,
  type KeyedCertificate,
} from '../../../src/lab/certificates';

let authority: Authority;
let server: KeyedCertificate;

beforeAll(async () => {
  authority = await createAuthority('test authority');
  server = await issueServerCertificate(authority, { dns: ['vault-1.lab.internal', 'localhost'], ip: ['127.0.0.1'] });
});

test('a server certificate is valid for its names and addresses, and for no others', () => {
  const parsed = new X509Certificate(server.certificate);

  expect(parsed.checkHost('localhost')).toBe('localhost');
  expect(parsed.checkHost('vault-1.lab.internal')).toBe('vault-1.lab.internal');
  expect(parsed.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(parsed.checkHost('vault-2.lab.internal')).toBeUndefined();
  expect(parsed.checkPrivateKey(server.privateKey)).toBe(true);
});

test('the authority is one, its servers are not, and it signed them', () => {
  const ca = new X509Certificate(authority.certificate);
  const parsed = new X509Certificate(server.certificate);

  expect(ca.ca).toBe(true);
  expect(parsed.ca).toBe(false);
  expect(parsed.checkIssued(ca)).toBe(true);
  expect(parsed.verify(ca.publicKey)).toBe(true);
  expect(Date.parse(parsed.validFrom)).toBeLessThan(Date.now());
  expect(Date.parse(parsed.validTo)).toBeGreaterThan(Date.now() + 24 * 60 * 60 * 1_000);
});

test('a TLS client that trusts the authority accepts the server', async () => {
  await expect(handshake(authority)).resolves.toBe(true);
});

test('a TLS client that trusts another authority refuses it', async () => {
  await expect(handshake(await createAuthority('test authority'))).rejects.toThrow(/certificate|signature/i);
});

async function handshake(trusted: KeyedCertificate): Promise<boolean> {
  const key = server.privateKey.export({ type: 'pkcs8', format: 'pem' });
  const listener = createServer({ cert: server.certificate, key }, (socket) => socket.end()).listen(0, '127.0.0.1');
  listener.on('tlsClientError', () => undefined);
  await once(listener, 'listening');
  try {
    const { port } = listener.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1', ca: trusted.certificate });
    await once(socket, 'secureConnect');
    socket.destroy();
    return socket.authorized;
  } finally {
    listener.close();
  }
}
