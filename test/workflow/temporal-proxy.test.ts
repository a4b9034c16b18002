import { connectClient, connectWorker } from '../../src/temporal/connect-temporal';
import { type ForwardProxy, startForwardProxy } from '../support/forward-proxy';
import { useWorkflowEnvironment } from '../support/workflow-environment';

/** Where a real Temporal is asked, of the client and of the worker: both have ideas of their own about the environment. */
const environment = useWorkflowEnvironment();
const ELSEWHERE = 'temporal.example.com:7233';
const before = { ...process.env };
let proxy: ForwardProxy;

beforeAll(async () => {
  proxy = await startForwardProxy();
});

afterAll(() => proxy.stop());

beforeEach(() => {
  proxy.routes[ELSEWHERE] = environment().temporal.address;
  proxy.asked = [];
  proxy.logins = [];
  for (const name of ['grpc_proxy', 'https_proxy', 'http_proxy']) delete process.env[name];
});

afterEach(() => {
  process.env = { ...before };
});

/** @returns whether the server answers the client and the worker. */
async function ask(address: string): Promise<void> {
  process.env['TEMPORAL_ADDRESS'] = address;
  const client = await connectClient({});
  try {
    await client.connection.workflowService.getSystemInfo({});
  } finally {
    await client.connection.close();
  }
  const { connection } = await connectWorker({});
  await connection.close();
}

it.each(['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'grpc_proxy'])(
  'on the loopback it is asked without a proxy, whatever %s says',
  async (name) => {
    process.env[name] = proxy.url;

    await ask(environment().temporal.address);

    expect(proxy.asked).toEqual([]);
  },
);

it.each(['https_proxy', 'HTTPS_PROXY'])('elsewhere it is asked through %s, with its login', async (name) => {
  process.env[name] = proxy.url.replace('http://', 'http://ana:secret@');
  process.env['NO_PROXY'] = '.other.example.com,';

  await ask(ELSEWHERE);

  expect(new Set(proxy.asked)).toEqual(new Set([ELSEWHERE]));
  // A probe, the client and the worker.
  expect(proxy.asked.length).toBeGreaterThanOrEqual(3);
  expect(new Set(proxy.logins)).toEqual(new Set([`Basic ${Buffer.from('ana:secret').toString('base64')}`]));
});

it('what NO_PROXY names is asked without one', async () => {
  process.env['HTTPS_PROXY'] = proxy.url;
  process.env['TEMPORAL_ADDRESS'] = 'temporal.example.invalid:7233';
  process.env['NO_PROXY'] = 'example.invalid';

  await expect(connectClient({})).rejects.toMatchObject({ code: 'TemporalUnreachable' });
  await expect(connectWorker({})).rejects.toMatchObject({ code: 'TemporalUnreachable' });

  expect(proxy.asked).toEqual([]);
});
