import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type NamedKey, publicKeysOf } from '../../config/public-keys';
import type { Config } from '../../config/schema';
import { DrError } from '../../contract/failures';
import { agentFingerprint, isAgentPublicKey } from '../../crypto/agent-key';
import { VERSION } from '../../version';
import type { HolderPageData, PageKey } from '../holder-data';
import { holderPage, type PageAssets } from '../holder-page';

/** Bundled at build time, beside the compiled program. */
const ASSETS = join(__dirname, '..', '..', '..', 'holder-page.js');

/** Null without an agent, because nothing could be verified. @throws DrError InvalidConfiguration for a key that is none */
export function holderPageSha256(config: Config, cluster: string): string | null {
  if (publicKeysOf(config, cluster).nodes.length === 0) return null;
  return madeOf(holderPageData(config, cluster)).sha256;
}

export function madeOf(data: HolderPageData): { page: string; sha256: string } {
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
