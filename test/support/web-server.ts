import { Hono } from 'hono';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import type { WebAssets } from '../../src/web/assets';
import { NO_LOGIN } from '../../src/web/login/create-login';
import type { ActionAnswer, ClusterModel, HolderModel, OverviewModel, RunModel } from '../../src/web/model';
import { createWebApp, type WebEnv } from '../../src/web/server/app';
import { type Listening, listen } from '../../src/web/server/listen';

/** What the pages show now; tests change it while they are open. */
export interface Recorded {
  overview: OverviewModel;
  cluster: ClusterModel;
  run: RunModel;
  holder: HolderModel;
}

export interface RecordedServer {
  url: string;
  port: number;
  /** What was handed in. */
  submitted: Record<string, string>[];
  close: () => Promise<void>;
}

/** Bundled by `npm run build`. */
export function builtAssets(): WebAssets {
  return require(join(PROJECT_ROOT, 'dist/web-pages.js')) as WebAssets;
}

/** The real server with models that were made up. */
export async function serveRecorded(recorded: Recorded, answer: () => ActionAnswer, port = 0): Promise<RecordedServer> {
  const stop = new AbortController();
  const hosts = new Set<string>();
  const submitted: Record<string, string>[] = [];
  const actions = new Hono<WebEnv>();
  actions.post('/clusters/prod/unseal', async (context) => {
    submitted.push((await context.req.parseBody()) as Record<string, string>);
    return context.json(answer());
  });
  const app = createWebApp({
    state: {
      overview: () => Promise.resolve(recorded.overview),
      cluster: () => Promise.resolve(recorded.cluster),
      run: () => Promise.resolve(recorded.run),
      holder: () => Promise.resolve(recorded.holder),
    },
    login: NO_LOGIN,
    assets: builtAssets(),
    settings: {
      hosts,
      secure: false,
      proxied: false,
      formOrigins: [],
      stop: stop.signal,
      onError: (problem) => {
        throw new Error(problem);
      },
      pollMs: 50,
    },
    actions,
  });
  const listening: Listening = await listen({
    address: '127.0.0.1',
    port,
    tls: null,
    fetch: app.fetch as never,
    onNote: () => undefined,
  });
  hosts.add(`127.0.0.1:${listening.port}`);
  const close = async () => {
    stop.abort();
    await listening.close();
  };
  return { url: `http://127.0.0.1:${listening.port}`, port: listening.port, submitted, close };
}
