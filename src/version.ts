import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Version of this product, from its package.json. */
export const VERSION: string = readVersion(__dirname);

function readVersion(directory: string): string {
  try {
    return (JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version: string }).version;
  } catch (error) {
    if (directory === dirname(directory)) throw error;
    return readVersion(dirname(directory));
  }
}
