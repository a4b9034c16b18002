import type { LeaseCount, Manifest } from '../contract/generation';
import type { RecoverySettings } from '../contract/plan';
import type { Finding } from './findings';

/** What is seen of the cluster that the backup is of, where the backup goes into another one. */
export interface SourceView {
  /** Nodes that answer, sealed or not. */
  answering: readonly string[];
}

type Contents = Pick<Manifest, 'leases' | 'reach' | 'imported' | 'raft' | 'serverVersion'>;

const MOST_MOUNTS = 8;

/**
 * A restored Vault is live: it revokes what has expired by the clock of the snapshot, and changes passwords that are overdue, in
 * the real systems. Beside a cluster that lives, these are the credentials that its applications use.
 */
export function liveCredentialFindings(
  { settings, manifest, source, drill }: Beside,
  contents = reachOutside(manifest),
): Finding[] {
  if (contents === null) return [];
  const { cluster, source: of } = settings;
  if (cluster === of) return isOfOthers(settings, manifest) ? [ofOthers(cluster, manifest, contents)] : [];
  const lives = (source?.answering.length ?? 0) > 0;
  // A rehearsal replaces nothing: its source goes on, though it may not answer from here.
  if (!lives && !drill) return [];
  const why = lives ? `${of} is alive` : `a drill replaces nothing, so ${of} goes on`;
  return [{ text: `${why}, and ${consequence(cluster, contents)}`, accept: 'live-credentials' }];
}

/** What can't be known from here: a source that doesn't answer may live all the same. */
export function liveCredentialWarnings({ settings, manifest, source, drill }: Beside): string[] {
  const { cluster, source: of } = settings;
  if (cluster === of || drill || source === null || source.answering.length > 0) return [];
  const contents = reachOutside(manifest);
  if (contents === null) return [];
  return [
    `no node of ${of} answers from here, so it counts as lost: see to it that it stays off. If it lives, ${consequence(cluster, contents)}`,
  ];
}

interface Beside {
  settings: RecoverySettings;
  manifest: Contents;
  /** Null when nobody was asked. */
  source: SourceView | null;
  drill: boolean;
}

function consequence(cluster: string, contents: string): string {
  return (
    `the backup holds what a second Vault acts upon: ${contents}. As soon as ${cluster} is unsealed it revokes leases that have expired by ` +
    "the backup's clock, those renewed since as well, and changes overdue passwords, in the real systems. " +
    `Cut the hosts of ${cluster} off from these systems first`
  );
}

/** Whether an imported snapshot has no peer in common with the cluster that it was imported for. */
function isOfOthers({ nodes }: RecoverySettings, { imported, raft }: Contents): boolean {
  if (imported === undefined) return false;
  const known = new Set(nodes.map(({ clusterAddress }) => clusterAddress));
  return !raft.peers.some(({ address }) => known.has(address));
}

function ofOthers(cluster: string, { raft }: Contents, contents: string): Finding {
  const peers = raft.peers.map(({ id, address }) => `${id} (${address})`).join(', ');
  return {
    text: `no node of ${cluster} has the address of a peer of the imported snapshot (${peers}). Is it of a cluster that lives? ${capitalised(consequence(cluster, contents))}`,
    accept: 'live-credentials',
  };
}

/** In words; null where nothing in it reaches beyond the Vault itself. */
function reachOutside({ leases, reach, serverVersion }: Omit<Contents, 'imported' | 'raft'>): string | null {
  const found = [
    ...leaseText(leases),
    ...(reach === undefined
      ? ['static roles, audit devices and plugins: not known, an earlier version made this backup']
      : [
          ...counted(reach.staticRoles, 'static role'),
          ...counted(reach.unfinished, 'unfinished request', ' of secrets engines'),
          ...counted(reach.auditDevices, 'audit device'),
          ...(reach.plugins.length === 0 ? [] : [`external plugins: ${reach.plugins.join(', ')}`]),
        ]),
    // It has no keys in the open source that could be looked for.
    ...(serverVersion?.includes('+ent') ? ['rotations and secrets sync of Vault Enterprise: not known'] : []),
  ];
  return found.length === 0 ? null : found.join('; ');
}

function leaseText(leases: LeaseCount | null): string[] {
  if (leases === null) return ['leases: not known'];
  // Those of tokens end with the token, inside; what the token was given is counted by its own mount.
  const mounts = Object.entries(leases.byMount)
    .filter(([mount]) => !/^(namespaces\/[^/]+\/)?auth\//.test(mount))
    .toSorted(([, left], [, right]) => right - left);
  if (mounts.length === 0) return [];
  const shown = mounts.slice(0, MOST_MOUNTS).map(([mount, count]) => `${mount} ${count}`);
  const more = mounts.length > MOST_MOUNTS ? [`${mounts.length - MOST_MOUNTS} more mounts`] : [];
  return [`leases (${[...shown, ...more].join(', ')})`];
}

function counted(count: number, what: string, after = ''): string[] {
  if (count === 0) return [];
  return [`${count} ${what}${count === 1 ? '' : 's'}${after}`];
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
