import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { Config } from '../../../src/config/schema';
import { notify } from '../../../src/config/settings/notify';
import { isDrError } from '../../../src/contract/failures';
import type { Notification } from '../../../src/contract/notification';
import { deliver } from '../../../src/notify/deliver';
import type { Certificates } from '../../support/certificates';
import { type ForwardProxy, startForwardProxy } from '../../support/forward-proxy';
import {
  HOST,
  type MailServer,
  type Receiver,
  receiverCertificates,
  startMailServer,
  startReceiver,
} from '../../support/receivers';
import { useDirectory } from '../../support/temporary';
import { rejectionOf } from '../../support/thrown';

/** In an address, in a key and in what servers answer: must be in no error. */
const TOKEN = 'T0KEN-of-the-channel';
const AT = Date.parse('2026-11-28T04:00:00Z');
const SAID: Notification = {
  id: 'run-1/notification/1',
  event: 'backup failed',
  cluster: 'prod',
  run: 'run-1',
  text: 'The backup of prod failed: no repository answers.',
  alternates: [],
};

const inTest = useDirectory();
let certificates: Certificates;
let receiver: Receiver;
const servers: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  certificates = await receiverCertificates();
});

beforeEach(async () => {
  receiver = await startReceiver(certificates);
  receiver.says = `<script>you used ${TOKEN}</script>`;
  servers.push(receiver);
  await writeFile(inTest('ca.pem'), certificates.caPem);
  await writeFile(inTest('url'), `${receiver.url}/services/${TOKEN}?key=${TOKEN}\n`);
  await writeFile(inTest('key'), `${TOKEN}\n`);
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

function configOf(channel: object): Pick<Config, 'notify'> {
  return { notify: notify.parse({ channels: { ops: { caFile: inTest('ca.pem'), ...channel } } }) };
}
const slack = (more: object = {}) => configOf({ type: 'slack', url: { file: inTest('url') }, ...more });
const send = (config: Pick<Config, 'notify'>, said: Partial<Notification> = {}) =>
  deliver(config, { channel: 'ops', notification: { ...SAID, ...said }, at: AT });

/** What people read of a failure; nothing secret is in any part of it. */
async function refusal(sent: Promise<unknown>): Promise<{ text: string; retryable: boolean }> {
  const error = await rejectionOf(sent);
  if (!isDrError(error)) throw error;
  const all = [error.message, error.advice, error.stack, JSON.stringify(error), String(error.cause)].join(' ');
  for (const secret of [TOKEN, receiver.url, '<script>']) expect(all).not.toContain(secret);
  return { text: error.message, retryable: error.retryable };
}

describe('a webhook', () => {
  const webhook = (more: object = {}) =>
    configOf({ type: 'webhook', url: { file: inTest('url') }, secret: { file: inTest('key') }, ...more });

  it('is signed so that its receiver can tell that it is genuine, and repeated under the same id', async () => {
    await expect(send(webhook())).resolves.toBe('it answered with 200');
    await send(webhook());

    const [first, second] = receiver.received as [Receiver['received'][0], Receiver['received'][0]];
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = first.headers;
    const wanted = createHmac('sha256', TOKEN)
      .update(`${String(id)}.${String(at)}.${first.body}`)
      .digest('base64');
    expect(signature).toBe(`v1,${wanted}`);
    expect(Math.abs(Number(at) - Date.now() / 1_000)).toBeLessThan(120);
    expect(first.path).toBe(`/services/${TOKEN}?key=${TOKEN}`);
    expect(JSON.parse(first.body)).toEqual({
      ...SAID,
      severity: 'critical',
      at: '2026-11-28T04:00:00.000Z',
      state: 'open',
      key: 'vault-dr/prod/backup',
    });
    expect([second.headers['webhook-id'], second.body]).toEqual([SAID.id, first.body]);
  });

  it('has the form of its template', async () => {
    await send(webhook({ template: { message: '{cluster}: {text}', priority: 5 } }), { text: '"}{cluster}' });

    expect(JSON.parse(receiver.received[0]!.body)).toEqual({ message: 'prod: "}{cluster}', priority: 5 });
  });

  it('follows no redirect', async () => {
    receiver.answers = [307];

    await expect(refusal(send(webhook()))).resolves.toEqual({
      text: 'it answered with 307, a redirect, which is never followed.',
      retryable: false,
    });
    expect(receiver.received).toHaveLength(1);
  });
});

test.each([
  [500, true],
  [429, true],
  [400, false],
  [404, false],
])('an answer with %i is named without its text', async (status, retryable) => {
  receiver.answers = [status];
  const { text, ...rest } = await refusal(send(slack()));

  expect(text).toContain(`it answered with ${status}`);
  expect(rest).toEqual({ retryable });
});

test('an answer of any length is not read', async () => {
  receiver.says = 'x'.repeat(50 * 1024 * 1024);

  await expect(send(slack())).resolves.toBe('it answered with 200');
});

test('a certificate of a CA that nobody named is not accepted', async () => {
  const { text } = await refusal(send(slack({ caFile: undefined })));

  expect(text).toMatch(/^its certificate is not accepted \([A-Z_]+\)\.$/);
  expect(receiver.received).toEqual([]);
});

test('a certificate for another host is not accepted', async () => {
  await writeFile(inTest('url'), `https://127.0.0.1:${receiver.port}/${TOKEN}`);

  await expect(refusal(send(slack()))).resolves.toMatchObject({
    text: expect.stringContaining('certificate') as string,
  });
  expect(receiver.received).toEqual([]);
});

test.each([
  ['http://hooks.example/T0KEN-of-the-channel', 'no https:// address'],
  ['https://me:T0KEN-of-the-channel@hooks.example/', 'no https:// address'],
  ['T0KEN-of-the-channel', 'no https:// address'],
  ['https://127.0.0.1:1/T0KEN-of-the-channel', 'it refuses connections'],
  ['https://T0KEN-of-the-channel.invalid/', 'does not resolve'],
])('of the address %s only is said that it does not work', async (address, problem) => {
  await writeFile(inTest('url'), address);

  await expect(refusal(send(slack()))).resolves.toMatchObject({ text: expect.stringContaining(problem) as string });
});

test('a missing secret is named by its source', async () => {
  const { text } = await refusal(send(slack({ url: { file: inTest('gone') } })));

  expect(text).toContain(`notify.channels.ops.url: the file ${inTest('gone')} can't be read (ENOENT)`);
});

test('what is cancelled ends at once', async () => {
  receiver.answers = ['silent'];
  const over = new AbortController();
  const sent = deliver(slack(), { channel: 'ops', notification: SAID, at: AT, signal: over.signal });
  const failed = rejectionOf(sent);
  while (receiver.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  over.abort(new Error('It was cancelled.'));

  expect((await failed).message).toBe('It was cancelled.');
});

describe('through a proxy', () => {
  const before = { ...process.env };
  let proxy: ForwardProxy;
  beforeEach(async () => {
    proxy = await startForwardProxy();
    servers.push(proxy);
    proxy.routes['hooks.example.com:443'] = `127.0.0.1:${receiver.port}`;
    process.env['HTTPS_PROXY'] = proxy.url.replace('http://', `http://user:${TOKEN}@`);
    await writeFile(inTest('url'), `https://hooks.example.com/${TOKEN}`);
  });
  afterEach(() => {
    process.env = { ...before };
  });

  it('the receiver still has to prove who it is', async () => {
    await expect(refusal(send(slack()))).resolves.toMatchObject({
      text: expect.stringContaining('certificate') as string,
    });

    expect(proxy.asked).toEqual(['hooks.example.com:443']);
    expect(proxy.logins).toEqual([`Basic ${Buffer.from(`user:${TOKEN}`).toString('base64')}`]);
  });

  it('that refuses it is said so', async () => {
    proxy.routes = {};

    await expect(refusal(send(slack()))).resolves.toMatchObject({ retryable: true });
  });
});

test('an alert is opened with the key of the service, and ended', async () => {
  const pagerduty = configOf({ type: 'pagerduty', routingKey: { file: inTest('key') }, url: receiver.url });
  await send(pagerduty);
  await send(pagerduty, { event: 'backup succeeded' });
  const opsgenie = configOf({ type: 'opsgenie', apiKey: { file: inTest('key') }, url: receiver.url });
  await send(opsgenie);
  await send(opsgenie, { event: 'backup succeeded' });

  const [open, over, alert, closed] = receiver.received.map(({ path, headers, body }) => ({
    path,
    authorization: headers.authorization,
    body: JSON.parse(body) as object,
  }));
  expect(open).toMatchObject({ path: '/v2/enqueue', body: { routing_key: TOKEN, event_action: 'trigger' } });
  expect(over).toMatchObject({ path: '/v2/enqueue', body: { routing_key: TOKEN, event_action: 'resolve' } });
  expect(alert).toMatchObject({ path: '/v2/alerts', authorization: `GenieKey ${TOKEN}` });
  expect(closed?.path).toBe('/v2/alerts/vault-dr%3Aprod%3Abackup/close?identifierType=alias');
});

describe('a mail', () => {
  const LOGIN = { user: 'vault-dr', password: TOKEN };
  let mail: MailServer;
  const email = (more: object = {}) =>
    configOf({
      type: 'email',
      host: HOST,
      port: mail.port,
      from: 'vault-dr@example.com',
      to: ['ops@example.com', 'ana@example.com'],
      ...more,
    });
  const start = async (options?: Parameters<typeof startMailServer>[1]) => {
    mail = await startMailServer(certificates, options);
    servers.push(mail);
  };

  it('is sent over STARTTLS, with a login, and repeated under the same id', async () => {
    await start({ login: LOGIN });
    const config = email({ user: LOGIN.user, password: { file: inTest('key') } });
    await expect(send(config)).resolves.toBe('the server took the message');
    await send(config);

    expect(mail.mails).toHaveLength(2);
    const [{ from, to, text, isSecure }] = mail.mails as [MailServer['mails'][0]];
    expect({ from, to, isSecure }).toEqual({
      from: 'vault-dr@example.com',
      to: ['ops@example.com', 'ana@example.com'],
      isSecure: true,
    });
    expect(text).toContain('Subject: [prod] backup failed: The backup of prod failed: no');
    const ids = mail.mails.map((item) => /^Message-ID: (<.*>)\r$/im.exec(item.text)?.[1]);
    expect(ids[0]).toMatch(/^<[0-9a-f]{40}@vault-dr\.invalid>$/);
    expect(ids[1]).toBe(ids[0]);
  });

  it('is sent over TLS from the first byte on', async () => {
    await start({ tls: 'implicit' });
    await send(email({ tls: 'implicit' }));

    expect(mail.mails).toMatchObject([{ isSecure: true }]);
  });

  it('has no header that a text brings with it', async () => {
    await start();
    await send(email(), { text: 'x\r\nBcc: eve@example.com\r\n\r\n.\r\nQUIT', cluster: 'prod' });

    const [{ text, to }] = mail.mails as [MailServer['mails'][0]];
    expect(to).toEqual(['ops@example.com', 'ana@example.com']);
    expect(text.split('\r\n\r\n')[0]).not.toMatch(/^Bcc:/im);
  });

  it('is not sent where the server offers no STARTTLS, nor is the password', async () => {
    await start({ tls: 'none', login: LOGIN });

    await expect(refusal(send(email({ user: LOGIN.user, password: { file: inTest('key') } })))).resolves.toEqual({
      text: expect.stringMatching(/^it does not encrypt the connection with STARTTLS.*nothing was sent\.$/) as string,
      retryable: false,
    });
    expect([mail.mails, mail.logins]).toEqual([[], []]);
  });

  it('is not sent to a server with a certificate of another CA', async () => {
    await start();

    const { text } = await refusal(send(email({ caFile: undefined })));
    expect(text).toMatch(/^its certificate is not accepted \([A-Z_]+\)\.$/);
    expect(mail.mails).toEqual([]);
  });

  it.each([
    ['does not know the user', { login: { user: 'other', password: 'x' } }, 'does not accept the login (535)'],
    ['refuses one recipient', { login: LOGIN, refuses: 'ana@example.com' }, 'it refused 1 of 2 recipients'],
  ])('that the server %s is said without its text', async (_what, options, problem) => {
    await start(options);

    const { text, retryable } = await refusal(send(email({ user: LOGIN.user, password: { file: inTest('key') } })));
    expect(text).toContain(problem);
    expect(text).not.toContain('here');
    expect(retryable).toBe(false);
  });

  it('to a server that is away is tried again', async () => {
    await start();
    await mail.stop();

    await expect(refusal(send(email()))).resolves.toEqual({ text: 'it refuses connections.', retryable: true });
  });
});

test('a channel that is not in the configuration is named', async () => {
  const { text } = await refusal(deliver(slack(), { channel: 'gone', notification: SAID, at: AT }));

  expect(text).toBe("There is no channel 'gone' in the configuration.");
});
