import { mkdir, readdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { saveConsul } from '../../../../activities/node/consul';
import type { NodeHost } from '../../../../activities/node/context';
import type { RunClaim } from '../../../../src/contract/recovery';
import { describeUnfinished } from '../../../../src/host/data/unfinished-runs';
import { claimNode } from '../../../../src/host/run/claim';
import { waitFor } from '../../../../src/lab/processes';
import { restoreEnvironment } from '../../../support/activity-environment';
import { agentHost } from '../../../support/agent-host';
import { buildConsulSnapshot } from '../../../support/consul-snapshot-builder';
import { useDirectory } from '../../../support/temporary';
import { rejectionOf } from '../../../support/thrown';

const CLAIM: RunClaim = { run: 'run-1', cluster: 'prod', startedAt: '2026-11-23T04:00:00.000Z' };
const inTest = useDirectory();

/** A fake, because a real Consul can't be held in the middle of an answer. */
let server: Server;
let asked = 0;
/** What the second answer waits for. */
let release: () => void;
const released = new Promise<void>((resolve) => (release = resolve));

beforeAll(async () => {
  const archive = await buildConsulSnapshot();
  server = createServer((request, response) => {
    if (!request.url?.startsWith('/v1/snapshot')) return response.end('"10.0.0.1:8300"');
    if (++asked === 1) return response.write(archive.subarray(0, 100));
    return void released.then(() => response.end(archive));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function agent(): NodeHost {
  const { port } = server.address() as AddressInfo;
  const cluster = { method: 'consul', consul: { addresses: [`http://127.0.0.1:${port}`] } };
  return agentHost(inTest, { cluster });
}

it('keeps what is in Consul once, whatever an attempt does that was overtaken', async () => {
  for (const name of ['data', 'state', 'runtime']) await mkdir(inTest(name));
  await claimNode(inTest('state'), 'vault-1', CLAIM);
  const host = agent();
  const save = () => restoreEnvironment(CLAIM.run).run(() => saveConsul(host, { claim: CLAIM })) as Promise<string>;

  const overtaken = rejectionOf(save());
  await waitFor('the first one is asked for', () => Promise.resolve(asked === 1), { timeoutMs: 5_000, everyMs: 10 });
  const saving = save();
  await waitFor('the second one is asked for', () => Promise.resolve(asked === 2), { timeoutMs: 5_000, everyMs: 10 });

  expect(await overtaken).toMatchObject({ code: 'NodeFenced' });
  // As one begins that overtakes the second: its files are none of the second's.
  await mkdir(inTest('state', 'set-aside', 'run-1.partial-00000003'));
  release();

  expect(await saving).toBe(inTest('state', 'set-aside', 'run-1'));
  expect((await readdir(inTest('state', 'set-aside'))).sort()).toEqual(['run-1', 'run-1.partial-00000003']);
  expect((await readdir(inTest('state', 'set-aside', 'run-1'))).sort()).toEqual(['consul.snap', 'saved.json']);
  // Once more it asks nobody.
  expect(await save()).toBe(inTest('state', 'set-aside', 'run-1'));
  expect(asked).toBe(2);
  // Should Temporal lose the run, the host still knows of it, also when another run has claimed it.
  const place = { stateDir: inTest('state'), dataDir: inTest('data') };
  expect(await describeUnfinished(place, 'run-2', 'staged.json')).toEqual([
    expect.objectContaining({
      run: 'run-1',
      beganToSetAside: true,
      setAside: null,
      keptConsul: { path: inTest('state', 'set-aside', 'run-1'), sizeBytes: expect.any(Number) as number },
    }),
  ]);
});
