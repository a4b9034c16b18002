// What test files need before they can run: the compiled product, and servers, which may have to be built for minutes.
import { readFileSync } from 'node:fs';

/** @param files absolute paths */
export function needsOf(files, root) {
  const includes = (folder) => files.some((file) => file.startsWith(`${root}/${folder}/`));
  if (includes('test/e2e') || includes('test/attacks'))
    return { compiled: true, servers: ['vault', 'temporal', 'weed'] };
  return {
    // The others run from the sources, but for those that start a part of the compiled product.
    compiled: files.some((file) => readFileSync(file, 'utf8').includes('compiled(')),
    servers: includes('test/workflow') ? ['temporal'] : [],
  };
}
