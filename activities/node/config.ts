import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { CollectedConfig } from '../../src/contract/backup';
import { formatBytes } from '../../src/contract/format';
import { encryptionOf, encryptStream, SUFFIX } from '../../src/crypto/encryption';
import { signBundle } from '../../src/crypto/agent-key';
import { ensureAgentKey } from '../../src/host/run/agent-key-file';
import { collectFiles, largest, packEntries } from '../../src/host/config/config-files';
import { leftOutFiles } from '../../src/host/config/server-facts';
import { digestOf } from '../../src/repository/digest';
import type { NodeHost } from './context';
import { readServer } from '../../src/host/service/read-server';

/** It passes through Temporal, which accepts results up to two megabytes and stores all of them. */
const MAX_BUNDLE_BYTES = 512 * 1024;

/**
 * Collects the node's configuration files, encrypted for the recipients in this host's own configuration: callers must
 * not be able to choose who can read them.
 */
export async function collectConfig(host: NodeHost): Promise<CollectedConfig> {
  const { node, cluster, clusterName } = host.deps;
  const encryption = encryptionOf(cluster.backup.encryption);
  if (encryption.method === 'none') {
    return { bundle: null, problems: ['collected only if backups are encrypted (backup.encryption)'] };
  }
  const { entries, problems: unread } = await collectFiles(node.configFiles);
  const { server, start } = await readServer(host);
  const problems = [...unread, ...(server ? await leftOutFiles(server, start, node) : [])];
  if (entries.length === 0) return { bundle: null, problems };
  const archive = await packEntries(entries);
  const content = await buffer(await encryptStream(Readable.from([archive]), encryption));
  if (content.length > MAX_BUNDLE_BYTES) {
    const files = entries.map((entry) => ({ path: entry.path, size: entry.content.length }));
    const much = `they take ${formatBytes(content.length)}, more than ${formatBytes(MAX_BUNDLE_BYTES)}`;
    return { bundle: null, problems: [...problems, `${much}; ${largest(files)}`] };
  }
  const file = `config-${node.name}.tar.gz${SUFFIX[encryption.method]}`;
  const bundle = { node: node.name, file, ...digestOf(content) };
  const signature = signBundle(await ensureAgentKey(node.stateDir), clusterName, bundle);
  return { bundle: { ...bundle, signature, content: content.toString('base64') }, problems };
}
