import { createServer, type Server } from 'node:http';
import { mkdir, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { countConsulKeys, stringsIn } from '../../../../src/host/migrate/consul-keys';
import { countFiles, describeSource, SourceStorage, sourceStorage } from '../../../../src/host/migrate/source';
import { readServerConfig } from '../../../../src/vault/config/vault-config';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
let server: Server | undefined;

afterEach(() => {
  server?.close();
});

async function consulAnswering(status: number, body: string): Promise<{ address: string; asked: string[] }> {
  const asked: string[] = [];
  server = createServer((request, response) => {
    asked.push(`${request.url} ${String(request.headers['x-consul-token'])}`);
    response.statusCode = status;
    response.end(body);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const NEVER = new AbortController().signal;

describe('what a server stores in', () => {
  const read = async (hcl: string) => {
    const file = inTest('vault.hcl');
    await writeFile(file, hcl);
    return readServerConfig([file]);
  };

  it('is described without its token, which may be in the stanza or in the environment', async () => {
    const config = await read('storage "consul" {\n  path = "kv/vault"\n  token = "secret-1"\n}\n');
    const bare = await read('storage "consul" {\n  address = "consul:8500"\n}\n');

    expect(describeSource(config, {})).toEqual({ type: 'consul', path: 'kv/vault', token: 'configuration' });
    expect(describeSource(bare, { CONSUL_HTTP_TOKEN: 'secret-2' })).toEqual({
      type: 'consul',
      path: null,
      token: 'environment',
    });
    expect(JSON.stringify(sourceStorage(config, { CONSUL_HTTP_TOKEN: 'secret-2' }))).not.toMatch(/secret-[12]/);
  });

  it('is nothing to migrate from where it is Raft', async () => {
    expect(sourceStorage(await read('storage "raft" {\n  path = "/data"\n}\n'), {})).toBeNull();
  });
});

describe('the keys of the old storage', () => {
  it('are counted in Consul, but for its locks', async () => {
    const keys = ['vault/core/keyring', 'vault/core/lock', 'vault/core/migration', 'vault/logical/a"b', 'vault/sys/x'];
    const { address, asked } = await consulAnswering(200, JSON.stringify(keys));
    const source = new SourceStorage(
      'consul',
      new Map([
        ['address', address],
        ['token', 't-1'],
      ]),
      {},
    );

    expect(await countConsulKeys(source, NEVER)).toBe(3);
    expect(asked).toEqual(['/v1/kv/vault/?keys t-1']);
  });

  it('are not counted as none where Consul refuses', async () => {
    const { address } = await consulAnswering(403, 'Permission denied');
    const source = new SourceStorage('consul', new Map([['address', address]]), { CONSUL_HTTP_TOKEN: 't-2' });

    await expect(countConsulKeys(source, NEVER)).rejects.toMatchObject({ code: 'ServiceFailed' });
  });

  it('come out of JSON that is cut anywhere', async () => {
    const text = JSON.stringify(['a', 'b\\"c', '', 'd']);
    for (let cut = 0; cut <= text.length; cut++) {
      const found: string[] = [];
      for await (const key of stringsIn(pieces(text.slice(0, cut), text.slice(cut)))) found.push(key);
      expect(found).toHaveLength(4);
    }
  });

  it('are counted in files, but for locks and what is half written', async () => {
    for (const file of ['core/_keyring', 'core/_lock', 'core/_migration', 'sys/policy/_default', 'sys/_x', '.note']) {
      await mkdir(dirname(inTest('data', file)), { recursive: true });
      await writeFile(inTest('data', file), '{}');
    }

    expect(await countFiles(inTest('data'))).toBe(3);
  });
});

async function* pieces(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}
