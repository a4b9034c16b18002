import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@temporalio/worker';
import { bundleWorkflows } from '../../src/temporal/bundle-workflows';

const ROOT = join(__dirname, '..', '..');
/** All that a bundle can hold: the fences let workflows import nothing else. */
const SOURCES = ['workflows', 'src', 'package-lock.json'];
const CACHE = join(ROOT, 'node_modules', '.cache', 'vault-dr');
const KEPT_MS = 24 * 3_600_000;

/** The workflows as they are now; bundled by the first file that asks, as that takes seconds. */
export async function workflowBundle(logger: Logger): Promise<{ code: string }> {
  const file = join(CACHE, `workflows-${await hashOfSources()}.js`);
  const kept = await readFile(file, 'utf8').catch(() => null);
  if (kept !== null) return { code: kept };
  const bundle = await bundleWorkflows(logger);
  await keep(file, bundle.code);
  return bundle;
}

/** Two files may do this at once: each writes a file of its own, and both have the same contents. */
async function keep(file: string, code: string): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  for (const name of await readdir(CACHE)) {
    const old = join(CACHE, name);
    const { mtimeMs } = await stat(old).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > KEPT_MS) await rm(old, { force: true });
  }
  const own = `${file}.${process.pid}`;
  await writeFile(own, code);
  await rename(own, file);
}

async function hashOfSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    const path = join(ROOT, source);
    const isFile = (await stat(path)).isFile();
    const names = isFile ? [''] : (await readdir(path, { recursive: true })).filter((name) => name.endsWith('.ts'));
    for (const name of names.toSorted()) {
      hash.update(`${source}/${name}\0`).update(await readFile(join(path, name)));
    }
  }
  return hash.digest('hex').slice(0, 32);
}
