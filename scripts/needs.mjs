// What test files need before they can run: the compiled product, and servers, which may have to be built for minutes.
import { readFileSync } from 'node:fs';

/** @param files absolute paths */
export function needsOf(files, root) {
  const includes = (folder) => files.some((file) => file.startsWith(`${root}/${folder}/`));
  const mention = (word) => files.some((file) => readFileSync(file, 'utf8').includes(word));
  if (['test/e2e', 'test/long', 'test/attacks'].some(includes)) {
    const consul = mention("'consul-storage'") ? ['consul'] : [];
    const full = consul.length > 0 || mention("'file-storage'") || mention("'every-engine'") ? ['vault-full'] : [];
    return { compiled: true, servers: ['vault', 'temporal', 'weed', ...consul, ...full] };
  }
  return {
    // The others run from the sources, but for those that start a part of the compiled product.
    compiled: mention('compiled('),
    servers: includes('test/workflow') ? ['temporal'] : [],
  };
}
