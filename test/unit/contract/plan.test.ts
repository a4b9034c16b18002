import type { Manifest } from '../../../src/contract/generation';
import { isOlder, judgePlan, type NodeLook, type PlanFacts } from '../../../src/contract/plan';
import type { NodeReport } from '../../../src/contract/restore';
import { sampleManifest } from '../../support/generation';

const MIB = 1024 ** 2;
const NAMES = ['vault-1', 'vault-2', 'vault-3'];

function manifestWith(overrides: Partial<Manifest> = {}): Manifest {
  const manifest = sampleManifest(Buffer.from('snapshot'));
  return {
    ...manifest,
    archive: { sha256: 'a'.repeat(64), sizeBytes: 100 * MIB },
    stored: { ...manifest.stored, sizeBytes: 100 * MIB },
    ...overrides,
  };
}

/** A stopped node with enough room. */
function reportOf(node: string, overrides: Partial<NodeReport> = {}): NodeReport {
  return {
    node,
    agentVersion: '0.1.0',
    host: node,
    service: 'stopped',
    vault: { reachable: false, initialized: null, sealed: null, version: null },
    dataDir: {
      path: '/opt/vault/data',
      exists: true,
      empty: false,
      mountPoint: false,
      sizeBytes: 1,
      freeBytes: 1024 * MIB,
    },
    stagingFreeBytes: 1024 * MIB,
    ...overrides,
  };
}

function factsWith(
  changes: {
    manifest?: Partial<Manifest>;
    looks?: Record<string, Partial<NodeReport>>;
    healthy?: string[];
    nodes?: string[];
  } = {},
): PlanFacts {
  const manifest = manifestWith(changes.manifest);
  const nodes = changes.nodes ?? NAMES;
  return {
    settings: {
      cluster: 'prod',
      nodes: nodes.map((name) => ({
        name,
        nodeId: name,
        address: `https://${name}.example.com:8200`,
        clusterAddress: `${name}.example.com:8201`,
        dataDir: '/opt/vault/data',
      })),
      repositories: ['local', 'offsite'],
      approvals: 2,
      reminders: { remindMinutes: 10, escalateMinutes: 30, alternates: [] },
    },
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
    looks: nodes.map((node): NodeLook => ({ node, report: reportOf(node, changes.looks?.[node]), problem: null })),
    now: '2026-11-23T05:00:00.000Z',
  };
}

const dataDir = reportOf('vault-1').dataDir;
const up = (sealed: boolean, version = '1.21.1') => ({
  vault: { reachable: true, initialized: true, sealed, version },
});

