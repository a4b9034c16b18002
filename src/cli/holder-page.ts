import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../config/load';
import { type NamedKey, publicKeysOf } from '../config/public-keys';
import type { Config } from '../config/schema';
import { DrError } from '../contract/failures';
import { clusterInput, parseInput } from '../contract/input';
import { agentFingerprint, isAgentPublicKey } from '../crypto/agent-key';
import type { HolderPageData, PageKey } from '../web/holder-data';
import { holderPage, type PageAssets } from '../web/holder-page';
import { VERSION } from '../version';
import { note, print, printJson } from './output';

interface Options {
  cluster: string;
  config: string;
  output: string;
  json?: boolean;
}

/** Bundled at build time, beside the compiled program. */
const ASSETS = join(__dirname, '..', '..', 'holder-page.js');

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

/** Null without an agent, because nothing could be verified. @throws DrError InvalidConfiguration for a key that is none */
export function holderPageSha256(config: Config, cluster: string): string | null {
  if (publicKeysOf(config, cluster).nodes.length === 0) return null;
  return madeOf(holderPageData(config, cluster)).sha256;
}

function madeOf(data: HolderPageData): { page: string; sha256: string } {
  const page = holderPage(data, require(ASSETS) as PageAssets);
  return { page, sha256: createHash('sha256').update(page).digest('hex') };
}

/** @throws DrError InvalidConfiguration if no node of the cluster has a key */
export function holderPageData(config: Config, cluster: string): HolderPageData {
  const { nodes, sandboxHosts } = publicKeysOf(config, cluster);
  const data = { version: VERSION, cluster, nodes: nodes.map(pageKey), sandboxHosts: sandboxHosts.map(pageKey) };
  if (data.nodes.length > 0) return data;
  throw new DrError(
    'InvalidConfiguration',
    `No node of ${cluster} has an agentPublicKey, so nothing could be verified.`,
    {
      advice: 'Set it by `vault-dr enrol`, or by `vault-dr agent-key` on each node.',
    },
  );
}

function pageKey({ name, publicKey }: NamedKey): PageKey {
  if (isAgentPublicKey(publicKey)) return { name, publicKey, fingerprint: agentFingerprint(publicKey) };
  throw new DrError('InvalidConfiguration', `The key of ${name} is not one that an agent prints.`, {
    advice: 'Compare it with `vault-dr agent-key` on that host, for a sandbox host with `vault-dr sandbox-key`.',
  });
}
