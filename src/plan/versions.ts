import type { Finding } from './findings';

/** Vault supports upgrades over two minor versions; beyond that they go in stages. */
const LARGEST_GAP = 2;

/** Why a server should not be given a snapshot of another version; null when it may. Suffixes such as `+ent` don't count. */
export function versionProblem(server: string, snapshot: string): string | null {
  const [left, right] = [numbersOf(server), numbersOf(snapshot)];
  if (compare(left, right) < 0) return `runs Vault ${server}, older than the snapshot's ${snapshot}`;
  const [major = 0, minor = 0] = left;
  const [otherMajor = 0, otherMinor = 0] = right;
  if (major === otherMajor && minor - otherMinor <= LARGEST_GAP) return null;
  return `runs Vault ${server}, much newer than the snapshot's ${snapshot}: restore with a version near it, then upgrade in stages`;
}

export interface NodeVersion {
  node: string;
  /** Null when it is not known. */
  version: string | null;
}

/** A cluster counts as whole when its nodes are of one version, so one that can't be is told before anything stops. */
export function mixedVersionFindings(nodes: readonly NodeVersion[]): Finding[] {
  const byVersion = new Map<string, string[]>();
  for (const { node, version } of nodes) {
    if (version !== null) byVersion.set(version, [...(byVersion.get(version) ?? []), node]);
  }
  if (byVersion.size < 2) return [];
  const found = [...byVersion].map(([version, names]) => `${version}: ${names.join(', ')}`).join('; ');
  return [
    {
      text: `the nodes have different versions of Vault (${found}): install one and the same on all`,
      accept: 'version',
    },
  ];
}

function numbersOf(version: string): number[] {
  return version.split(/[+-]/)[0]?.split('.').map(Number) ?? [];
}

function compare(left: number[], right: number[]): number {
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
