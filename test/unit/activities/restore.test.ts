import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { Controller } from '../../../activities/controller-context';
import { compareCounts, mayStayUncounted, verifyFirstNode } from '../../../activities/restore';
import { parseConfig } from '../../../src/config/load';
import { DrError } from '../../../src/contract/failures';
import { PLAN } from '../../support/fake-agents';
import { sampleConfig } from '../../support/sample-config';
import { buildSnapshot } from '../../support/snapshot-builder';
import { useDirectory } from '../../support/temporary';

describe('what was counted against the manifest', () => {
  const counts = (...items: [string, number][]) =>
    Object.fromEntries(items.map(([prefix, count]) => [prefix, { count, bytes: 1 }]));

  it('is right when it is the same, whatever else there is', () => {
    expect(compareCounts({ 'logical/a': 7 }, counts(['logical/a', 7], ['sys/expire', 3]))).toEqual([]);
  });

  it('is a remark when a write or two explain it', () => {
    expect(compareCounts({ 'logical/a': 7, 'logical/b': 9 }, counts(['logical/a', 8], ['logical/b', 5]))).toEqual([
      'logical/a has 8 keys, the manifest counts 7: somebody writes already',
      'logical/b has 5 keys, the manifest counts 9: somebody writes already',
    ]);
  });

  it('holds the run, and is not counted again by itself, when keys are missing', () => {
    expect(() => compareCounts({ 'logical/a': 1_000, 'logical/b': 6 }, counts(['logical/a', 989]))).toThrow(
      expect.objectContaining({
        message: 'Fewer keys than the manifest counts: logical/a: 989 of 1000; logical/b: 0 of 6.',
        retryable: false,
      }),
    );
  });
});

describe('keys that can not be counted', () => {
  it.each([
    ['of a connection that breaks', new DrError('VaultUnavailable', 'cut'), 1, false],
    ['of one that breaks again', new DrError('VaultUnavailable', 'cut'), 2, true],
    ['of a snapshot that is cut again', new DrError('SnapshotIncomplete', 'cut'), 2, true],
    ['nobody knows why, again', new Error('what?'), 2, true],
    ['the login may not', new DrError('PermissionDenied', 'denied'), 1, true],
    ['the snapshot is damaged, again and again', new DrError('SnapshotCorrupt', 'damaged'), 4, false],
  ])('because %s: a remark or a reason to hold the run', (_why, error, attempts, isRemark) => {
    expect(mayStayUncounted(error, attempts)).toBe(isRemark);
  });
});

/** A small server with Vault's answers: a real one doesn't break off, deny, or change its mind on demand. */
describe('the first node', () => {
  const inTest = useDirectory();
  let server: Server;
  let controller: Controller;
  let peers: () => { status: number; body: object };
  let snapshot: () => { status: number; body: Buffer | null };

  beforeEach(async () => {
    const archive = await buildSnapshot();
    peers = () => ({ status: 200, body: PEERS });
    snapshot = () => ({ status: 200, body: archive });
    server = createServer(({ url = '' }, response) => {
      if (url.endsWith('/seal-status')) return response.end(JSON.stringify(SEAL_STATUS));
      if (url.endsWith('/configuration')) {
        const { status, body } = peers();
        return response.writeHead(status).end(JSON.stringify(body));
      }
      if (!url.endsWith('/snapshot')) return response.writeHead(404).end();
      const { status, body } = snapshot();
      if (body === null) return response.destroy();
      return response.writeHead(status).end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await writeFile(inTest('token'), 'a-token');
    const text = sampleConfig({ repositories: { local: inTest() }, publicKeyFile: inTest('signing.pub') })
      .replace('http://127.0.0.1:1', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
      .replace('/does/not/exist', inTest('token'));
    controller = new Controller({ config: parseConfig(text, 'vault-dr.yaml') });
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const verify = (keyCounts: Record<string, number>, attempt = 1): Promise<string[]> =>
    new MockActivityEnvironment({ attempt }, { logger: new DefaultLogger('ERROR') }).run(() =>
      verifyFirstNode(controller, { plan: { ...PLAN, keyCounts } }),
    ) as Promise<string[]>;

  it('that serves and has as many keys as the manifest counts is right', async () => {
    expect(await verify({ 'logical/7163c756': 2 })).toEqual([]);
  });

  it('that has fewer keys holds the run', async () => {
    await expect(verify({ 'logical/7163c756': 20 })).rejects.toMatchObject({
      message: expect.stringContaining('2 of 20'),
    });
  });

  it('that breaks its snapshot off is asked once more, and then told of', async () => {
    snapshot = () => ({ status: 200, body: null });

    await expect(verify({ 'logical/7163c756': 2 })).rejects.toMatchObject({ code: 'VaultUnavailable' });
    expect(await verify({ 'logical/7163c756': 2 }, 2)).toEqual([
      expect.stringContaining('the keys on vault-1 could not be counted: vault-1 closed the connection'),
    ]);
  });

  it('that gives no snapshot is told of, yet holds the run when it does not serve any more either', async () => {
    snapshot = () => ({ status: 403, body: Buffer.from('{"errors":["permission denied"]}') });
    expect(await verify({ 'logical/7163c756': 2 })).toEqual([expect.stringContaining('permission denied')]);

    snapshot = () => {
      peers = () => ({ status: 403, body: { errors: ['peers denied'] } });
      return { status: 403, body: Buffer.from('{"errors":["permission denied"]}') };
    };
    await expect(verify({ 'logical/7163c756': 2 })).rejects.toMatchObject({
      code: 'PermissionDenied',
      message: expect.stringContaining('peers denied'),
    });
  });
});

const SEAL_STATUS = {
  type: 'shamir',
  initialized: true,
  sealed: false,
  t: 3,
  n: 5,
  progress: 0,
  nonce: '',
  version: '1.21.1',
  cluster_id: 'c',
  cluster_name: 'n',
};

const PEERS = {
  data: { config: { servers: [{ node_id: 'vault-1', address: '127.0.0.1:2', leader: true, voter: true }] } },
};