describe('a plan', () => {
  it('is made of the manifest and the settings, and says what will be lost', () => {
    const facts = factsWith();

    const { plan, refusals } = judgePlan(facts);

    expect(refusals).toEqual([]);
    expect(plan).toMatchObject({
      cluster: 'prod',
      generation: facts.chosen.copy.generation,
      manifestSha256: 'b'.repeat(64),
      firstNode: 'vault-1',
      copies: ['local'],
      approvals: 2,
      rpoSeconds: 3600,
      seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
      warnings: [],
    });
  });

  it('never has a negative loss, when clocks differ', () => {
    const facts = { ...factsWith(), now: '2026-11-23T03:59:58.000Z' };

    expect(judgePlan(facts).plan?.rpoSeconds).toBe(0);
  });

  it.each<[string, PlanFacts, string]>([
    [
      'another seal',
      factsWith({ manifest: { seal: { type: 'awskms', secretShares: 1, secretThreshold: 1 } } }),
      "the snapshot was made under the seal 'awskms'; only Shamir-sealed clusters can be restored by this version",
    ],
    ['no copy that could be read', factsWith({ healthy: [] }), 'no copy of this generation could be read whole'],
    [
      'a mount point',
      factsWith({ looks: { 'vault-2': { dataDir: { ...dataDir, mountPoint: true } } } }),
      "vault-2: /opt/vault/data is a mount point and can't be renamed; use a directory below it as dataDir",
    ],
    [
      'too little room for data',
      factsWith({ looks: { 'vault-3': { dataDir: { ...dataDir, freeBytes: 299 * MIB } } } }),
      'vault-3: 299 MiB free at /opt/vault/data, 300 MiB needed',
    ],
    [
      'too little room for staging',
      factsWith({ looks: { 'vault-1': { stagingFreeBytes: 109 * MIB } } }),
      'vault-1: 109 MiB free in stateDir, 110 MiB needed for staging',
    ],
    [
      'an older Vault',
      factsWith({ looks: { 'vault-2': up(true, '1.20.9') } }),
      "vault-2: runs Vault 1.20.9, older than the snapshot's 1.21.1",
    ],
    ['no node', factsWith({ nodes: [] }), 'the cluster has no nodes'],
  ])('is refused because of %s', (_why, facts, refusal) => {
    expect(judgePlan(facts)).toEqual({ refusals: [refusal], plan: null });
  });

  it('is refused when an agent does not answer, with what is known', () => {
    const facts = factsWith();
    const [first] = facts.looks;
    const looks: NodeLook[] = [
      ...(first ? [first] : []),
      { node: 'vault-2', report: null, problem: 'no such host' },
      { node: 'vault-3', report: null, problem: null },
    ];

    expect(judgePlan({ ...facts, looks }).refusals).toEqual([
      'vault-2: no such host',
      'vault-3: its agent does not answer',
    ]);
  });

  it('has every reason against it listed', () => {
    const facts = factsWith({
      healthy: [],
      looks: {
        'vault-1': {
          dataDir: { ...dataDir, mountPoint: true, freeBytes: 0 },
          stagingFreeBytes: 0,
          ...up(false, '1.9.0'),
        },
      },
    });

    expect(judgePlan(facts).refusals).toHaveLength(5);
  });

  it('takes room for staging on the first node only, and a newer Vault', () => {
    const facts = factsWith({ looks: { 'vault-2': { stagingFreeBytes: 0 }, 'vault-3': up(true, '1.22.0') } });

    expect(judgePlan(facts).refusals).toEqual([]);
  });

  it.each<[string, PlanFacts, string]>([
    [
      'one node that is alive',
      factsWith({ looks: { 'vault-2': up(false) } }),
      'vault-2 is up and unsealed: a restore throws away what was written in the last 1 h 0 min',
    ],
    [
      'nodes that are alive',
      factsWith({ looks: { 'vault-1': up(false), 'vault-3': up(false) } }),
      'vault-1, vault-3 are up and unsealed: a restore throws away what was written in the last 1 h 0 min',
    ],
    [
      'other peers',
      factsWith({ nodes: ['vault-1', 'vault-4'] }),
      "the snapshot's peers were vault-1, vault-2, vault-3; the configuration has vault-1, vault-4",
    ],
    [
      'a generation in clear',
      factsWith({ manifest: { encryption: { method: 'none', recipients: [] } } }),
      'the generation is not encrypted',
    ],
  ])('warns of %s', (_what, facts, warning) => {
    expect(judgePlan(facts).plan?.warnings).toEqual([warning]);
  });

  it('passes on what was wrong with other copies', () => {
    const facts = factsWith();
    facts.chosen.problems.push({ repository: 'offsite', problem: 'does not answer' });

    expect(judgePlan(facts).plan?.warnings).toEqual(['offsite: does not answer']);
  });

  it('does not warn of nodes that are sealed or blank', () => {
    const blank = { vault: { reachable: true, initialized: false, sealed: true, version: '1.21.1' } };

    expect(judgePlan(factsWith({ looks: { 'vault-1': up(true), 'vault-2': blank } })).plan?.warnings).toEqual([]);
  });
});

test.each([
  ['1.20.9', '1.21.0', true],
  ['1.21.1', '1.21.1', false],
  ['1.21.10', '1.21.9', false],
  ['1.9.0', '1.21.0', true],
  ['2.5.5', '1.21.1', false],
  ['1.21.1+ent', '1.21.1', false],
  ['1.21.0-rc1', '1.21.1+ent.hsm', true],
])('isOlder(%s, %s) is %s', (version, than, older) => {
  expect(isOlder(version, than)).toBe(older);
});
