import { EventEmitter, once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { Readable } from 'node:stream';
import { DrError } from '../../../src/contract/failures';
import { VaultClient, type VaultClientOptions } from '../../../src/vault/client';

/**
 * What a healthy Vault answers is tested against a real one (test/e2e). The servers here make the faults that a real one
 * does not make on demand: silence, cuts, redirects, pages of proxies.
 */
const open: { client?: VaultClient; server?: Server | TcpServer }[] = [];

afterEach(async () => {
  for (const { client, server } of open.splice(0)) {
    await client?.close();
    if (server && 'closeAllConnections' in server) server.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  }
});

async function listen<T extends Server | TcpServer>(server: T): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ server });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function clientOf(answer: RequestListener, options: VaultClientOptions = {}): Promise<VaultClient> {
  return clientAt(await listen(createServer(answer)), options);
}

function clientAt(address: string, options: VaultClientOptions = {}): VaultClient {
  const client = new VaultClient({ node: 'vault-1', address }, options);
  open.push({ client });
  return client;
}

/** Allows every upload, and hands it to `take`. */
function uploads(take: RequestListener): RequestListener {
  return (request, response) => {
    if (!request.url?.endsWith('/capabilities-self')) return take(request, response);
    response.end(JSON.stringify({ data: { 'sys/storage/raft/snapshot-force': ['root'] } }));
  };
}

