import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DrError } from '../contract/failures';

/** Directory of the project's package.json, whether this runs from the sources or compiled from `dist`. */
export const PROJECT_ROOT = findRoot(__dirname);

/**
 * A compiled file of the project.
 * @throws DrError InvalidConfiguration when the project has not been compiled.
 */
export function compiled(file: string): string {
  const path = join(PROJECT_ROOT, 'dist', file);
  if (existsSync(path)) return path;
  throw new DrError('InvalidConfiguration', `${path} does not exist: the lab runs the compiled product.`, {
    advice: 'Run `npm run build` first.',
  });
}

function findRoot(directory: string): string {
  if (existsSync(join(directory, 'package.json'))) return directory;
  return findRoot(dirname(directory));
}
