import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { listen, type Listening } from '../../../../src/web/server/listen';
import { certificatesFor } from '../../../support/certificates';
import { useDirectory } from '../../../support/temporary';

const directory = useDirectory();
const HELLO = () => new Response('hello');
const open: Listening[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function listening(more: Partial<Parameters<typeof listen>[0]> = {}) {
  const notes: string[] = [];
  const server = await listen({
    address: '127.0.0.1',
    port: 0,
    tls: null,
    fetch: HELLO,
    onNote: (text) => notes.push(text),
    readAgainMs: 20,
    ...more,
  });
  open.push(server);
  return { ...server, notes };
}

/** Sends bytes as they are, and answers with all that comes back. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1');
  let said = '';
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write(bytes);
  await new Promise((resolve) => socket.once('close', resolve));
  return said;
}

function commonNameAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

async function until(fits: () => boolean | Promise<boolean>): Promise<void> {
  const latest = Date.now() + 10_000;
  while (!(await fits())) {
    if (Date.now() > latest) throw new Error('It never came to that.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the listener', () => {
  it.each([
    ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 'HTTP/1.1 400'],
    ['a Host that is none', 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 'HTTP/1.1 400'],
    ['headers that do not end', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`, 'HTTP/1.1 431'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'HTTP/1.1 400',
    ],
    ['what is no HTTP', '\x16\x03\x01\x02\x00', 'HTTP/1.1 400'],
  ])('refuses %s', async (_what, bytes, answer) => {
    const { port } = await listening();
    expect(await raw(port, bytes)).toContain(answer);
  });

  it('takes a renewed pair, and keeps the old one while the files do not fit', async () => {
    const tls = { certFile: directory('web.pem'), keyFile: directory('web.key') };
    const [first, second] = [await certificatesFor('first.example.com'), await certificatesFor('second.example.com')];
    await writeFile(tls.certFile, first.certPem);
    await writeFile(tls.keyFile, first.keyPem);
    const { port, notes } = await listening({ tls });
    expect(await commonNameAt(port)).toBe('first.example.com');

    await writeFile(tls.certFile, second.certPem);
    await until(() => notes.length === 1);
    expect(notes[0]).toMatch(/^The certificate in use stays\. .* can't be used/);
    expect(await commonNameAt(port)).toBe('first.example.com');

    await writeFile(tls.keyFile, second.keyPem);
    await until(async () => (await commonNameAt(port)) === 'second.example.com');
    expect(notes.at(-1)).toBe('The certificate was read again, and is used from now on.');
  });

  it('does not start with a key of another certificate, or on a port that is taken', async () => {
    const tls = { certFile: directory('web.pem'), keyFile: directory('web.key') };
    await writeFile(tls.certFile, (await certificatesFor('a.example.com')).certPem);
    await writeFile(tls.keyFile, (await certificatesFor('b.example.com')).keyPem);
    await expect(listening({ tls })).rejects.toThrow("can't be used");
    const { port } = await listening();
    await expect(listening({ port })).rejects.toThrow(`Can't listen on 127.0.0.1:${port} (EADDRINUSE)`);
  });

  it('ends a stream that is open', async () => {
    const stream = () => new Response(new ReadableStream({ start: (one) => one.enqueue(Buffer.from('data: 1\n\n')) }));
    const server = await listening({ fetch: stream });
    const said = raw(server.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.close();
    expect(await said).toContain('data: 1');
  }, 20_000);
});
