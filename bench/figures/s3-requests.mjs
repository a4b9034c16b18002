// What the controller asks an S3 server for, counted by a proxy before it.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { json } from '../shared.mjs';

export const usesLab = true;

export async function measure({ lab }) {
  const proxy = await startProxy(lab.s3.endpoint);
  const config = readFileSync(lab.configFile, 'utf8');
  try {
    await restartWith(lab, config.replaceAll(lab.s3.endpoint, proxy.address));
    // The first one makes what the next ones find.
    await json(lab, ['backup', '--cluster', 'lab']);
    const before = proxy.counts();
    await json(lab, ['backup', '--cluster', 'lab']);
    const after = proxy.counts();
    const kinds = Object.keys(after).map((kind) => [kind, after[kind] - (before[kind] ?? 0)]);
    const all = kinds.reduce((sum, [, count]) => sum + count, 0);
    return [
      { figure: 'S3 requests of a small backup', unit: 'requests', target: 20, values: [all] },
      ...kinds
        .filter(([, count]) => count > 0)
        .toSorted()
        .map(([kind, count]) => ({ figure: `of them ${kind}`, unit: 'requests', values: [count] })),
    ];
  } finally {
    await restartWith(lab, config);
    proxy.close();
  }
}

async function restartWith(lab, config) {
  await lab.controller.stop();
  writeFileSync(lab.configFile, config);
  await lab.controller.start();
}

/** Passes everything on as it is: requests are signed with the Host that they carry. */
async function startProxy(endpoint) {
  const { hostname, port } = new URL(endpoint);
  const counts = {};
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const kind = /[?&](versions|list-type|uploads|uploadId|partNumber)\b/.exec(url)?.[1];
    const name = kind === undefined ? method : `${method} ${kind}`;
    counts[name] = (counts[name] ?? 0) + 1;
    const forward = request({ hostname, port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    forward.on('error', () => outgoing.destroy());
    incoming.pipe(forward);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    counts: () => ({ ...counts }),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
