import { formatCount, formatNumber } from '../format';
import type { Manifest } from '../generation';
import { type Content, methodOf } from '../method';

interface Told {
  content?: Content | undefined;
  raft: Pick<Manifest['raft'], 'index'>;
}

/** By which method a backup was made, and of which node, for a table. */
export function methodText({ content }: { content?: Content | undefined }): string {
  return content?.method === 'filesystem' ? `filesystem, ${content.node}` : methodOf({ content });
}

/** What the archive of a backup is and how current; null for a Raft snapshot. */
export function describeContent({ content, raft }: Told): string | null {
  if (content === undefined) return null;
  if (content.method === 'consul') {
    const how = content.consistency === null ? '' : ` (${content.consistency})`;
    return `snapshot of Consul${how} at its index ${formatNumber(raft.index)}, with Vault's keys below ${content.path}`;
  }
  if (content.storage === 'file') return `copy of the files of ${content.node}, stopped for it`;
  return `copy of the data of ${content.node}, stopped for it at raft index ${formatNumber(raft.index)}, ${lagText(content.lag)}`;
}

function lagText(lag: number | null): string {
  if (lag === null) return 'how far behind the leader is unknown';
  return lag === 0 ? 'not behind the leader' : `${formatCount(lag, 'log entry', 'log entries')} behind the leader`;
}
