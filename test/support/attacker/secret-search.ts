import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { type Needle, shareNeedles } from '../../../src/lab/demo/share-search';
import type { Lab } from '../../../src/lab/lab';
import { STATE_FILE } from '../../../src/lab/lab-state';
import { memoryDirectoryOf, processesOf } from '../../../src/lab/sweep';
import { filesBelow } from '../disk-search';

/** Every place where a secret could have been left, by its name. */
export type Places = AsyncGenerator<[place: string, content: Buffer]>;

/** What must be nowhere in clear: shares, tokens, secret ids, and whatever an age identity begins with. */
export async function secretsOf(lab: Lab): Promise<Needle[]> {
  const secrets = join(lab.directory, 'secrets');
  const secretIds = (await readdir(secrets)).filter((name) => name.endsWith('secret-id'));
  const named = [
    { name: 'root token', text: lab.rootToken },
    { name: 'age identity', text: 'AGE-SECRET-KEY-1' },
    ...(await Promise.all(
      secretIds.map(async (name) => ({ name, text: (await readFile(join(secrets, name), 'utf8')).trim() })),
    )),
  ];
  return [...shareNeedles(lab.unsealShares), ...named.map(({ name, text }) => ({ name, bytes: Buffer.from(text) }))];
}

/** @returns `secret: place` for each secret that lies somewhere. */
export async function findSecrets(needles: readonly Needle[], ...places: Places[]): Promise<string[]> {
  const found = new Set<string>();
  for (const some of places) {
    for await (const [place, content] of some) {
      for (const { name, bytes } of needles) if (content.includes(bytes)) found.add(`${name}: ${place}`);
    }
  }
  return [...found].toSorted();
}

/** Histories of all runs there have been, the attacker's among them, with what their payloads hold. */
export async function* inHistories(client: Client): Places {
  for await (const { workflowId, runId } of client.workflow.list()) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const parts: Uint8Array[] = [];
    const collect = (value: unknown): void => {
      if (typeof value === 'string') parts.push(Buffer.from(value));
      else if (value instanceof Uint8Array) parts.push(value);
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
    };
    collect(events);
    yield [`history of ${workflowId} ${runId}`, Buffer.concat(parts)];
  }
}

/** Files of the lab, Temporal's database among them; but for those where the lab itself and Vault keep secrets. */
export async function* inFiles(lab: Lab): Places {
  const kept = new RegExp(`^${lab.directory}/(secrets/|${STATE_FILE}$|[a-z0-9-]+/data[^/]*/)`);
  for (const directory of [lab.directory, memoryDirectoryOf(lab.id)]) {
    for (const file of await filesBelow(directory)) if (!kept.test(file)) yield [file, await contentOf(file)];
  }
}

/** What is left right among the temporary files, by whomever. */
export async function* inTemporaryFiles(): Places {
  for (const entry of await readdir(tmpdir(), { withFileTypes: true })) {
    const file = join(tmpdir(), entry.name);
    if (entry.isFile()) yield [file, await contentOf(file)];
  }
}

/** What `ps` shows, and the environment, of every process of the lab. */
export async function* inProcesses(lab: Lab): Places {
  for (const pid of await processesOf(lab.id)) {
    for (const what of ['cmdline', 'environ']) {
      const file = `/proc/${pid}/${what}`;
      yield [file, await contentOf(file)];
    }
  }
}

/** Servers still run, so a file may be gone by now. */
function contentOf(file: string): Promise<Buffer> {
  return readFile(file).catch(() => Buffer.alloc(0));
}
