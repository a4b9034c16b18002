#!/usr/bin/env node
// Bundles what runs in a browser into `holder-page.js` of a directory, which is `dist` but for packages.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import webpack from 'webpack';
import { ROOT } from './sources.mjs';

const PAGE = join(ROOT, 'src/web/browser');
const UNUSED = join(PAGE, 'unused-curves.ts');
const output = resolve(process.argv[2] ?? join(ROOT, 'dist'));
const require = createRequire(import.meta.url);

const { script, packages } = await bundle();
const assets = {
  script,
  style: readFileSync(join(PAGE, 'holder-page.css'), 'utf8'),
  licences: packages.map(licenceOf).join('\n\n'),
};
writeFileSync(join(output, 'holder-page.js'), `module.exports = ${JSON.stringify(assets)};\n`);

/** @returns one script, and the directories of the packages in it */
async function bundle() {
  const compiler = webpack({
    mode: 'production',
    target: ['web', 'es2022'],
    context: ROOT,
    entry: join(PAGE, 'main.ts'),
    output: { path: '/', filename: 'page.js' },
    resolve: {
      extensions: ['.ts', '.js'],
      // Of recipients that no agent has: more than half of the script. The page refuses such a list before.
      alias: { '@noble/post-quantum/hybrid.js': UNUSED, '@noble/curves/nist.js': UNUSED },
    },
    module: {
      parser: { javascript: { dynamicImportMode: 'eager' } },
      rules: [
        {
          test: /\.ts$/,
          loader: require.resolve('swc-loader'),
          options: { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
        },
      ],
    },
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
