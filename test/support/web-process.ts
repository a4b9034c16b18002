import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import type { Lab } from '../../src/lab/lab';
import type { PageModel } from '../../src/web/model';

export interface WebServer {
  url: string;
  /** What it has logged. */
  log: () => string;
  get: (path: string, headers?: Record<string, string>) => ReturnType<typeof fetch>;
  /** The model in a page. */
  model: <M extends PageModel>(path: string) => Promise<M>;
  /** Asks until a model is as wanted. */
  until: <M extends PageModel>(path: string, fits: (model: M) => boolean, milliseconds?: number) => Promise<M>;
  /** @returns its exit status */
  end: () => Promise<number | null>;
}

/**
 * `vault-dr web` of a lab, with more settings of `web` as lines of YAML.
 * @param tls of a client, where the settings have `tls`: authority, certificate and key, PEM
 */
export async function startWebServer(
  lab: Lab,
  settings: readonly string[] = [],
  tls?: { ca: string; cert: string; key: string },
): Promise<WebServer> {
  const port = await freePort();
  const url = `http${tls ? 's' : ''}://127.0.0.1:${port}`;
  const dispatcher = new Agent(tls ? { connect: tls } : {});
  const config = join(lab.directory, `web-${port}.yaml`);
  const lines = ['web:', `  listen: 127.0.0.1:${port}`, ...settings.map((line) => `  ${line}`)];
  await writeFile(config, `${await readFile(lab.configFile, 'utf8')}\n${lines.join('\n')}\n`);
  const child = spawn(process.execPath, ['bin/vault-dr.js', 'web', '--config', config], { env: { ...lab.env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const get: WebServer['get'] = (path, headers) =>
    fetch(`${url}${path}`, { redirect: 'manual', headers: headers ?? {}, dispatcher });
  await answers(child, get, () => said);
  const model: WebServer['model'] = async (path) => modelIn(await (await get(path)).text());
  return {
    url,
    log: () => said,
    get,
    model,
    until: async <M extends PageModel>(path: string, fits: (model: M) => boolean, milliseconds = 60_000) => {
      const latest = Date.now() + milliseconds;
      for (;;) {
        const last = await model<M>(path);
        if (fits(last)) return last;
        if (Date.now() > latest) throw new Error(`It never came to that: ${JSON.stringify(last, null, 1)}`);
        await sleep(500);
      }
    },
    end: async () => {
      // With its lab, if that came first.
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit') as Promise<[number | null]>;
      child.kill('SIGTERM');
      return (await ended)[0];
    },
  };
}

export function modelIn<M extends PageModel>(html: string): M {
  const [, json] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html) ?? [];
  if (json === undefined) throw new Error(`There is no model in: ${html.slice(0, 2_000)}`);
  return JSON.parse(json) as M;
}

async function answers(child: ChildProcess, get: WebServer['get'], said: () => string): Promise<void> {
  const latest = Date.now() + 60_000;
  for (;;) {
    if (child.exitCode !== null || Date.now() > latest) throw new Error(`vault-dr web has not started:\n${said()}`);
    if (
      await get('/licences').then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    await sleep(100);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address === 'object' && address !== null) return address.port;
  throw new Error('There is no free port.');
}