describe('VaultClient', () => {
  it('never follows a redirect', async () => {
    let followed = false;
    const elsewhere = await listen(createServer((_request, response) => response.end(String((followed = true)))));
    const client = await clientOf((_request, response) => response.writeHead(307, { location: elsewhere }).end());

    await expect(client.snapshot()).rejects.toMatchObject({
      code: 'VaultUnavailable',
      message: 'vault-1 is not the leader: it redirects sys/storage/raft/snapshot (307).',
    });
    await expect(client.sealStatus()).rejects.toMatchObject({ code: 'VaultUnavailable' });
    expect(followed).toBe(false);
  });

  it('keeps no connection: the node may restart before the next request', async () => {
    const sockets = new Set<unknown>();
    const client = await clientOf((request, response) => {
      sockets.add(request.socket);
      response.end('{"errors":[]}');
    });

    for (let turn = 0; turn < 3; turn++) await client.remove('secret/x').catch(() => undefined);

    expect(sockets.size).toBe(3);
  });

  it('says so when the peer does not speak HTTP', async () => {
    const server = createTcpServer((socket) =>
      socket
        .on('error', () => undefined)
        .resume()
        .end('220 mail.example ESMTP\r\n'),
    );
    const client = clientAt(await listen(server));

    await expect(client.health()).rejects.toMatchObject({
      code: 'VaultUnavailable',
      message: expect.stringContaining('does not speak HTTP'),
    });
  });

  it('gives up on a node that says nothing', async () => {
    const client = await clientOf(() => undefined, { timeoutMs: 100 });

    await expect(client.health()).rejects.toMatchObject({
      code: 'VaultUnavailable',
      message: 'vault-1 did not answer sys/health in time.',
    });
  });

  it('gives up on a snapshot that does not begin', async () => {
    const client = await clientOf(() => undefined);

    await expect(client.snapshot({ timeoutMs: 100 })).rejects.toMatchObject({
      code: 'VaultUnavailable',
      message: expect.stringContaining('ANSWER_TIMEOUT'),
    });
  });

  it('gives up on a node that does not finish its answer', async () => {
    const client = await clientOf((_request, response) => response.writeHead(200).write('{"initialized":'), {
      timeoutMs: 200,
    });

    await expect(client.health()).rejects.toMatchObject({ code: 'VaultUnavailable', retryable: true });
  });

  it('names a refused connection', async () => {
    const server = createTcpServer();
    const address = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    open.length = 0;

    await expect(clientAt(address).health()).rejects.toMatchObject({
      code: 'VaultUnavailable',
      retryable: true,
      message: 'vault-1 refused the connection (sys/health, ECONNREFUSED).',
    });
  });

  it('names a connection that is closed half-way', async () => {
    const client = await clientOf((request) => request.socket.destroy());

    await expect(client.sealStatus()).rejects.toMatchObject({ code: 'VaultUnavailable', retryable: true });
  });

  it('fails while a snapshot is read when the connection is cut', async () => {
    const client = await clientOf((_request, response) => {
      response.writeHead(200).write('half');
      setTimeout(() => response.destroy(), 50);
    });
    const { body } = await client.snapshot();

    await expect(body.toArray()).rejects.toMatchObject({ code: 'VaultUnavailable', retryable: true });
  });

  it('lets go of the connection when the receiver of a snapshot gives up', async () => {
    const connection = new EventEmitter();
    const client = await clientOf((_request, response) => {
      response.on('close', () => connection.emit('closed'));
      response.writeHead(200).write('half');
    });
    const closed = once(connection, 'closed');
    const { body } = await client.snapshot();

    body.destroy();

    await expect(closed).resolves.toEqual([]);
  });

  it("rejects with the reason of the caller's signal", async () => {
    const cancelled = new Error('cancelled by the operator');
    const own = new AbortController();
    const client = await clientOf(() => own.abort(cancelled), { signal: own.signal });

    await expect(client.health()).rejects.toBe(cancelled);
  });

  it('ends a transfer by its own signal as well', async () => {
    const cancelled = new Error('cancelled by the operator');
    const own = new AbortController();
    const client = await clientOf(() => own.abort(cancelled), { signal: new AbortController().signal });

    await expect(client.snapshot({ signal: own.signal })).rejects.toBe(cancelled);
  });

  it('rejects with the error of the archive that it uploads', async () => {
    const client = await clientOf(uploads((request) => void request.resume()));
    const broken = new DrError('SnapshotCorrupt', 'the copy is damaged');
    async function* archive(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(1000);
      await Promise.resolve();
      throw broken;
    }

    await expect(client.restoreSnapshot(Readable.from(archive()), { force: true })).rejects.toBe(broken);
  });

  it('rejects with an error that the archive has before the upload begins', async () => {
    const client = await clientOf(uploads((request) => void request.resume()));
    const broken = new DrError('CopyDamaged', 'the copy is damaged');
    const archive = new Readable({ read: () => undefined });

    const restoring = client.restoreSnapshot(archive, { force: true });
    archive.destroy(broken);

    await expect(restoring).rejects.toBe(broken);
  });

  it('does not take an upload that ends early for a whole one', async () => {
    const client = await clientOf(uploads((request) => void request.resume()));
    const archive = new Readable({ read: () => undefined });
    archive.push(Buffer.alloc(1000));
    setTimeout(() => archive.destroy(), 100);

    await expect(client.restoreSnapshot(archive, { force: true })).rejects.toMatchObject({ code: 'VaultUnavailable' });
  });

  it('asks whether an upload is allowed before it begins', async () => {
    const client = await clientOf((_request, response) =>
      response.end(JSON.stringify({ data: { 'sys/storage/raft/snapshot-force': ['deny'] } })),
    );
    const archive = Readable.from([Buffer.alloc(10)]);

    await expect(client.restoreSnapshot(archive, { force: true })).rejects.toMatchObject({ code: 'PermissionDenied' });
    expect(archive.destroyed).toBe(true);
  });

  it('lets an upload take as long as it makes progress', async () => {
    const client = await clientOf(
      uploads((request, response) => {
        request.resume().on('end', () => response.writeHead(204).end());
      }),
      { timeoutMs: 600 },
    );
    async function* slowly(): AsyncGenerator<Buffer> {
      for (let turn = 0; turn < 5; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        yield Buffer.alloc(1000);
      }
    }

    await expect(client.restoreSnapshot(Readable.from(slowly()), { force: true })).resolves.toBeUndefined();
  });

  it('cuts off an answer that has no end, and says how much it would take', async () => {
    let sent = 0;
    const connection = new EventEmitter();
    const client = await clientOf((_request, response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, ' '))) sent += 65_536;
      };
      response.on('drain', pour).on('close', () => connection.emit('closed'));
      response.writeHead(200);
      pour();
    });
    const closed = once(connection, 'closed');

    await expect(client.health()).rejects.toMatchObject({
      code: 'VaultUnavailable',
      where: 'vault-1',
      message: 'vault-1 answered sys/health with more than 4 MiB; the rest was not read.',
    });
    await closed;
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });

  it('cuts off an error that has no end as well, where a snapshot was asked for', async () => {
    const client = await clientOf((_request, response) => {
      response.writeHead(400).end(Buffer.alloc(5 * 1024 * 1024, 'x'));
    });

    await expect(client.snapshot()).rejects.toMatchObject({ message: expect.stringContaining('more than 4 MiB') });
  });

  it('gives up on headers that drip', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('x: y\r\n'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    const client = clientAt(await listen(server));

    await expect(client.snapshot({ timeoutMs: 300 })).rejects.toMatchObject({
      code: 'VaultUnavailable',
      message: expect.stringContaining('ANSWER_TIMEOUT'),
    });
  });

  it('takes no headers without end', async () => {
    const client = await clientOf((_request, response) => response.writeHead(200, { x: 'y'.repeat(20_000) }).end('{}'));

    await expect(client.health()).rejects.toMatchObject({
      code: 'VaultUnavailable',
      message: 'vault-1 answers with headers that are too long (sys/health, HPE_HEADER_OVERFLOW).',
    });
  });

  it('shows no more of an error than can be read', async () => {
    const client = await clientOf((_request, response) => {
      response.writeHead(400).end(JSON.stringify({ errors: ['e'.repeat(1_000_000)] }));
    });

    const failure = await client.sealStatus().catch((error: DrError) => error);

    expect((failure as DrError).message.length).toBeLessThan(600);
  });

  it('never repeats a token, a share or a secret id in an error', async () => {
    const client = await clientOf(
      (request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const echo = `${String(request.headers['x-vault-token'])} ${Buffer.concat(chunks).toString()}`;
          response.writeHead(400).end(JSON.stringify({ errors: [echo] }));
        });
      },
      { token: 'hvs.the-token' },
    );

    const failures = await Promise.all([
      client.unseal({ key: 'c2hhcmUtb25l' }).catch((error: DrError) => error.message),
      client
        .logIn('approle', { role_id: 'role', secret_id: 'the-secret-id' }, 'the-secret-id')
        .catch((error: DrError) => error.message),
      client.read('secret/x').catch((error: DrError) => error.message),
    ]);

    for (const message of failures) {
      expect(message).toContain('[secret]');
      expect(message).not.toMatch(/hvs\.the-token|c2hhcmUtb25l|the-secret-id/);
    }
  });

  it('says so when it is not Vault that answers', async () => {
    const client = await clientOf((_request, response) => response.end('<html>secret page</html>'));

    const failure = await client.health().catch((error: DrError) => error);

    expect(failure).toMatchObject({ code: 'VaultUnavailable', advice: expect.stringContaining('proxy') });
    expect((failure as DrError).message).not.toContain('secret page');
  });
});
