// Compiles the product, and nothing but the product, so that the bytes depend on the sources alone.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../scripts/sources.mjs';

const run = promisify(execFile);
const SOURCE_MAP = /\n\/\/# sourceMappingURL=data:application\/json;charset=utf-8;base64,([A-Za-z0-9+/=]+)\s*$/;
/** Where traces say that a workflow is. */
const PLACE = 'vault-dr';

/** @returns the directory with the compiled program; within the project, because packages are looked for from there */
export async function compile() {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const out = mkdtempSync(join(ROOT, 'build/compile-'));
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'packaging/tsconfig.json', '--outDir', out], {
    cwd: ROOT,
  });
  // The bundler names modules by their path from here.
  await run(process.execPath, ['src/temporal/build-bundle.js'], { cwd: out, maxBuffer: 1 << 26 });
  await run(process.execPath, ['scripts/build-pages.mjs', out], { cwd: ROOT });
  const bundle = join(out, 'workflow-bundle.js');
  writeFileSync(bundle, withoutPlace(readFileSync(bundle, 'utf8'), out, realpathSync(join(ROOT, 'node_modules'))));
  return out;
}

/** The same bytes wherever it was made: no path of this machine, and of the sources only where each line is from. */
export function withoutPlace(bundle, out, packages) {
  const [whole, encoded] = SOURCE_MAP.exec(bundle) ?? [];
  if (encoded === undefined) throw new Error('The bundle of the workflows has no source map, which the SDK reads.');
  const { sourcesContent: _, ...map } = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
  const sources = map.sources.map((path) =>
    path.replace(`${packages}/`, `${PLACE}/node_modules/`).replace(`${out}/`, `${PLACE}/`),
  );
  const code = bundle
    .slice(0, -whole.length)
    .replaceAll(`${relative(out, packages)}/`, './node_modules/')
    .replaceAll(identifier(relative(out, packages)), identifier('./node_modules'));
  for (const path of [out, packages, ROOT]) {
    if (code.includes(path) || sources.some((item) => item.includes(path)))
      throw new Error(`The bundle of the workflows names ${path}, a path of this machine.`);
  }
  const encodedAgain = Buffer.from(JSON.stringify({ ...map, sources, file: 'workflow-bundle.js' })).toString('base64');
  return `${code}\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,${encodedAgain}\n`;
}

/** As the bundler writes a path in the name of a variable. */
function identifier(path) {
  return path.replaceAll(/[^a-zA-Z0-9]/g, '_');
}
