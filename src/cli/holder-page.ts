import { writeFile } from 'node:fs/promises';
import { loadConfig } from '../config/load';
import { DrError } from '../contract/failures';
import { clusterInput, parseInput } from '../contract/input';
import type { PageKey } from '../web/holder-data';
import { holderPageData, madeOf } from '../web/server/holder-file';
import { note, print, printJson } from './output';

interface Options {
  cluster: string;
  config: string;
  output: string;
  json?: boolean;
}

export async function runHolderPage(options: Options): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr holder-page --cluster prod');
  const data = holderPageData(await loadConfig(options.config), cluster);
  const { page, sha256 } = madeOf(data);
  await writeFile(options.output, page).catch((error) => {
    throw unwritable(options.output, error);
  });
  const { nodes, sandboxHosts } = data;
  const shown = ({ name, fingerprint }: PageKey) => ({ name, fingerprint });
  if (options.json) {
    const keys = { nodes: nodes.map(shown), sandboxHosts: sandboxHosts.map(shown) };
    return printJson('holder-page', { cluster, file: options.output, sha256, ...keys });
  }
  print(`${sha256}  ${options.output}`);
  for (const { name, fingerprint } of [...nodes, ...sandboxHosts]) print(`  ${name}  ${fingerprint}`);
  note('Give each key holder the file, and the checksum by another way. Make it again when a key of an agent changes.');
}

function unwritable(file: string, cause: unknown): DrError {
  const { code = 'failed' } = cause as NodeJS.ErrnoException;
  return new DrError('InvalidInput', `${file} can't be written (${code}).`, {
    where: file,
    advice: 'Give a file in a directory that you may write to.',
    cause,
  });
}
