import { formatBytes } from '../contract/format';
import type { NodeReport, VaultConfig } from '../contract/host';
import type { NodePlan } from '../contract/plan';
import { identityProblem } from '../contract/node-identity';
import { inWordsOf, type Product } from '../contract/product';
import { configFindings } from './config-findings';
import type { Storage } from './consul-findings';
import { acceptable, type Finding, notInspected } from './findings';
import { reachFindings } from './reach-findings';
import { serviceFindings } from './service-findings';
import { type NodeVersion, versionFinding } from './versions';

export interface NodeInspection {
  node: string;
  report: NodeReport | null;
  problem: string | null;
}

/** What a plan requires of a node. */
export interface NodeDemands {
  /** Seal of the data that is restored, or of the cluster that the node joins. */
  sealType: string | null;
  /** Version of the data that is restored. */
  serverVersion: string | null;
  /** Where the server has to store; default: `raft`. */
  storage?: Storage;
  product?: Product | null;
  /** Whether the first node opens a data directory that another server has written. */
  isCopy?: boolean;
  /** Free bytes that the file system of the data directory needs. */
  dataBytes: number;
  /** Whether the data directory is set aside. */
  setAside: 'rename' | 'delete' | null;
}

/** Every reason against changing one node. */
export function evaluateNode(
  { node: name, report, problem }: NodeInspection,
  nodes: readonly NodePlan[],
  demands: NodeDemands,
): Finding[] {
  if (report === null) return [notInspected(name, problem)];
  const own = nodes.find((node) => node.name === name);
  return [
    ...configFindings(report, own, demands.setAside !== null, demands.storage),
    ...(demands.storage === 'consul'
      ? []
      : [...identityFindings(report, own, nodes), ...directoryFindings(report, demands)]),
    // In place nothing is stopped, started or renamed, and Vault is reached at its own address.
    ...(demands.setAside === null ? [] : [...serviceFindings(report), ...reachFindings(report)]),
    ...sealFindings(report, demands.sealType),
    ...versionFindings(report, demands),
  ].map(({ text, ...rest }) => ({ text: inWordsOf(report.vault.product, `${name}: ${text}`), ...rest }));
}

/** A host other than the configured one must never be touched. */
function identityFindings(report: NodeReport, own: NodePlan | undefined, nodes: readonly NodePlan[]): Finding[] {
  const findings: Finding[] = [];
  const { storage, storageProblem, dataDir } = report;
  if (storageProblem !== null)
    findings.push({ code: 'data-unreadable', text: `${dataDir.path} can't be read: ${storageProblem}` });
  const identity = storage && own ? identityProblem(storage, own, nodes) : null;
  if (identity) findings.push(acceptable('other-cluster', `${dataDir.path} ${identity}`));
  return findings;
}

function directoryFindings({ dataDir }: NodeReport, { dataBytes, setAside }: NodeDemands): Finding[] {
  const findings: Finding[] = [];
  if (setAside === null) return findings;
  if (dataDir.mountPoint && dataDir.layout !== 'inside') {
    findings.push({
      code: 'old-agent',
      text: `${dataDir.path} is a mount point, which an agent of this earlier version can't set aside: upgrade the agent`,
    });
  }
  const free = dataDir.freeBytes + (setAside === 'delete' ? dataDir.sizeBytes : 0);
  if (free < dataBytes) {
    findings.push({
      code: 'no-room',
      text: `${formatBytes(free)} free at ${dataDir.path}, ${formatBytes(dataBytes)} needed`,
    });
  }
  return findings;
}

function sealFindings({ vault, config, seal }: NodeReport, wanted: string | null): Finding[] {
  const type = vault.sealType ?? sealTypeOf(config);
  if (wanted !== null && type !== null && type !== wanted) {
    return [{ code: 'seal-mismatch', text: sealMismatch(type, wanted) }];
  }
  return seal.problem === null ? [] : [{ code: 'seal-unreachable', text: seal.problem }];
}

function sealTypeOf(config: VaultConfig | null): string | null {
  return config && (config.seal?.type ?? 'shamir');
}

function sealMismatch(node: string, snapshot: string): string {
  const migrate = 'restore with the old seal first, then migrate (`vault operator unseal -migrate`)';
  if (snapshot === 'shamir') {
    return `it has the auto-unseal seal '${node}', but the snapshot needs the key holders' shares (shamir): ${migrate}`;
  }
  if (node === 'shamir') {
    return `it has no auto-unseal seal, but the snapshot opens only with the seal '${snapshot}' (recovery keys never unseal): ${migrate}`;
  }
  return `it has the seal '${node}', but the snapshot was made under '${snapshot}': ${migrate}`;
}

function versionFindings(
  { vault }: NodeReport,
  { serverVersion, product = null, isCopy = false }: NodeDemands,
): Finding[] {
  if (serverVersion === null || !vault.version) return [];
  const own = { version: vault.version, product: vault.product ?? null };
  const finding = versionFinding(own, { version: serverVersion, product }, isCopy);
  return finding === null ? [] : [finding];
}

export function versionOf({ node, report }: NodeInspection): NodeVersion {
  return { node, version: report?.vault.version ?? null, product: report?.vault.product ?? null };
}

/** Whether data would be lost with the data directory of a node. */
export function holdsData({ report }: NodeInspection): boolean {
  if (report === null) return false;
  return report.storage ? report.storage.seal !== null : !report.dataDir.empty;
}

/** Which product the hosts run; nothing if unknown. */
export function productIn(inspections: readonly NodeInspection[]): { product?: Product } {
  const product = inspections.find(({ report }) => report?.vault.product)?.report?.vault.product;
  return product ? { product } : {};
}
