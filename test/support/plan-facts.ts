import type { NodeReport, RaftStorage, VaultConfig } from '../../src/contract/host';
import { CLUSTER_DOWN, type LiveView, type RecoverySettings } from '../../src/contract/plan';

const MIB = 1024 ** 2;

export function settingsOf(nodes: string[], overrides: Partial<RecoverySettings> = {}): RecoverySettings {
  return {
    cluster: 'prod',
    source: 'prod',
    nodes: nodes.map((name) => ({
      name,
      nodeId: name,
      address: `https://${name}.example.com:8200`,
      clusterAddress: `${name}.example.com:8201`,
      dataDir: '/opt/vault/data',
    })),
    repositories: ['local', 'offsite'],
    approvals: 2,
    approvalMinutes: 60,
    setAside: 'rename',
    rollingRestart: false,
    graceDays: 7,
    reminders: { remindMinutes: 10, escalateMinutes: 30, alternates: [] },
    ...overrides,
  };
}

/** A stopped node with enough room, and something in its data directory that is not Raft's. */
export function nodeReport(node: string, overrides: Partial<NodeReport> = {}): NodeReport {
  return {
    node,
    agentVersion: '0.1.0',
    host: node,
    service: 'stopped',
    serviceCheck: { unit: null, missingCommands: [], unchecked: [] },
    setAsideProblem: null,
    vault: {
      reachable: false,
      initialized: null,
      sealed: null,
      version: '1.21.1',
      sealType: null,
      clusterId: null,
    },
    dataDir: {
      path: '/opt/vault/data',
      exists: true,
      empty: false,
      mountPoint: false,
      sizeBytes: 1,
      freeBytes: 1024 * MIB,
    },
    install: null,
    storage: null,
    storageProblem: null,
    config: vaultConfig({ nodeId: node }),
    reach: { address: 'https://127.0.0.1:8200', problem: null, unchecked: null },
    seal: { checked: false, problem: null },
    stagingFreeBytes: 1024 * MIB,
    temp: { path: '/tmp', freeBytes: 1024 * MIB },
    ...overrides,
  };
}

export function raftStorage(
  nodeId: string,
  peers: string[],
  appliedIndex: number,
  domain = 'example.com',
): RaftStorage {
  return {
    nodeId,
    appliedIndex,
    appliedTerm: 3,
    lastLogIndex: appliedIndex + 1,
    lastLogTerm: 3,
    peers: peers.map((id) => ({ id, address: `${id}.${domain}:8201`, suffrage: 'voter' })),
    seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
    recoveryConfig: null,
  };
}

export function vaultConfig(changes: { nodeId?: string | null; path?: string; seal?: string } = {}): VaultConfig {
  const { nodeId = null, path = '/opt/vault/data', seal } = changes;
  return {
    storage: { type: 'raft', path, nodeId },
    seal: seal === undefined ? null : { type: seal, settings: {} },
    listeners: [{ type: 'tcp', address: null, httpReadTimeoutMs: null, maxRequestDurationMs: null }],
    disableMlock: null,
    problems: [],
  };
}

/** A cluster that is down. */
export function liveView(overrides: Partial<LiveView> = {}): LiveView {
  return { ...CLUSTER_DOWN, ...overrides };
}
