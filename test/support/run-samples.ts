import type { RestorePlan } from '../../src/contract/plan';
import type { Parked, RecoveryProgress, RecoveryReport, Retrying, ShareProgress } from '../../src/contract/recovery';

export const START = '2026-11-23T05:00:00.000Z';
export const NOW = Date.parse('2026-11-23T05:01:00.000Z');
const HASH = '3f9c1e07ab52d4e6f8';

export const PLAN: RestorePlan = {
  method: 'snapshot',
  cluster: 'prod',
  source: 'prod',
  generation: '20261123T040000Z-000000001234-0a1b2c3d',
  capturedAt: '2026-11-23T04:00:00.000Z',
  raftIndex: 1234,
  clusterId: '6f7a3f0e',
  clusterName: 'vault-cluster-1',
  serverVersion: '1.21.1',
  archiveBytes: 3 * 1024 ** 2,
  storedBytes: 3 * 1024 ** 2,
  storedSha256: 'a'.repeat(64),
  manifestSha256: 'b'.repeat(64),
  seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
  recoveryConfig: null,
  canary: null,
  loginOf: 'prod',
  keyCount: 42,
  keyCounts: {},
  leases: { total: 3, byMount: { 'auth/approle': 2, database: 1 } },
  peers: [],
  copies: ['local', 'offsite'],
  firstNode: 'vault-1',
  nodes: [],
  rpoSeconds: 3600,
  approvals: 2,
  setAside: 'rename',
  rollingRestart: false,
  steps: [{ node: 'vault-1', steps: ['stop Vault', 'start blank'] }],
  holdData: ['vault-1'],
  accepted: [],
  plannedAt: '2026-11-23T05:00:00.000Z',
  warnings: ['vault-2 is up and unsealed'],
};

export function progressWith(overrides: Partial<RecoveryProgress> = {}): RecoveryProgress {
  return {
    cluster: 'prod',
    run: 'run-1',
    method: 'snapshot',
    requestedBy: 'ana',
    status: 'running',
    phase: 'stage',
    waitingFor: null,
    escalatesAt: null,
    startedAt: START,
    nodes: [
      { name: 'vault-1', role: 'first', state: 'staged', detail: null },
      { name: 'vault-2', role: 'follower', state: 'ready', detail: 'fetching' },
    ],
    phases: [
      { phase: 'plan', startedAt: START, finishedAt: '2026-11-23T05:00:03.400Z', humanSeconds: 0 },
      { phase: 'approve', startedAt: START, finishedAt: '2026-11-23T05:00:30.000Z', humanSeconds: 26.2 },
      { phase: 'stage', startedAt: '2026-11-23T05:00:30.000Z', finishedAt: null, humanSeconds: 0 },
    ],
    plan: PLAN,
    planHash: HASH,
    approvals: [],
    recipients: [],
    shares: null,
    parked: [],
    errors: [],
    rollBack: null,
    planValidUntil: null,
    ...overrides,
  };
}

export const PARKED: Parked = {
  phase: 'join',
  node: 'vault-2',
  code: 'ServiceFailed',
  problem: 'Vault does not start.',
  advice: "Read Vault's log.",
  choices: ['resume', 'skipNode'],
  skippable: ['vault-2'],
  since: START,
};
export const RETRYING: Retrying = {
  step: 'joinNode',
  node: 'vault-2',
  since: START,
  attempt: 2,
  code: 'ServiceFailed',
  problem: 'Unit vault.service is masked.',
  advice: 'Run `systemctl unmask vault`.',
};
export const SHARES: ShareProgress = {
  required: 3,
  accepted: [{ holder: 'ann', at: START }],
  refused: [{ holder: 'bob', at: START, reason: 'It is not encrypted for this run.' }],
  problem: null,
};

/** Of a restore that went through. */
export function reportWith(overrides: Partial<RecoveryReport> = {}): RecoveryReport {
  return {
    ...progressWith({ status: 'completed', phase: 'finish' }),
    finishedAt: '2026-11-23T05:02:00.000Z',
    rtoSeconds: 120,
    rtoMachineSeconds: 90,
    rtoHumanSeconds: 30,
    rpoSeconds: 3600,
    setAside: [
      { node: 'vault-1', path: '/opt/vault/data.pre-restore-run-1' },
      { node: 'vault-2', path: null },
    ],
    setAsideUntil: '2026-11-30T05:02:00.000Z',
    removed: [],
    backup: { generation: '20261123T050200Z-000000001300-0a1b2c3d' },
    warnings: ['vault-3 was skipped'],
    ...overrides,
  };
}
