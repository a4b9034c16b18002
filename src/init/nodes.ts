import { DrError } from '../contract/failures';
import { NAME_PATTERN } from '../contract/names';
import { printable } from '../contract/printable';
import type { HaMember, RaftServer } from '../vault/answers';

/** A node as the cluster describes it. Whatever it says is checked here before it is shown, written or connected to. */
export interface FoundNode {
  name: string;
  /** Its id in Raft, where that is not the name. Absent for one that Vault has generated: a blank node gets another. */
  nodeId?: string;
  /** API address; null if the cluster does not say it. */
  address: string | null;
  /** `host:port`. */
  clusterAddress: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CLUSTER_ADDRESS = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9]([a-z0-9._-]{0,252}))(:\d{1,5})$/i;
const LONGEST_NODE_ID = 128;

interface Member {
  nodeId: string | null;
  clusterAddress: string;
  status: HaMember | undefined;
}

/** Members of a Raft cluster, in the order of their names. @throws DrError VaultRefused for an answer that is not to be used. */
export function raftNodes(servers: readonly RaftServer[], statuses: readonly HaMember[]): FoundNode[] {
  return named(
    servers.map(({ nodeId, address }) => ({
      nodeId: usableId(nodeId),
      clusterAddress: usableAddress(address),
      status: statuses.find((status) => withoutScheme(status.clusterAddress) === address),
    })),
  );
}

/** The same where the storage has no members, so that only the nodes themselves say that they are there. */
export function otherNodes(statuses: readonly HaMember[]): FoundNode[] {
  return named(
    statuses.map((status) => ({
      nodeId: null,
      clusterAddress: usableAddress(withoutScheme(status.clusterAddress)),
      status,
    })),
  );
}

function named(members: readonly Member[]): FoundNode[] {
  const taken = new Set<string>();
  return (
    members
      // For names that do not depend on the order in which the cluster answers.
      .toSorted((left, right) => compare(left.clusterAddress, right.clusterAddress))
      .map(({ nodeId, clusterAddress, status }, index) => {
        const name = unusedName(nameFor(nodeId, status?.hostname ?? '', index), taken);
        return {
          name,
          ...(nodeId === null || nodeId === name || UUID.test(nodeId) ? {} : { nodeId }),
          address: originOf(status?.apiAddress ?? ''),
          clusterAddress,
        };
      })
      .toSorted((left, right) => compare(left.name, right.name))
  );
}

function nameFor(nodeId: string | null, hostname: string, index: number): string {
  const wished = nodeId === null || UUID.test(nodeId) ? (hostname.split('.')[0] ?? '') : nodeId;
  const name = wished
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 50);
  return NAME_PATTERN.test(name) ? name : `vault-${index + 1}`;
}

function unusedName(wished: string, taken: Set<string>): string {
  let name = wished;
  for (let count = 2; taken.has(name); count++) name = `${wished}-${count}`;
  taken.add(name);
  return name;
}

/** Null for anything but scheme, host and port: nothing else is a node's own address. */
function originOf(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const { origin, protocol } = new URL(address);
  return protocol === 'https:' || protocol === 'http:' ? origin : null;
}

function usableId(nodeId: string): string {
  if (nodeId !== '' && nodeId.length <= LONGEST_NODE_ID && printable(nodeId) === nodeId) return nodeId;
  throw unusable(`the node id '${nodeId}'`);
}

function usableAddress(address: string): string {
  if (CLUSTER_ADDRESS.test(address)) return address;
  throw unusable(`the cluster address '${address}'`);
}

function unusable(what: string): DrError {
  return new DrError(
    'VaultRefused',
    `The cluster answered with ${printable(what.slice(0, 200))}, which can't be used.`,
    {
      advice: 'Find out what answers at that address. Nothing was written.',
    },
  );
}

function withoutScheme(address: string): string {
  return address.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

function compare(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true });
}
