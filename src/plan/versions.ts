import type { Manifest } from '../contract/generation';
import { type Product, productName, productOf } from '../contract/product';
import { acceptable, type Finding } from './findings';

/** Upgrades across two minor versions are supported; larger ones go in stages. */
const LARGEST_GAP = 2;
/** Vault 2.0 follows 1.21. OpenBao has had no other major version. */
const VAULT_2_FOLLOWS = 21;

export interface ServerVersion {
  version: string;
  /** Null if unknown: then versions are compared as those of one product. */
  product: Product | null;
}

/** Why a server should not load a snapshot of another version; null if it may. Suffixes such as `+ent` are ignored. */
export function versionProblem(server: ServerVersion, snapshot: ServerVersion): string | null {
  const product = server.product ?? snapshot.product;
  const [left, right] = [releaseOf(server.version, product), releaseOf(snapshot.version, product)];
  if (left === null || right === null) return null;
  const runs = `runs ${productName(product)} ${server.version}`;
  const gap = left.minor - right.minor;
  if (gap < 0 || (gap === 0 && left.patch < right.patch))
    return `${runs}, older than the snapshot's ${snapshot.version}`;
  if (gap <= LARGEST_GAP) return null;
  return `${runs}, much newer than the snapshot's ${snapshot.version}: restore with a version near it, then upgrade in stages`;
}

/**
 * Why a server should not be given a snapshot, or the version that it has.
 * @param isCopy of a data directory, which Vault opens as it is
 */
export function versionFinding(server: ServerVersion, snapshot: ServerVersion, isCopy = false): Finding | null {
  if (server.product !== null && snapshot.product !== null && server.product !== snapshot.product) {
    const [own, other] = [productName(server.product), productName(snapshot.product)];
    return acceptable(
      'other-product',
      `runs ${own} ${server.version}, but the snapshot is from ${other} ${snapshot.version}: their storage formats have diverged. ` +
        `Restore with ${other}; to change over, follow the migration guide of ${own} afterwards`,
    );
  }
  if (isCopy && isOlderRelease(server, snapshot)) {
    return {
      code: 'copy-newer',
      text: `runs ${server.version}, which must not open the data directory of ${snapshot.version}: Vault opens that of its own or an older release only`,
    };
  }
  const problem = versionProblem(server, snapshot);
  return problem === null ? null : acceptable('version', problem);
}

/** By the minor version: within it, the formats on disk stay the same. */
function isOlderRelease(server: ServerVersion, data: ServerVersion): boolean {
  const product = server.product ?? data.product;
  const [left, right] = [releaseOf(server.version, product), releaseOf(data.version, product)];
  return left !== null && right !== null && left.minor < right.minor;
}

/** Earlier generations don't record it; versions older than any OpenBao are Vault's. */
export function productOfManifest({
  product,
  serverVersion,
}: Pick<Manifest, 'product' | 'serverVersion'>): Product | null {
  if (product) return product;
  return productOf(serverVersion, false) === 'vault' ? 'vault' : null;
}

export interface NodeVersion {
  node: string;
  /** Null when it is not known. */
  version: string | null;
  product?: Product | null;
}

/** All nodes must run the same version, so a mix is reported before anything stops. */
export function mixedVersionFindings(nodes: readonly NodeVersion[]): Finding[] {
  const known = nodes.flatMap(({ node, version, product }) => (version ? [{ node, version, product }] : []));
  const products = new Set(known.flatMap(({ product }) => product ?? []));
  const byVersion = new Map<string, string[]>();
  for (const { node, version, product } of known) {
    const name = products.size > 1 ? `${productName(product)} ${version}` : version;
    byVersion.set(name, [...(byVersion.get(name) ?? []), node]);
  }
  if (byVersion.size < 2) return [];
  const found = [...byVersion].map(([version, names]) => `${version}: ${names.join(', ')}`).join('; ');
  if (products.size > 1) {
    return [
      {
        code: 'mixed-products',
        text: `some nodes run Vault, others OpenBao (${found}): install the same on all nodes`,
      },
    ];
  }
  return [
    acceptable(
      'version',
      `the nodes run different versions of ${productName([...products][0])} (${found}): install the same on all nodes`,
    ),
  ];
}

/** Numbers minor versions in the order of release, across major versions. Null if it is not a version. */
function releaseOf(version: string, product: Product | null): { minor: number; patch: number } | null {
  const [, major, minor, patch = '0'] = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return null;
  const before = product === 'openbao' ? Number(major) * 1_000 : majorsBefore(Number(major));
  return { minor: before + Number(minor), patch: Number(patch) };
}

/** If the product is unknown, 2.x may be either; the order is the same. */
function majorsBefore(major: number): number {
  if (major < 2) return (major - 1) * 1_000;
  return VAULT_2_FOLLOWS + 1 + (major - 2) * 1_000;
}
