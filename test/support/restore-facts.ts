import type { Manifest } from '../../src/contract/generation';
import { restoreInput } from '../../src/contract/input';
import type { NodeReport } from '../../src/contract/host';
import type { AcceptCode, LiveView, RecoverySettings } from '../../src/contract/plan';
import type { NodeInspection } from '../../src/plan/evaluate-node';
import type { RestoreFacts } from '../../src/plan/restore-findings';
import { sampleManifest } from './generation';
import { liveView, nodeReport, settingsOf } from './plan-facts';

export const MIB = 1024 ** 2;
export const NAMES = ['vault-1', 'vault-2', 'vault-3'];
const LOGIN = 'f'.repeat(64);

function manifestWith(overrides: Partial<Manifest> = {}): Manifest {
  const manifest = sampleManifest(Buffer.from('snapshot'));
  return {
    ...manifest,
    archive: { sha256: 'a'.repeat(64), sizeBytes: 100 * MIB },
    stored: { ...manifest.stored, sizeBytes: 100 * MIB },
    credential: LOGIN,
    ...overrides,
  };
}

/** What differs from a restore that nothing stands against. */
export interface Changes {
  manifest?: Partial<Manifest>;
  inspections?: Record<string, Partial<NodeReport>>;
  healthy?: string[];
  nodes?: string[];
  live?: Partial<LiveView>;
  settings?: Partial<RecoverySettings>;
  input?: object;
  accept?: AcceptCode[];
  credential?: RestoreFacts['credential'];
  recipients?: string[];
  inPlaceProblem?: string | null;
  quietProblem?: string | null;
}

export function factsWith(changes: Changes = {}): RestoreFacts {
  const manifest = manifestWith(changes.manifest);
  const nodes = changes.nodes ?? NAMES;
  return {
    input: restoreInput.parse({ cluster: 'prod', accept: changes.accept ?? [], ...changes.input }),
    settings: settingsOf(nodes, changes.settings),
    chosen: {
      copy: {
        repository: 'local',
        generation: manifest.generation,
        manifest,
        manifestSha256: 'b'.repeat(64),
        check: 'hashed',
      },
      healthy: changes.healthy ?? ['local'],
      problems: [],
    },
    inspections: nodes.map((node): NodeInspection => ({
      node,
      report: nodeReport(node, changes.inspections?.[node]),
      problem: null,
    })),
    live: liveView(changes.live),
    credential: changes.credential ?? { fingerprint: LOGIN, problem: null },
    recipients: changes.recipients ?? [],
    inPlaceProblem: changes.inPlaceProblem ?? null,
    ...('quietProblem' in changes ? { quietProblem: changes.quietProblem } : {}),
    now: '2026-11-23T05:00:00.000Z',
  };
}

export const { dataDir, vault, temp } = nodeReport('vault-1');
export const serving = {
  leader: 'vault-2',
  clusterId: manifestWith().clusterId,
  clusterName: 'vault-cluster-1',
  serverVersion: '1.21.1',
  serving: NAMES,
  voters: NAMES,
  login: true,
  seal: { initialized: true, sealed: false, type: 'shamir', n: 5, t: 3 },
} satisfies Partial<LiveView>;
export const install = {
  run: 'earlier-run',
  generation: '20261120T040000Z-000000000040-0a1b2c3d',
  blankClusterId: 'blank',
};
export const transit = { type: 'transit', secretShares: 1, secretThreshold: 1 };
export const recovery = { type: 'shamir', secretShares: 5, secretThreshold: 3 };
