import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { Controller } from '../../activities/controller/context';
import { parseConfig } from '../../src/config/load';
import { sampleConfig } from './sample-config';
import { useDirectory } from './temporary';

/** `cut`: the connection breaks instead. */
export type SmallAnswer = { status: number; body: object | Buffer } | 'cut';

/** Answers by path; a missing path is answered with an empty 404, as by Vault. */
export type SmallAnswers = Record<string, () => SmallAnswer>;

export const ok = (body: object | Buffer): SmallAnswer => ({ status: 200, body });
export const denied = (error: string): SmallAnswer => ({ status: 403, body: { errors: [error] } });

/** One node, unsealed, that leads; with the answers that a test puts in, because a real one doesn't lie on demand. */
export function useSmallVault() {
  const inTest = useDirectory();
  let server: Server;
  let answers: SmallAnswers;
  let controller: Controller;
  let environment: MockActivityEnvironment;

  beforeEach(async () => {
    answers = { ...WELL };
    server = createServer(({ url = '' }, response) => {
      const path = url.replace(/^\/v1\/|\?.*$/g, '');
      const answer = answers[path]?.() ?? { status: 404, body: { errors: [] } };
      if (answer === 'cut') return response.destroy();
      const { status, body } = answer;
      return response.writeHead(status).end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
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

  return {
    answers: () => answers,
    /** Runs a step as the worker would. */
    run<I, O>(step: (controller: Controller, input: I) => Promise<O>, input: I, attempt = 1): Promise<O> {
      environment = new MockActivityEnvironment({ attempt }, { logger: new DefaultLogger('ERROR') });
      return environment.run(() => step(controller, input)) as Promise<O>;
    },
    /** Calls the step off that runs. */
    cancel: () => environment.cancel(),
  };
}

const IDENTITY = { version: '1.21.1', cluster_id: 'c', cluster_name: 'n', initialized: true, sealed: false };

const WELL: SmallAnswers = {
  'sys/health': () => ok({ ...IDENTITY, standby: false }),
  'sys/leader': () => ok({ ha_enabled: true, is_self: true, leader_address: 'http://127.0.0.1:1' }),
  'sys/seal-status': () => ok({ ...IDENTITY, type: 'shamir', t: 3, n: 5, progress: 0, nonce: '' }),
  'sys/storage/raft/configuration': () =>
    ok({
      data: { config: { servers: [{ node_id: 'vault-1', address: '127.0.0.1:2', leader: true, voter: true }] } },
    }),
};
