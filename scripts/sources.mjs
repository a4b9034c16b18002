// The project's TypeScript as modules, for scripts that run before anything is compiled. Needs the packages to be there.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** @param path from the root, such as `src/version.ts` */
export function source(path) {
  const require = createRequire(import.meta.url);
  require(join(ROOT, 'test/support/typescript-hook.js'));
  return require(join(ROOT, path));
}
