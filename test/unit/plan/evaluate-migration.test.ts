import type { MigrationReport, NodeReport } from '../../../src/contract/host';
import type { ChosenGeneration, LiveView } from '../../../src/contract/plan';
import { describePlan } from '../../../src/contract/voice/plan-text';
import { evaluateMigration, type MigrationFacts } from '../../../src/plan/evaluate-migration';
import { planHashOf } from '../../../src/plan/hash';
import { whyNotAllowed } from '../../../src/plan/host-actions';
import { MANIFEST } from '../../support/fake-agents';
import { liveView, nodeReport, settingsOf, vaultConfig } from '../../support/plan-facts';

const NAMES = ['vault-1', 'vault-2', 'vault-3'];
const NOW = '2026-11-23T05:00:00.000Z';
const FILE = {
  path: '/etc/vault.d/vault.hcl',
  prepared: '/etc/vault.d/vault.hcl.raft',
  sha256: 'ab'.repeat(32),
  problem: null,
};

const migration = (node: string, changes: Partial<MigrationReport> = {}): MigrationReport => ({
  source: { type: 'consul', path: 'vault/', token: 'configuration' },
  files: [FILE],
  config: vaultConfig({ nodeId: node }),
  sameSeals: true,
  programProblem: null,
  ...changes,
});

function report(node: string, changes: Partial<NodeReport> = {}, more: Partial<MigrationReport> = {}): NodeReport {
  const given = nodeReport(node);
  return {
    ...given,
    config: { ...vaultConfig(), storage: { type: 'consul', path: 'vault/', nodeId: null } },
    dataDir: { ...given.dataDir, empty: true },
    migration: migration(node, more),
    ...changes,
  };
}

const chosen: ChosenGeneration = {
  copy: {
    repository: 'local',
    generation: MANIFEST.generation,
    manifest: {
      ...MANIFEST,
      content: {
        method: 'consul',
        scope: 'all',
        path: 'vault/',
        consistency: 'default',
        accessor: null,
        others: {},
      },
    },
    manifestSha256: 'cd'.repeat(32),
    check: 'hashed',
  },
  healthy: ['local'],
  problems: [],
};

interface Changes {
  reports?: NodeReport[];
  live?: Partial<LiveView>;
  facts?: Partial<MigrationFacts>;
  names?: string[];
  clusterAddresses?: string[];
}

function evaluate({ reports, live, facts, names = NAMES, clusterAddresses }: Changes = {}) {
  const settings = settingsOf(names, { backupMethod: 'consul' });
  clusterAddresses?.forEach((clusterAddress, index) => {
    const node = settings.nodes[index];
    if (node) node.clusterAddress = clusterAddress;
  });
  const inspections = (reports ?? names.map((name) => report(name))).map((item) => ({
    node: item.node,
    report: item,
    problem: null,
  }));
  return evaluateMigration({
    input: { cluster: 'prod', to: 'raft', requestedBy: 'ana', planOnly: false, accept: [] },
    settings,
    inspections,
    live: liveView({
      leader: 'vault-2',
      clusterId: 'c',
      clusterName: 'n',
      login: true,
      serving: names,
      seal: { initialized: true, sealed: false, type: 'shamir', n: 5, t: 3 },
      ...live,
    }),
    chosen,
    backupProblem: null,
    now: NOW,
    ...facts,
  });
}

