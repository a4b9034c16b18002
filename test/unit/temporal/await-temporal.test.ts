import { once } from 'node:events';
import { createServer } from 'node:net';
import { pino, type Logger } from 'pino';
import { awaitTemporal, watchTemporal } from '../../../src/temporal/await-temporal';
import { ensureSearchAttributes } from '../../../src/temporal/register-search-attributes';
import { waitFor } from '../../../src/lab/processes';
import { type GrpcAnswer, grpcServer, useServers } from '../../support/grpc-server';

const listen = useServers();
const OK: GrpcAnswer = { status: 0 };
const DENIED: GrpcAnswer = { status: 7, message: 'Request unauthorized.' };
const INVALID: GrpcAnswer = { status: 3, message: 'Namespace vault-dr has no mapping defined for VaultCluster' };
const STALE = process.env;

function logged(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    log: pino({ base: null }, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) }),
  };
}

/** Where the profile is read from, besides a file. */
function pointAt(address: string): void {
  process.env = { ...STALE, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'vault-dr' };
}
afterEach(() => (process.env = STALE));

const never = new AbortController().signal;

describe('search attributes', () => {
  it('that are missing and may not be registered are waited for, with the commands for an administrator', async () => {
    let registered = false;
    const answers: Record<string, () => GrpcAnswer> = {
      AddSearchAttributes: () => DENIED,
      CountWorkflowExecutions: () => (registered ? OK : INVALID),
    };
    pointAt(await listen(grpcServer((method) => answers[method]?.() ?? OK)));
    const { log, lines } = logged();

    const ready = awaitTemporal({ temporal: {}, log, stop: never, also: ensureSearchAttributes });
    await waitFor('it is reported', () => Promise.resolve(lines.length > 0), { timeoutMs: 5_000 });
    registered = true;
    await ready;

    expect(lines[0]).toContain("Temporal's namespace 'vault-dr' lacks search attributes");
    expect(lines[0]).toContain(
      'temporal operator search-attribute create --namespace vault-dr --name VaultCluster --type Keyword',
    );
    expect(lines.at(-1)).toBe('Temporal answers; the wait is over');
  });

  it('are taken as they are where they may not even be listed, but searched by', async () => {
    pointAt(await listen(grpcServer((method) => (method === 'ListSearchAttributes' ? DENIED : OK))));
    const { log, lines } = logged();

    await awaitTemporal({ temporal: {}, log, stop: never, also: ensureSearchAttributes });

    expect(lines).toEqual([]);
  });
});

it('a refusal ends the wait', async () => {
  pointAt(await listen(grpcServer(() => DENIED)));

  await expect(awaitTemporal({ temporal: {}, log: logged().log, stop: never })).rejects.toMatchObject({
    code: 'TemporalUnreachable',
    retryable: false,
  });
});

it('a certificate that the profile names and that is not there yet is waited for, an unknown profile is not', async () => {
  const stop = new AbortController();
  pointAt('127.0.0.1:1');
  process.env['TEMPORAL_TLS_CLIENT_CERT_PATH'] = '/does/not/exist.pem';
  const { log, lines } = logged();

  const waits = awaitTemporal({ temporal: {}, log, stop: stop.signal });
  await waitFor('it is reported', () => Promise.resolve(lines.length > 0), { timeoutMs: 5_000 });
  stop.abort();

  await expect(waits).rejects.toMatchObject({ code: 'Aborted' });
  expect(lines[0]).toContain(
    "The Temporal profile can't be read: ENOENT: no such file or directory, open '/does/not/exist.pem'",
  );
  await expect(awaitTemporal({ temporal: { profile: 'nobody' }, log, stop: never })).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    retryable: false,
  });
  await expect(
    awaitTemporal({ temporal: { configFile: '/does/not/exist.toml' }, log, stop: never }),
  ).rejects.toMatchObject({ code: 'InvalidConfiguration', retryable: false });
});

it('a worker under way tells of an outage once, and what it needs is seen to when Temporal is back', async () => {
  const hole = createServer((socket) => socket.destroy());
  const address = await listen(hole);
  pointAt(address);
  const { log, lines } = logged();
  const stop = new AbortController();
  const also = jest.fn(() => Promise.resolve());

  const watched = watchTemporal({ temporal: {}, log, stop: stop.signal, also }, { everyMs: 10, awayMs: 10 });
  await waitFor('it is reported', () => Promise.resolve(lines.length > 0), { timeoutMs: 5_000 });
  hole.close();
  await once(hole, 'close');
  const back = grpcServer(() => OK).listen(Number(address.split(':')[1]), '127.0.0.1');
  await waitFor('it is back', () => Promise.resolve(lines.length > 1), { timeoutMs: 5_000 });
  const seenTo = also.mock.calls.length;
  stop.abort();
  await watched;
  back.close();

  expect(lines).toEqual([
    expect.stringContaining(`Temporal does not answer at ${address}: it closed the connection.`),
    'Temporal answers again',
  ]);
  expect(seenTo).toBe(1);
});
