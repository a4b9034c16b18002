import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { VaultClient } from '../../../src/vault/client';
import { requestSnapshot, whileAlive } from '../../../src/vault/request-snapshot';

describe('what may be long in coming', () => {
  const watch = { everyMs: 5, onAlive: () => undefined, gone: () => new Error('gone') };

  /** Like a request that begins after so many looks, however long each takes. */
  function beginsAfter(looks: number) {
    let begin: (value: string) => void;
    const begun = new Promise<string>((resolve) => (begin = resolve));
    return { wait: () => begun, looked: () => (--looks === 0 ? begin('begun') : undefined) };
  }

  /** Like a request: fails with the reason when it is given up. */
  const begins = (ms: number) => (givenUp: AbortSignal) =>
    sleep(ms, 'begun', { signal: givenUp }).catch(() => Promise.reject(givenUp.reason as Error));

  it('is awaited while health checks are answered, each of which is reported, and no longer', async () => {
    const { wait, looked } = beginsAfter(5);
    const [onAlive, ask] = [jest.fn(looked), jest.fn(() => Promise.resolve())];

    await expect(whileAlive(wait, ask, { ...watch, onAlive })).resolves.toBe('begun');
    await sleep(50);

    expect(ask).toHaveBeenCalledTimes(5);
    expect(onAlive).toHaveBeenCalledTimes(5);
  });

  it.each([
    ['fails at once', () => Promise.reject(new Error('refused'))],
    ['fails late', () => sleep(20).then(() => Promise.reject(new Error('no answer in time')))],
  ])('is given up when each look %s', async (_how, fail) => {
    const ask = jest.fn(fail);

    await expect(whileAlive(begins(30_000), ask, watch)).rejects.toThrow('gone');
    expect(ask).toHaveBeenCalledTimes(3);
  });

  it('is waited for through looks that fail now and then', async () => {
    const { wait, looked } = beginsAfter(12);
    let inspections = 0;
    const ask = () => {
      looked();
      return inspections++ % 3 === 0 ? Promise.resolve() : Promise.reject(new Error('busy'));
    };

    await expect(whileAlive(wait, ask, watch)).resolves.toBe('begun');
    expect(inspections).toBe(12);
  });

  it('fails as it fails by itself, also while a look is open', async () => {
    const refused = () => Promise.reject(new Error('permission denied'));

    await expect(whileAlive(refused, () => sleep(1_000), watch)).rejects.toThrow('permission denied');
  });
});

describe('a snapshot', () => {
  const ended: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ended.splice(0)) await end();
  });

  /** A real node does not fall silent on demand. */
  async function clientOf(answer: RequestListener): Promise<VaultClient> {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = new VaultClient({ node: 'vault-1', address });
    ended.push(async () => {
      await client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return client;
  }

  it('that does not begin at a node that answers nothing any more is given up, as if the node were down', async () => {
    const client = await clientOf(() => undefined);

    await expect(requestSnapshot(client, { signal: new AbortController().signal, everyMs: 50 })).rejects.toMatchObject({
      code: 'VaultUnavailable',
      retryable: true,
      message: 'vault-1 stopped answering before its snapshot began.',
    });
  });

  it('that begins late comes whole, though nobody answers any more by then', async () => {
    const health = { initialized: true, sealed: false, standby: false, version: '1.21.1' };
    let begun = false;
    const client = await clientOf(({ url }, response) => {
      if (!url?.endsWith('/snapshot')) return begun ? undefined : void response.end(JSON.stringify(health));
      setTimeout(() => {
        begun = true;
        response.write('some');
        setTimeout(() => response.end(' bytes'), 2_500);
      }, 500);
    });

    const { body } = await requestSnapshot(client, { signal: new AbortController().signal, everyMs: 500 });

    expect(Buffer.concat(await body.toArray()).toString()).toBe('some bytes');
  });

  it('that is cancelled while it is awaited fails with the reason of that', async () => {
    const client = await clientOf(() => undefined);
    const [abort, reason] = [new AbortController(), new Error('cancelled')];

    const waiting = requestSnapshot(client, { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 50);

    await expect(waiting).rejects.toBe(reason);
  });
});
