import { formatCount, formatNumber } from '../contract/format';
import type { LeaseCount, Manifest } from '../contract/generation';
import type { RecoverySettings } from '../contract/plan';
import { acceptable, type Finding } from './findings';

/** The cluster of the backup, if the backup is restored into another one. */
export interface SourceView {
  /** Nodes that answer, sealed or not. */
  answering: readonly string[];
}

type Contents = Pick<Manifest, 'leases' | 'reach' | 'imported' | 'raft' | 'serverVersion'>;

const MOST_MOUNTS = 8;

/**
 * A restored Vault is live: it revokes leases that have expired since the snapshot, and rotates overdue passwords in
 * other systems. Next to a running cluster, these are the credentials that its applications use.
 */
export function liveCredentialFindings(
  { settings, manifest, source, drill }: Beside,
  contents = reachOutside(manifest),
): Finding[] {
  if (contents === null) return [];
  const { cluster, source: of } = settings;
  if (cluster === of) return isOfOthers(settings, manifest) ? [ofOthers(cluster, manifest, contents)] : [];
  const lives = (source?.answering.length ?? 0) > 0;
  // A rehearsal replaces nothing: its source keeps running, though it may be unreachable from here.
  if (!lives && !drill) return [];
  const why = lives ? `${of} is running` : `a drill replaces nothing, so ${of} continues to run`;
  return [acceptable('live-credentials', `${why}, and ${consequence(cluster, contents)}`)];
}

/** A source that does not answer may still be running. */
export function liveCredentialWarnings({ settings, manifest, source, drill }: Beside): string[] {
  const { cluster, source: of } = settings;
  if (cluster === of || drill || source === null || source.answering.length > 0) return [];
  const contents = reachOutside(manifest);
  if (contents === null) return [];
  return [
    `no node of ${of} answers from here, so it counts as lost: make sure that it stays off. If it is running, ${consequence(cluster, contents)}`,
  ];
}

interface Beside {
  settings: RecoverySettings;
  manifest: Contents;
  /** Null if nobody was asked. */
  source: SourceView | null;
  drill: boolean;
}

function consequence(cluster: string, contents: string): string {
  return (
    `the backup holds credentials and devices of other systems: ${contents}. As soon as ${cluster} is unsealed, it revokes leases that ` +
    'have expired since the backup (even if they were renewed since) and rotates overdue passwords in those systems. ' +
    `Cut the hosts of ${cluster} off from those systems first`
  );
}

/** Whether an imported snapshot has no peer in common with the cluster it was imported for. */
function isOfOthers({ nodes }: RecoverySettings, { imported, raft }: Contents): boolean {
  if (imported === undefined) return false;
  const known = new Set(nodes.map(({ clusterAddress }) => clusterAddress));
  return !raft.peers.some(({ address }) => known.has(address));
}

function ofOthers(cluster: string, { raft }: Contents, contents: string): Finding {
  const peers = raft.peers.map(({ id, address }) => `${id} (${address})`).join(', ');
  return acceptable(
    'live-credentials',
    `no node of ${cluster} has the address of a peer of the imported snapshot (${peers}): it may be from another cluster that is still running. ${capitalised(consequence(cluster, contents))}`,
  );
}

/** In words; null if it contains nothing that acts outside Vault. */
function reachOutside({ leases, reach, serverVersion }: Omit<Contents, 'imported' | 'raft'>): string | null {
  const found = [
    ...leaseText(leases),
    ...(reach === undefined
      ? ['static roles, audit devices and plugins: unknown, an earlier version made this backup']
      : [
          ...counted(reach.staticRoles, 'static role'),
          ...counted(reach.unfinished, 'unfinished request', ' of secrets engines'),
          ...counted(reach.auditDevices, 'audit device'),
          ...(reach.plugins.length === 0 ? [] : [`external plugins: ${reach.plugins.join(', ')}`]),
        ]),
    // The open-source editions have no such keys to look for.
    ...(serverVersion?.includes('+ent') ? ['rotations and secrets sync of Vault Enterprise: unknown'] : []),
  ];
  return found.length === 0 ? null : found.join('; ');
}

function leaseText(leases: LeaseCount | null): string[] {
  if (leases === null) return ['leases: unknown'];
  // A token's leases end with the token; what it obtained is counted under its own mount.
  const mounts = Object.entries(leases.byMount)
    .filter(([mount]) => !/^(namespaces\/[^/]+\/)?auth\//.test(mount))
    .toSorted(([, left], [, right]) => right - left);
  if (mounts.length === 0) return [];
  const shown = mounts.slice(0, MOST_MOUNTS).map(([mount, count]) => `${mount} ${formatNumber(count)}`);
  const more = mounts.length > MOST_MOUNTS ? [`${mounts.length - MOST_MOUNTS} more mounts`] : [];
  return [`leases (${[...shown, ...more].join(', ')})`];
}

function counted(count: number, what: string, after = ''): string[] {
  if (count === 0) return [];
  return [`${formatCount(count, what)}${after}`];
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
