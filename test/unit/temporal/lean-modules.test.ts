import { startScript } from '../../support/script';

/** A process of its own: what it has loaded stays loaded. */
async function inProcess<T>(code: string): Promise<T> {
  const script = startScript(`
    const lean = load('temporal/lean-modules');
    const loaded = (pattern) => Object.keys(require.cache).filter((file) => pattern.test(file)).length;
    console.log(JSON.stringify(await (async () => { ${code} })()));
  `);
  try {
    return JSON.parse(await script.line()) as T;
  } finally {
    await script.kill();
  }
}

test('zod works without its languages, and explains in English', async () => {
  const result = await inProcess(`
    lean.leaveOutLanguages();
    const { z } = require('zod');
    const { error } = z.strictObject({ name: z.string() }).safeParse({ name: 1 });
    return { said: error.issues[0].message, languages: loaded(/zod\\/v4\\/locales\\/(?!index|en\\.)/) };
  `);

  expect(result).toEqual({ said: 'Invalid input: expected string, received number', languages: 0 });
});

test('a worker loads nothing of what bundles workflows', async () => {
  const result = await inProcess(`
    lean.leaveOutBundler();
    const { Worker, NativeConnection } = require('@temporalio/worker');
    return {
      usable: [typeof Worker.create, typeof NativeConnection.connect],
      bundler: loaded(/node_modules\\/(webpack|memfs|unionfs|@jsonjoy[^/]*)\\/.*\\/(?!index)/),
    };
  `);

  expect(result).toEqual({ usable: ['function', 'function'], bundler: 0 });
});

test('where a package is laid out in another way, all of it is loaded', async () => {
  const result = await inProcess(`
    const { Module } = require('node:module');
    const resolve = Module._resolveFilename;
    Module._resolveFilename = function (name, ...rest) {
      if (/locales/.test(name) && name.startsWith('/')) throw new Error('not there');
      return resolve.call(this, name, ...rest);
    };
    lean.leaveOutLanguages();
    return { zod: typeof require('zod').z.string, all: loaded(/zod\\/v4\\/locales\\//) > 40 };
  `);

  expect(result).toEqual({ zod: 'function', all: true });
});
