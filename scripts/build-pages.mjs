#!/usr/bin/env node
// Bundles what runs in browsers into files of a directory, which is `dist` but for packages.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import webpack from 'webpack';
import { ROOT } from './sources.mjs';

const BROWSER = join(ROOT, 'src/web/browser');
const PAGES = join(ROOT, 'src/web/pages');
const UNUSED = join(BROWSER, 'unused.ts');
/** What each file is made of. All of it is one script and one stylesheet. */
const BUNDLES = {
  // One HTML file, for key holders without a network.
  'holder-page.js': {
    isServed: false,
    entry: join(BROWSER, 'main.ts'),
    styles: [join(PAGES, 'base.css'), join(PAGES, 'form.css'), join(BROWSER, 'holder-page.css')],
  },
  // Pages that are served.
  'web-pages.js': {
    isServed: true,
    entry: join(BROWSER, 'app.tsx'),
    styles: [join(PAGES, 'base.css'), join(PAGES, 'form.css'), join(PAGES, 'pages.css')],
  },
};
const output = resolve(process.argv[2] ?? join(ROOT, 'dist'));
const require = createRequire(import.meta.url);

for (const [file, { entry, styles, isServed }] of Object.entries(BUNDLES)) {
  const { script, packages } = await bundle(entry);
  const style = styles.map((path) => readFileSync(path, 'utf8')).join('');
  const licences = packages.map(licenceOf).join('\n\n');
  const assets = isServed
    ? { script: served(script, 'js', 'text/javascript'), style: served(style, 'css', 'text/css'), licences }
    : { script, style, licences };
  writeFileSync(join(output, file), `module.exports = ${JSON.stringify(assets)};\n`);
}

/** Under a name that changes with the content, and with what a browser compares it with. */
function served(text, ending, type) {
  const hash = createHash('sha384').update(text).digest();
  return {
    name: `pages.${hash.subarray(0, 12).toString('hex')}.${ending}`,
    type: `${type}; charset=utf-8`,
    text,
    integrity: `sha384-${hash.toString('base64')}`,
  };
}

/** @returns one script, and the directories of the packages in it */
async function bundle(entry) {
  const compiler = webpack({
    mode: 'production',
    target: ['web', 'es2022'],
    context: ROOT,
    entry,
    output: { path: '/', filename: 'page.js' },
    resolve: {
      extensions: ['.tsx', '.ts', '.js', '.mjs'],
      // Of recipients that no agent has, and of passphrases: more than half of the script. Pages refuse such a list before.
      alias: {
        '@noble/post-quantum/hybrid.js': UNUSED,
        '@noble/curves/nist.js': UNUSED,
        '@noble/hashes/scrypt.js': UNUSED,
      },
    },
    module: {
      parser: { javascript: { dynamicImportMode: 'eager' } },
      rules: [
        {
          test: /\.tsx?$/,
          loader: require.resolve('swc-loader'),
          options: {
            jsc: {
              target: 'es2022',
              parser: { syntax: 'typescript', tsx: true },
              // Shorter than what the compiler makes of it.
              transform: { react: { runtime: 'classic', pragma: 'h', pragmaFrag: 'Fragment' } },
            },
            module: { type: 'es6' },
          },
        },
      ],
    },
    plugins: [new webpack.ProvidePlugin({ h: ['preact', 'h'], Fragment: ['preact', 'Fragment'] })],
    // Names of modules would tell where the packages are on this machine.
    optimization: { moduleIds: 'natural', chunkIds: 'natural' },
    performance: false,
    devtool: false,
  });
  let code = '';
  // It also writes what the licences are, which are collected below.
  compiler.outputFileSystem = {
    ...require('node:fs'),
    mkdir: (path, options, done) => (done ?? options)(null),
    writeFile: (path, content, done) => {
      if (path.endsWith('/page.js')) code = content.toString().replace(/^\/\*![^*]*\*\/\n?/, '');
      done(null);
    },
  };
  const stats = await new Promise((done, failed) => {
    compiler.run((error, result) => (error ? failed(error) : done(result)));
  });
  if (stats.hasErrors() || stats.hasWarnings())
    throw new Error(stats.toString({ all: false, errors: true, warnings: true }));
  const modules = [...stats.compilation.modules].flatMap((module) => [module, ...(module.modules ?? [])]);
  return { script: code, packages: packagesOf(modules.flatMap(({ resource }) => resource ?? [])) };
}

function packagesOf(files) {
  const directories = files.flatMap((file) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return [...new Set(directories)].toSorted();
}

function licenceOf(directory) {
  const { name, version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const file = ['LICENSE', 'LICENSE.md'].map((one) => join(directory, one)).find((one) => existsSync(one));
  if (file === undefined) throw new Error(`${name} has no licence.`);
  return `${name} ${version}\n\n${readFileSync(file, 'utf8').trim()}`;
}
