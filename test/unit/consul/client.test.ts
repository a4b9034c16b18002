import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConsulClient } from '../../../src/consul/client';

/** Answers that a real Consul does not give when it is asked to: of one without ACLs, that is ill, or of a proxy in front of it. */
let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let client: ConsulClient;
let seen: IncomingMessage[];

const TOKEN = '5f0e9d3c-secret-token';

beforeEach(async () => {
  seen = [];
  server = createServer((request, response) => {
    seen.push(request);
    request.resume();
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  client = clientOf(port);
});
afterEach(() => {
  client.close();
  server.closeAllConnections();
  server.close();
});

/** The first request of a process also loads undici, which takes a busy machine its time. */
const clientOf = (port: number, timeoutMs = 20_000) =>
  new ConsulClient({ address: `http://127.0.0.1:${port}` }, { token: TOKEN, timeoutMs });

const says = (status: number, body: string, headers: Record<string, string> = {}) => {
  answer = (_request, response) => response.writeHead(status, headers).end(body);
};

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );

it('takes a Consul without ACLs for one in which everything is allowed', async () => {
  says(401, 'ACL support disabled');

  expect(await client.selfToken()).toBeNull();
  expect(await client.permissions([{ resource: 'acl', access: 'write' }])).toEqual([true]);
});

it('reads the health of one that is not healthy, which answers with an error', async () => {
  says(429, '{"Healthy":false,"FailureTolerance":0,"Servers":[]}');

  expect(await client.health()).toEqual({ healthy: false, failureTolerance: 0, servers: [] });
});

it('shows the token in a header alone, whatever Consul says of it', async () => {
  says(500, `token ${TOKEN} is strange`);

  const failure = await failureOf(client.leader());

  expect(seen[0]?.headers['x-consul-token']).toBe(TOKEN);
  expect(seen[0]?.url).toBe('/v1/status/leader');
  expect(failure).toMatchObject({ message: expect.stringContaining('token [secret] is strange') as string });
});

it('does not take an answer that was lost between servers for a refusal', async () => {
  says(500, 'failed to decode response: read tcp 127.0.0.1:44735->127.0.0.1:25703: read: connection reset by peer');

  expect(await failureOf(client.remove('vault/core/lock'))).toMatchObject({
    code: 'VaultUnavailable',
    retryable: true,
    advice: expect.stringContaining('whether it was done is not known') as string,
  });
});

it('tells that a snapshot was refused, where the server that passed it on has lost the reason', async () => {
  const lost = 'failed to decode response: read tcp 127.0.0.1:44735->127.0.0.1:25703: read: connection reset by peer';
  const authorize = (status: number, body: string) => {
    answer = (request, response) => {
      const isSnapshot = request.url?.startsWith('/v1/snapshot');
      response.writeHead(isSnapshot ? 500 : status).end(isSnapshot ? lost : body);
    };
    return failureOf(client.snapshot('default'));
  };

  expect(await authorize(403, 'ACL not found')).toMatchObject({ code: 'AuthenticationFailed', retryable: false });
  expect(await authorize(200, '[{"Resource":"acl","Access":"write","Allow":false}]')).toMatchObject({
    code: 'PermissionDenied',
    retryable: false,
  });
  for (const [status, body] of [
    [200, '[{"Resource":"acl","Access":"write","Allow":true}]'],
    [500, 'No cluster leader'],
  ] as const)
    expect(await authorize(status, body)).toMatchObject({
      code: 'VaultUnavailable',
      message: expect.stringContaining('snapshot') as string,
    });
});

it.each([
  [500, 'dial tcp 127.0.0.1:0->127.0.0.1:24939: connect: connection refused'],
  [500, 'rpc error getting client: failed to get conn: dial tcp 10.0.0.2:0->10.0.0.1:8300: i/o timeout'],
  [500, "rpc error getting client: failed to get conn: rpc error: lead thread didn't get connection"],
  [500, 'rpc error making call: rpc error making call: EOF'],
  [500, 'rpc error making call: session shutdown'],
  [500, 'read tcp 127.0.0.1:44735->127.0.0.1:25703: read: connection reset by peer'],
  [502, ''],
  [504, ''],
])('asks again where a server does not reach the leader that has died: %d %s', async (status, text) => {
  says(status, text);

  expect(await failureOf(client.remove('core/lock'))).toMatchObject({ code: 'VaultUnavailable', retryable: true });
});

it('never follows a redirect', async () => {
  says(301, '', { location: 'http://127.0.0.1:1/' });

  expect(await failureOf(client.leader())).toMatchObject({ code: 'VaultUnavailable' });
  expect(seen).toHaveLength(1);
});

it.each([
  ['a page', '<html>\n<body>secret</body></html>'],
  ['bytes', '\u001b[2Jsecret'],
])('shows nothing of %s that a proxy answers', async (_what, body) => {
  says(502, body);

  expect(await failureOf(client.leader())).toMatchObject({
    message: expect.stringMatching(/answered status\/leader with 502\.$/) as string,
  });
});

it('takes nothing for an answer that is none of Consul', async () => {
  says(200, '{"leader":"10.0.0.1:8300"}');

  expect(await failureOf(client.leader())).toMatchObject({
    code: 'VaultUnavailable',
    message: expect.stringContaining("something other than Consul's JSON") as string,
  });
});

it('waits no longer than its time limit', async () => {
  answer = () => undefined;
  const impatient = clientOf((server.address() as AddressInfo).port, 100);

  expect(await failureOf(impatient.leader())).toMatchObject({
    code: 'VaultUnavailable',
    message: expect.stringContaining('did not answer') as string,
    advice: expect.stringContaining('consul.addresses') as string,
  });
  impatient.close();
});

it('reads flags of 64 bits to their last digit, and lets no key pass for flags', async () => {
  const entry = (key: string) =>
    JSON.stringify([{ Key: key, Value: null, Flags: 0, ModifyIndex: 3 }]).replace(
      '"Flags":0',
      '"Flags":3304740253564472344',
    );

  for (const key of ['core/lock', '"Flags":1', '\\"Flags":1']) {
    says(200, entry(key));
    expect(await client.get(key)).toMatchObject({ key, flags: 3304740253564472344n });
  }
});

it('asks for a key as it is, below the path of keys alone', async () => {
  says(404, '');

  expect(await client.get('../../a b?recurse#/ü')).toBeNull();
  expect(seen[0]?.url).toBe('/v1/kv/..%2F..%2Fa%20b%3Frecurse%23%2F%C3%BC');
});
