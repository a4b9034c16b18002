import type { DrillNote, DrillVerdict } from '../../../src/contract/drill-record';
import type { AcceptCode } from '../../../src/contract/plan';
import { describePlan } from '../../../src/contract/voice/plan-text';
import type { NodeInspection } from '../../../src/plan/evaluate-node';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import type { RestoreFacts } from '../../../src/plan/restore-findings';
import { liveView, raftStorage, vaultConfig } from '../../support/plan-facts';
import {
  type Changes,
  dataDir,
  factsWith,
  install,
  MIB,
  NAMES,
  recovery,
  serving,
  temp,
  transit,
  vault,
} from '../../support/restore-facts';

const UNREADABLE = { repository: 'local', cluster: 'prod', problem: 'ENOENT' };

describe('a plan', () => {
  it('is made of the manifest and the settings, and says what will be lost', () => {
    const facts = factsWith();

    const { plan, refusals } = evaluateRestore(facts);

    expect(refusals).toEqual([]);
    expect(plan).toMatchObject({
      method: 'snapshot',
      cluster: 'prod',
      source: 'prod',
      generation: facts.chosen.copy.generation,
      manifestSha256: 'b'.repeat(64),
      firstNode: 'vault-1',
      copies: ['local'],
      approvals: 2,
      rpoSeconds: 3600,
      seal: { type: 'shamir', secretShares: 5, secretThreshold: 3 },
      leases: { total: 3, byMount: { 'auth/token': 1, database: 2 } },
      accepted: [],
      warnings: [],
    });
    expect(plan).not.toHaveProperty('leftOut');
    expect(plan?.steps.map(({ node }) => node)).toEqual(NAMES);
    expect(plan?.steps[0]?.steps.join()).toContain('throwaway keys');
    expect(plan?.steps[1]?.steps).toContain('start blank, join vault-1');
  });

  describe('of a backup that was drilled', () => {
    const note = {
      at: '2026-11-23T04:30:00.000Z',
      repository: 'local',
      level: 'installed',
      failed: null,
      serverVersion: '1.21.1',
      phases: [{ phase: 'load', milliseconds: 4_000 }],
    } satisfies DrillNote;
    const failed = { phase: 'verify', code: 'CopyDamaged', against: 'backup' } as const;
    const drilled = (verdict: DrillVerdict | null, accept: AcceptCode[] = []) => {
      const facts = factsWith({ input: { accept } });
      return evaluateRestore({ ...facts, chosen: { ...facts.chosen, drilled: verdict } });
    };

    it('says what the last drill has measured, or that there was none', () => {
      const { plan } = drilled({ last: note, bad: null });

      expect(describePlan(plan!)).toContain(
        'Last drill: 2026-11-23T04:30:00Z, from local: installed in 4 s (load 4 s).',
      );
      expect(describePlan(drilled(null).plan!)).toContain('It was never drilled.');
      expect(describePlan(evaluateRestore(factsWith()).plan!).join()).not.toMatch(/drill/i);
    });

    it('is refused where a drill speaks against it, unless somebody overrides that', () => {
      const bad = { ...note, failed };

      expect(drilled({ last: note, bad }).refusals).toEqual([
        'a drill of this backup failed: 2026-11-23T04:30:00Z, from local: failed in the phase verify (CopyDamaged) [failed-drill, override with --accept failed-drill]',
      ]);
      expect(drilled({ last: bad, bad }, ['failed-drill']).plan).toMatchObject({
        accepted: ['failed-drill'],
        warnings: [expect.stringContaining('a drill of this backup failed')],
      });
    });

    it('is not refused for the sake of a copy or of an identity', () => {
      expect(drilled({ last: { ...note, failed: { ...failed, against: 'copy' } }, bad: null }).refusals).toEqual([]);
    });
  });

  it('says how long it should take, but not in place, where nothing is started', () => {
    const rto = {
      targetSeconds: 1_800,
      expectedSeconds: null,
      machineSeconds: null,
      measuredBy: null,
      peopleSeconds: null,
    };
    const facts = factsWith();
    const chosen = { ...facts.chosen, rto };

    expect(evaluateRestore({ ...facts, chosen }).plan).toMatchObject({ rto });
    expect(evaluateRestore(facts).plan).not.toHaveProperty('rto');
    const inPlace = evaluateRestore({ ...factsWith({ input: { inPlace: true }, live: serving }), chosen }).plan;
    expect(inPlace).toMatchObject({ method: 'inPlace' });
    expect(inPlace).not.toHaveProperty('rto');
  });

  it('warns of a generation from the future, behind which newer ones may be hidden', () => {
    const facts = { ...factsWith(), now: '2026-11-21T04:00:00.000Z' };

    expect(evaluateRestore(facts).plan?.warnings.join()).toContain('is dated 2 d 0 h in the future');
    expect(evaluateRestore({ ...facts, now: '2026-11-23T03:59:30.000Z' }).plan?.warnings).toEqual([]);
  });

  it('takes the blank cluster that an earlier run has left behind for nothing, but no other', () => {
    const blank = { ...serving, leader: 'vault-1', serving: ['vault-1'], clusterId: 'blank' };
    const at = (node: string) => factsWith({ live: blank, inspections: { [node]: { install } } });

    expect(evaluateRestore(at('vault-1')).refusals).toEqual([]);
    expect(evaluateRestore(at('vault-2')).refusals.join()).toContain('the cluster has a quorum and serves');
    const opened = { ...at('vault-1'), live: liveView(serving) };
    expect(evaluateRestore(opened).refusals.join()).toContain('the cluster has a quorum and serves');
  });

  it('never has a negative loss, when clocks differ', () => {
    expect(evaluateRestore({ ...factsWith(), now: '2026-11-23T03:59:58.000Z' }).plan?.rpoSeconds).toBe(0);
  });

  it.each<[string, RestoreFacts, string]>([
    ['no copy that could be read', factsWith({ healthy: [] }), 'no repository has a complete copy of this backup'],
    [
      'good copies that the first node can not read',
      factsWith({ inspections: { 'vault-1': { unreadable: [UNREADABLE] } } }),
      "vault-1 can't read any good copy of this backup: local: ENOENT",
    ],
    [
      'a mount point that its agent can not set aside',
      factsWith({ inspections: { 'vault-2': { dataDir: { ...dataDir, mountPoint: true } } } }),
      "vault-2: /opt/vault/data is a mount point, which an agent of this earlier version can't set aside: upgrade the agent",
    ],
    [
      'too little room for data',
      factsWith({ inspections: { 'vault-3': { dataDir: { ...dataDir, freeBytes: 299 * MIB } } } }),
      'vault-3: 299 MiB free at /opt/vault/data, 300 MiB needed',
    ],
    [
      'too little room for staging',
      factsWith({ inspections: { 'vault-1': { stagingFreeBytes: 109 * MIB } } }),
      'vault-1: 109 MiB free in stateDir, 110 MiB needed for staging',
    ],
    [
      'too little room where Vault spools the upload',
      factsWith({ inspections: { 'vault-1': { temp: { path: '/tmp', freeBytes: 50 * MIB } } } }),
      'vault-1: 50.0 MiB free in /tmp, where Vault buffers the snapshot, 110 MiB needed (TMPDIR of its service)',
    ],
    [
      'a Shamir node under an auto-unseal snapshot',
      factsWith({ manifest: { seal: transit, recovery } }),
      "vault-1: it has no auto-unseal seal, but the snapshot opens only with the seal 'transit' (recovery keys never unseal): restore with the old seal first, then migrate (`vault operator unseal -migrate`)",
    ],
    [
      'an auto-unseal node under a Shamir snapshot',
      factsWith({ inspections: { 'vault-2': { vault: { ...vault, sealType: 'awskms' } } } }),
      "vault-2: it has the auto-unseal seal 'awskms', but the snapshot needs the key holders' shares (shamir): restore with the old seal first, then migrate (`vault operator unseal -migrate`)",
    ],
    [
      'a seal of another kind, known from the configuration',
      factsWith({
        nodes: ['vault-1'],
        manifest: {
          seal: transit,
          recovery,
          raft: { index: 1, term: 1, peers: [{ id: 'vault-1', address: 'a:1', suffrage: 'voter' }] },
        },
        inspections: { 'vault-1': { config: vaultConfig({ seal: 'awskms' }) } },
      }),
      "vault-1: it has the seal 'awskms', but the snapshot was made under 'transit': restore with the old seal first, then migrate (`vault operator unseal -migrate`)",
    ],
    [
      "a seal that can't reach its key",
      factsWith({
        inspections: { 'vault-3': { seal: { checked: true, problem: 'the transit Vault does not answer' } } },
      }),
      'vault-3: the transit Vault does not answer',
    ],
    [
      'a wrong host',
      factsWith({ inspections: { 'vault-2': { config: vaultConfig({ nodeId: 'vault-9' }) } } }),
      "vault-2: its Vault is configured as node 'vault-9', not 'vault-2': check that this is the right host, then correct `nodeId`",
    ],
    [
      'another directory than Vault uses',
      factsWith({ inspections: { 'vault-2': { config: vaultConfig({ path: '/srv/vault' }) } } }),
      'vault-2: its Vault stores its data in /srv/vault, but `dataDir` is /opt/vault/data: correct one of them',
    ],
    [
      "a data directory that can't be read",
      factsWith({ inspections: { 'vault-1': { storageProblem: 'it is damaged' } } }),
      "vault-1: /opt/vault/data can't be read: it is damaged",
    ],
  ])('is refused because of %s', (_why, facts, refusal) => {
    const { refusals, plan } = evaluateRestore(facts);

    expect(plan).toBeNull();
    // Whoever reads it can look it up.
    expect(refusals[0]?.replace(/ \[[a-z-]+\]$/, '')).toBe(refusal);
    expect(refusals[0]).toMatch(/ \[[a-z-]+\]$/);
    expect(new Set(refusals.map((text) => text.replace(/^vault-\d: /, ''))).size).toBe(1);
    // What has to be fixed can't be overridden.
    const accept = ['lose-newer-data', 'version', 'other-cluster', 'delete-data', 'login', 'read-timeout'] as const;
    expect(evaluateRestore({ ...facts, input: { ...facts.input, accept: [...accept] } }).plan).toBeNull();
  });

  it.each<[string, AcceptCode, Changes, string]>([
    [
      'a cluster that serves',
      'lose-newer-data',
      { live: serving },
      'the cluster has a quorum and serves (leader vault-2; unsealed: vault-1, vault-2, vault-3), so nothing is lost there; a restore discards what was written in the last 1 h 0 min.',
    ],
    [
      'a disk that survives and is newer',
      'lose-newer-data',
      {
        inspections: {
          'vault-2': { storage: raftStorage('vault-2', NAMES, 5000) },
          'vault-3': { storage: raftStorage('vault-3', NAMES, 6000) },
        },
      },
      'the disk of vault-3 survives and is newer (raft index 6000) than this backup (4711): `vault-dr recover-quorum --cluster prod` brings the cluster back from it and loses nothing',
    ],
    [
      'a disk of a newer term beside that of a leader that was cut off',
      'lose-newer-data',
      {
        inspections: {
          'vault-2': { storage: { ...raftStorage('vault-2', NAMES, 6000), lastLogTerm: 4 } },
          'vault-3': { storage: { ...raftStorage('vault-3', NAMES, 5000), lastLogTerm: 5 } },
        },
      },
      'the disk of vault-3 survives and is newer (raft index 5000)',
    ],
    [
      'a disk of a cluster that was restored since, whose terms began again',
      'lose-newer-data',
      {
        inspections: {
          'vault-1': { storage: { ...raftStorage('vault-1', NAMES, 5000), appliedTerm: 1, lastLogTerm: 1 } },
        },
      },
      'the disk of vault-1 survives and is newer (raft index 5000)',
    ],
    [
      'a disk on which an earlier run has put a generation, and was not the last to change it',
      'lose-newer-data',
      { inspections: { 'vault-1': { install, storage: raftStorage('vault-1', ['vault-1'], 4715) } } },
      `vault-1 holds the backup ${install.generation}, loaded by run ${install.run} before it ended. If anybody has unsealed that node`,
    ],
    [
      'a disk that survives beside one on which an earlier run has put a generation',
      'lose-newer-data',
      {
        inspections: {
          'vault-1': { install, storage: raftStorage('vault-1', ['vault-1'], 6000) },
          'vault-3': { storage: raftStorage('vault-3', NAMES, 5000) },
        },
      },
      'the disk of vault-3 survives and is newer (raft index 5000)',
    ],
    [
      'an older Vault',
      'version',
      { nodes: ['vault-1'], inspections: { 'vault-1': { vault: { ...vault, version: '1.20.9' } } } },
      "vault-1: runs Vault 1.20.9, older than the snapshot's 1.21.1",
    ],
    [
      'a much newer Vault',
      'version',
      { nodes: ['vault-1'], inspections: { 'vault-1': { vault: { ...vault, version: '1.24.0' } } } },
      "vault-1: runs Vault 1.24.0, much newer than the snapshot's 1.21.1",
    ],
    [
      'nodes of different versions',
      'version',
      { inspections: { 'vault-2': { vault: { ...vault, version: '1.21.4' } } } },
      'the nodes run different versions of Vault (1.21.1: vault-1, vault-3; 1.21.4: vault-2): install the same on all nodes',
    ],
    [
      'data of another cluster on a node',
      'other-cluster',
      { inspections: { 'vault-2': { storage: raftStorage('vault-2', ['db-1', 'db-2'], 10, 'other.example.com') } } },
      'vault-2: /opt/vault/data holds the data of another cluster, with the peers db-1 (db-1.other.example.com:8201)',
    ],
    [
      'data of another node on a node',
      'other-cluster',
      { inspections: { 'vault-2': { storage: raftStorage('vault-3', NAMES, 10) } } },
      "vault-2: /opt/vault/data holds the data of node 'vault-3', not of 'vault-2'",
    ],
    [
      'a target that has data of its own',
      'other-cluster',
      {
        input: { into: 'staging' },
        settings: { cluster: 'staging' },
        inspections: { 'vault-1': { storage: raftStorage('vault-1', NAMES, 10) } },
      },
      'staging has its own data, which would be replaced by that of prod',
    ],
    [
      'deleting instead of renaming',
      'delete-data',
      { settings: { setAside: 'delete' } },
      'restore.setAside is `delete`: the old data directories are deleted, and there is no roll-back',
    ],
    [
      'another login than the one that made the generation',
      'login',
      { credential: { fingerprint: 'e'.repeat(64), problem: null } },
      'the login of prod may not work after the restore: the backup was made with a different login',
    ],
    [
      'no login at all',
      'login',
      { credential: { fingerprint: null, problem: 'auth.secretId: the file is empty.' } },
      'vault-dr has no login for the restored cluster: auth.secretId: the file is empty.',
    ],
    [
      'a generation that does not say which login made it, while nobody can be asked',
      'login',
      { manifest: { credential: null } },
      'the login of prod may not work after the restore: the backup was made by an earlier version',
    ],
    [
      'a listener that may cut the upload',
      'read-timeout',
      { manifest: { archive: { sha256: 'a'.repeat(64), sizeBytes: 2048 * MIB } } },
      'vault-1: the upload of 2.0 GiB may take 1 min 8 s, but its listener times out after 30 s: raise `http_read_timeout` and `max_request_duration`',
    ],
  ])('is refused because of %s, unless somebody accepts "%s"', (_why, code, changes, refusal) => {
    const big = {
      dataDir: { ...dataDir, freeBytes: 1024 ** 4 },
      stagingFreeBytes: 1024 ** 4,
      temp: { ...temp, freeBytes: 1024 ** 4 },
    };
    const inspections = Object.fromEntries(NAMES.map((name) => [name, { ...big, ...changes.inspections?.[name] }]));

    const refused = evaluateRestore(factsWith({ ...changes, inspections }));
    const accepted = evaluateRestore(factsWith({ ...changes, inspections, accept: [code] }));

    expect(refused.plan).toBeNull();
    expect(refused.refusals).toHaveLength(1);
    expect(refused.refusals[0]).toContain(refusal);
    expect(refused.refusals[0]).toContain(`[${code}, override with --accept ${code}]`);
    expect(accepted.plan?.accepted).toEqual([code]);
    expect(accepted.plan?.warnings.join()).toContain(refusal);
  });

  it('is refused when the cluster that runs has another id', () => {
    const facts = factsWith({ live: { ...serving, clusterId: 'another' }, accept: ['lose-newer-data'] });

    expect(evaluateRestore(facts).refusals).toEqual([
      expect.stringContaining('the running cluster has the id another'),
    ]);
  });

  it('says first that the cluster serves', () => {
    const facts = factsWith({ live: serving, healthy: [], inspections: { 'vault-1': { stagingFreeBytes: 0 } } });

    expect(evaluateRestore(facts).refusals[0]).toContain('the cluster has a quorum and serves');
    expect(evaluateRestore(facts).refusals).toHaveLength(3);
  });

  it('accepts a login that works now, where the generation says nothing of it', () => {
    const facts = factsWith({ live: serving, manifest: { credential: null }, accept: ['lose-newer-data'] });

    expect(evaluateRestore(facts).refusals).toEqual([]);
  });

  it('is refused without a node', () => {
    expect(evaluateRestore(factsWith({ nodes: [] })).plan).toBeNull();
  });

  it('is refused when an agent does not answer, with what is known', () => {
    const facts = factsWith();
    const [first] = facts.inspections;
    const inspections: NodeInspection[] = [
      ...(first ? [first] : []),
      { node: 'vault-2', report: null, problem: 'no such host' },
      { node: 'vault-3', report: null, problem: null },
    ];

    expect(evaluateRestore({ ...facts, inspections }).refusals).toEqual([
      'vault-2: no such host [not-inspected]',
      'vault-3: its agent does not answer [not-inspected]',
    ]);
  });

  it('takes room for staging on the first node only', () => {
    expect(evaluateRestore(factsWith({ inspections: { 'vault-2': { stagingFreeBytes: 0 } } })).refusals).toEqual([]);
  });

  it('takes a newer Vault, when all nodes have it, as far as is known', () => {
    const newer = { vault: { ...vault, version: '1.23.0' } };
    const inspections = { 'vault-1': newer, 'vault-2': newer, 'vault-3': { vault: { ...vault, version: null } } };

    expect(evaluateRestore(factsWith({ inspections })).refusals).toEqual([]);
  });

  it('counts what a deletion frees', () => {
    const small = { dataDir: { ...dataDir, sizeBytes: 250 * MIB, freeBytes: 60 * MIB } };
    const inspections = Object.fromEntries(NAMES.map((name) => [name, small]));

    expect(evaluateRestore(factsWith({ inspections })).refusals).toHaveLength(3);
    const accept: AcceptCode[] = ['delete-data'];
    expect(evaluateRestore(factsWith({ inspections, settings: { setAside: 'delete' }, accept })).refusals).toEqual([]);
  });

  it.each<[string, Changes, string, string?]>([
    [
      'other peers',
      { nodes: ['vault-1', 'vault-4'] },
      "the snapshot's peers were vault-1, vault-2, vault-3; the configuration has vault-1, vault-4",
      'nothing stops vault-2, vault-3: make sure that they are off, or they may continue as the old cluster [old-node-may-run]',
    ],
    [
      'more peers',
      { nodes: [...NAMES, 'vault-4'] },
      "the snapshot's peers were vault-1, vault-2, vault-3; the configuration has vault-1, vault-2, vault-3, vault-4",
    ],
    [
      'a generation in clear',
      { manifest: { encryption: { method: 'none', recipients: [] } } },
      'the backup is not encrypted',
    ],
    [
      'a generation that nobody of the configuration can open',
      { manifest: { encryption: { method: 'age', recipients: ['age1eve'] } }, recipients: ['age1ana', 'age1bob'] },
      'the backup is encrypted for other recipients (age1eve) than the configuration of prod names (age1ana, age1bob): unless they were changed since, find out who made it before you approve this',
    ],
    [
      'what could not be checked',
      { inspections: { 'vault-2': { config: null, vault: { ...vault, version: null } } } },
      "vault-2: not checked: the version of its Vault, its Vault's configuration, which is not under configFiles, its seal",
    ],
    [
      'a seal whose key nobody could try',
      {
        manifest: { seal: transit, recovery },
        inspections: Object.fromEntries(
          NAMES.map((name) => [
            name,
            { config: vaultConfig({ seal: 'transit' }), seal: { checked: name !== 'vault-3', problem: null } },
          ]),
        ),
      },
      "vault-3: not checked: whether its seal 'transit' can reach its key",
    ],
  ])('warns of %s', (_what, changes, ...warnings) => {
    expect(evaluateRestore(factsWith(changes)).plan?.warnings).toEqual(warnings);
  });

  it('takes a copy that the first node can read, and knows nothing of a bucket or of another cluster', () => {
    const unreadable = { 'vault-1': { unreadable: [UNREADABLE] }, 'vault-2': { unreadable: [] } };
    const others = { 'vault-1': { unreadable: [{ ...UNREADABLE, cluster: 'other' }] } };

    expect(evaluateRestore(factsWith({ healthy: ['local', 'offsite'], inspections: unreadable })).refusals).toEqual([]);
    expect(evaluateRestore(factsWith({ inspections: others })).refusals).toEqual([]);
  });

  it('passes on what was wrong with other copies', () => {
    const facts = factsWith();
    facts.chosen.problems.push({ repository: 'offsite', problem: 'does not answer' });

    expect(evaluateRestore(facts).plan?.warnings).toEqual(['offsite: does not answer']);
  });
});
