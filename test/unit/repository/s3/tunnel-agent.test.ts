import { once } from 'node:events';
import { createServer, get, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { TunnelAgent } from '../../../../src/repository/s3/tunnel-agent';
import { certificatesFor } from '../../../support/certificates';
import { type ForwardProxy, startForwardProxy } from '../../../support/forward-proxy';
import { rejectionOf } from '../../../support/thrown';

const HOST = 's3.example.com';
const before = { ...process.env };
let server: Server;
let proxy: ForwardProxy;
let caPem: string;
let port: number;

beforeAll(async () => {
  const certificates = await certificatesFor(HOST);
  caPem = certificates.caPem;
  server = createServer({ cert: certificates.certPem, key: certificates.keyPem }, (_request, response) => {
    response.end('from S3');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
  proxy = await startForwardProxy();
  proxy.routes[`${HOST}:443`] = `127.0.0.1:${port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await proxy.stop();
});

afterEach(() => {
  process.env = { ...before };
  proxy.asked = [];
  proxy.logins = [];
});

async function ask(url: string, servername?: string): Promise<string> {
  const request = get(url, { agent: new TunnelAgent({ ca: caPem, keepAlive: false }), servername });
  const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
  return text(response);
}

it('goes through the proxy of the environment, with its login, and checks the certificate behind it', async () => {
  process.env['HTTPS_PROXY'] = proxy.url.replace('http://', 'http://ana:secret@');

  expect(await ask(`https://${HOST}/bucket`)).toBe('from S3');
  expect(proxy.asked).toEqual([`${HOST}:443`]);
  expect(proxy.logins).toEqual([`Basic ${Buffer.from('ana:secret').toString('base64')}`]);

  proxy.routes['other.example.com:443'] = `127.0.0.1:${port}`;
  expect(await rejectionOf(ask('https://other.example.com/'))).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});

it('goes straight to the loopback, and to what NO_PROXY names', async () => {
  process.env['HTTPS_PROXY'] = proxy.url;
  expect(await ask(`https://localhost:${port}/`, HOST)).toBe('from S3');

  process.env['NO_PROXY'] = 'example.invalid';
  expect(await rejectionOf(ask('https://s3.example.invalid/'))).toMatchObject({ code: 'ENOTFOUND' });
  expect(proxy.asked).toEqual([]);
});

it('says what a proxy answers that does not let it through, and what proxy it can not use', async () => {
  process.env['HTTPS_PROXY'] = proxy.url.replace('http://', 'http://ana:secret@');
  const refused = await rejectionOf(ask('https://forbidden.example.com/'));
  process.env['HTTPS_PROXY'] = 'socks5://ana:secret@127.0.0.1:1';
  const unusable = await rejectionOf(ask(`https://${HOST}/`));

  expect(refused.message).toBe(
    `The proxy ${proxy.url.replace('http://', '')} (HTTPS_PROXY) refused the connection with 403.`,
  );
  expect(unusable.message).toBe('HTTPS_PROXY is no proxy that vault-dr can use.');
});