const codesOf = (refusals: readonly string[]) => refusals.map((text) => /\[([a-z-]+)[^[]*\]$/.exec(text)?.[1]);

describe('a migration from Consul', () => {
  it('is planned with what each host has prepared, by its hash', () => {
    const { plan, refusals } = evaluate();

    expect(refusals).toEqual([]);
    expect(plan).toMatchObject({
      method: 'migrate',
      from: 'consul',
      path: 'vault/',
      firstNode: 'vault-1',
      setAside: 'rename',
      holdData: NAMES,
      seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
      clusterId: 'c',
      backup: { generation: MANIFEST.generation },
      configs: NAMES.map((node) => ({
        node,
        files: [{ path: FILE.path, prepared: FILE.prepared, sha256: FILE.sha256 }],
      })),
    });
    expect(describePlan(plan!).join('\n')).toContain('Consul is only read');
  });

  it('with auto-unseal compares the numbers of the recovery keys', () => {
    const seal = { initialized: true, sealed: false, type: 'awskms', n: 5, t: 3 };

    expect(evaluate({ live: { seal } }).plan).toMatchObject({
      seal: { type: 'awskms' },
      recoveryConfig: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
    });
  });

  it('is another plan when a prepared file is another one', () => {
    const other = report('vault-2', {}, { files: [{ ...FILE, sha256: 'ff'.repeat(32) }] });
    const [before, after] = [evaluate(), evaluate({ reports: [report('vault-1'), other, report('vault-3')] })];

    expect(planHashOf(after.plan!)).not.toBe(planHashOf(before.plan!));
  });

  const first = (changes: Partial<NodeReport>, more: Partial<MigrationReport> = {}): Changes => ({
    reports: [report('vault-1', changes, more), report('vault-2'), report('vault-3')],
  });
  const dataDir = nodeReport('vault-1').dataDir;
  const raft = { type: 'raft', path: '/opt/vault/data', nodeId: 'vault-1' };

  it.each<[string, Changes, string]>([
    ['has nothing prepared', first({ migration: undefined }), 'migration-config'],
    [
      'has prepared a file that is a link',
      first({}, { files: [{ ...FILE, sha256: null, problem: 'it is a symbolic link' }] }),
      'migration-config',
    ],
    [
      'has prepared a configuration for Consul',
      first({}, { config: { ...vaultConfig(), storage: { type: 'consul', path: null, nodeId: null } } }),
      'migration-config',
    ],
    ['has prepared a configuration without a node id', first({}, { config: vaultConfig() }), 'migration-config'],
    [
      'has prepared another data directory',
      first({}, { config: vaultConfig({ nodeId: 'vault-1', path: '/elsewhere' }) }),
      'data-dir-mismatch',
    ],
    ['has prepared another node id', first({}, { config: vaultConfig({ nodeId: 'vault-9' }) }), 'node-id-mismatch'],
    ['has prepared another seal', first({}, { sameSeals: false }), 'migration-seal'],
    ['has no data directory', first({ dataDir: { ...dataDir, exists: false } }), 'migration-data-dir'],
    ['has something in its data directory', first({ dataDir }), 'migration-data-dir'],
    ['has too little room', first({ dataDir: { ...dataDir, empty: true, freeBytes: 10 } }), 'no-room'],
    ['has no program to migrate with', first({}, { programProblem: 'not to be seen' }), 'migration-program'],
    [
      'stores below another path',
      first({}, { source: { type: 'consul', path: 'other/', token: 'configuration' } }),
      'migration-storage',
    ],
    [
      'stores in Raft already',
      first({ config: { ...vaultConfig(), storage: raft } }, { source: { type: 'raft', path: null, token: 'none' } }),
      'migration-storage',
    ],
    ['runs another version', first({ vault: { ...nodeReport('vault-1').vault, version: '1.20.0' } }), 'version'],
  ])('is refused where a node %s', (_what, changes, code) => {
    const { plan, refusals } = evaluate(changes);

    expect(plan).toBeNull();
    expect(codesOf(refusals)).toContain(code);
  });

  it.each<[string, Changes, string]>([
    ['nobody leads', { live: { leader: null, problem: 'all are sealed' } }, 'no-leader'],
    ['vault-dr has no login', { live: { login: false, problem: 'denied' } }, 'no-login'],
    [
      'one cluster address is of the loopback',
      { clusterAddresses: ['127.0.0.1:8201', 'b.example.com:8201', 'c.example.com:8201'] },
      'migration-address',
    ],
    ['there is no backup', { facts: { chosen: null, backupProblem: 'there is none' } }, 'no-backup'],
    [
      'the newest backup is a Raft snapshot',
      { facts: { chosen: { ...chosen, copy: { ...chosen.copy, manifest: MANIFEST } } } },
      'no-backup',
    ],
    ['the newest backup is of last month', { facts: { now: '2026-12-23T05:00:00.000Z' } }, 'no-backup'],
  ])('is refused where %s', (_what, changes, code) => {
    expect(codesOf(evaluate(changes).refusals)).toEqual([code]);
  });

  it('accepts that all addresses are of one host, and that there is no backup', () => {
    const local = ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3'];
    const input = { cluster: 'prod', to: 'raft' as const, requestedBy: 'ana', planOnly: false };
    const { plan } = evaluate({
      clusterAddresses: local,
      facts: { chosen: null, input: { ...input, accept: ['no-backup'] } },
    });

    expect(plan).toMatchObject({ backup: null, accepted: ['no-backup'] });
    expect(plan?.warnings.join()).toContain('whether the data fits');
  });
});

describe('a migration from files', () => {
  const file = { type: 'file', path: '/opt/vault/data', nodeId: null };
  const own = (changes: Partial<NodeReport> = {}) =>
    report(
      'vault-1',
      {
        config: { ...vaultConfig(), storage: file },
        dataDir: { ...nodeReport('vault-1').dataDir, sizeBytes: 1000 },
        ...changes,
      },
      { source: { type: 'file', path: '/opt/vault/data', token: 'none' } },
    );
  const facts = (now: string): Partial<MigrationFacts> => ({
    settings: settingsOf(['vault-1'], { backupMethod: 'filesystem' }),
    chosen: {
      ...chosen,
      copy: {
        ...chosen.copy,
        manifest: {
          ...MANIFEST,
          content: { method: 'filesystem', storage: 'file', node: 'vault-1', nodeId: null, files: 27, lag: null },
        },
      },
    },
    now,
  });

  it('is planned for the one server, whose directory is set aside', () => {
    const { plan, refusals } = evaluate({
      names: ['vault-1'],
      reports: [own()],
      live: { leader: 'vault-1' },
      facts: facts('2026-11-23T04:30:00.000Z'),
    });

    expect(refusals).toEqual([]);
    expect(plan).toMatchObject({ from: 'file', path: null, holdData: ['vault-1'] });
  });

  it('wants a backup of this very hour, for it makes none itself', () => {
    const { refusals } = evaluate({
      names: ['vault-1'],
      reports: [own()],
      facts: facts(NOW.replace('05:00', '05:30')),
    });

    expect(codesOf(refusals)).toEqual(['no-backup']);
  });

  it('is refused for more than one server', () => {
    const { refusals } = evaluate({ reports: NAMES.map((name) => ({ ...own(), node: name })) });

    expect(codesOf(refusals)).toContain('migration-storage');
  });
});

describe('what the plan of a migration lets an agent do', () => {
  const { plan } = evaluate();
  const ask = (name: string, action: Parameters<typeof whyNotAllowed>[2]) =>
    whyNotAllowed(plan!, { cluster: 'prod', name, dataDir: '/opt/vault/data' }, action);
  const files = [{ path: FILE.path, prepared: FILE.prepared, sha256: FILE.sha256 }];

  it('is to copy on the first node, and to put the approved files in place on each', () => {
    expect(ask('vault-1', { kind: 'migrate', from: 'consul' })).toBeNull();
    for (const name of NAMES) expect(ask(name, { kind: 'switch configuration', files })).toBeNull();
    expect(ask('vault-2', { kind: 'join' })).toBeNull();
  });

  it.each([
    ['copies on another node', 'vault-2', { kind: 'migrate', from: 'consul' }],
    ['copies from another storage', 'vault-1', { kind: 'migrate', from: 'file' }],
    [
      'puts other content in place',
      'vault-1',
      { kind: 'switch configuration', files: [{ ...files[0]!, sha256: 'ff'.repeat(32) }] },
    ],
    [
      'puts another file in place',
      'vault-1',
      { kind: 'switch configuration', files: [{ ...files[0]!, path: '/etc/passwd' }] },
    ],
    ['puts only some in place', 'vault-1', { kind: 'switch configuration', files: [] }],
    ['installs a snapshot', 'vault-1', { kind: 'install' }],
  ] as const)('nothing that %s', (_what, name, action) => {
    expect(ask(name, action as Parameters<typeof whyNotAllowed>[2])).not.toBeNull();
  });
});
