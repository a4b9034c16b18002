import { formatSeconds } from '../contract/format';
import type { Manifest } from '../contract/generation';
import type { NodePlan, RecoverySettings, RestorePlan } from '../contract/plan';
import { productName } from '../contract/product';
import type { NodeVersion } from './versions';

type Server = Pick<NodeVersion, 'product' | 'version'>;
type Wish = Pick<RecoverySettings, 'leaseGraceMinutes'>;

export interface PlannedGrace {
  grace: Pick<RestorePlan, 'leaseGraceMinutes'>;
  warnings: string[];
}

/**
 * Whether leases get a later end, if that is configured. It takes the shares in recovery mode, before the node is unsealed, and
 * the node must be one of the backup's: any other counts as removed from its cluster afterwards (measured, Vault 1.21.1).
 */
export function planLeaseGrace(
  { leaseGraceMinutes }: Wish,
  { content, seal, raft, leases }: Pick<Manifest, 'content' | 'seal' | 'raft' | 'leases'>,
  first: Pick<NodePlan, 'name' | 'nodeId'>,
  { inPlace, server }: { inPlace: boolean; server: Server },
): PlannedGrace {
  if (leaseGraceMinutes === undefined || leases?.total === 0) return { grace: {}, warnings: [] };
  const obstacle = inPlace
    ? 'in place no node is restarted'
    : content !== undefined
      ? `it needs a Raft snapshot, and this backup was made by the method ${content.method}`
      : seal.type !== 'shamir'
        ? `with the seal ${seal.type} the node unseals by itself, and nobody brings shares`
        : raft.peers.some(({ id }) => id === first.nodeId)
          ? tooOld(server)
          : `${first.name} has the node id ${first.nodeId}, which is none of those in the backup (${raft.peers.map(({ id }) => id).join(', ')})`;
  if (obstacle !== null) {
    return {
      grace: {},
      warnings: [`leases get no later end (restore.leaseGraceMinutes), because ${obstacle}: what has ended is revoked`],
    };
  }
  const untested = isTested(server)
    ? []
    : [
        `that leases get a later end (restore.leaseGraceMinutes) was not tested with ${productName(server.product)} ${server.version ?? 'of an unknown version'}: if it fails, the run waits for an operator`,
      ];
  return { grace: { leaseGraceMinutes }, warnings: untested };
}

/** Before 1.10 recovery mode gives storage as text, which loses what is compressed. */
function tooOld({ product, version }: Server): string | null {
  const [, minor] = /^v?1\.(\d+)\./.exec(version ?? '') ?? [];
  if (product === 'openbao' || minor === undefined || Number(minor) >= 10) return null;
  return `Vault ${version} gives its storage in a way that can't be written back (1.10 and later can)`;
}

function isTested({ product, version }: Server): boolean {
  return product !== 'openbao' && /^v?1\.21\./.test(version ?? '');
}

export function formatMinutes(minutes: number): string {
  return formatSeconds(minutes * 60);
}
