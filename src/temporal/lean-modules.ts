import { createRequire, Module } from 'node:module';
import { dirname, join } from 'node:path';

/** Messages of zod in fifty languages: half of its modules. English is loaded by itself. */
export function leaveOutLanguages(): void {
  leaveOut(() => join(dirname(require.resolve('zod')), 'v4', 'locales', 'index.cjs'));
}

/** What bundles workflows, which was done: the worker loads eighty modules of it before it asks whether it is needed. */
export function leaveOutBundler(): void {
  for (const name of ['webpack', 'memfs', 'unionfs']) {
    leaveOut(() => createRequire(require.resolve('@temporalio/worker')).resolve(name));
  }
}

/** In its place an empty module. Where its package is laid out in another way, nothing happens and all of it is loaded. */
function leaveOut(locate: () => string): void {
  let file: string;
  try {
    file = require.resolve(locate());
  } catch {
    return;
  }
  const empty = new Module(file);
  empty.filename = file;
  empty.loaded = true;
  require.cache[file] ??= empty;
}
