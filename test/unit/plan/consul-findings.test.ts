import type { ConsulContent } from '../../../src/contract/method';
import type { ConsulView } from '../../../src/contract/plan';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { whyNotAllowed } from '../../../src/plan/host-actions';
import { type Changes, factsWith, NAMES, serving } from '../../support/restore-facts';

const ACCESSOR = '6e1b9f0e-5a4b-4a5e-9f1b-0c6c4b1d2e3f';
const content: ConsulContent = {
  method: 'consul',
  scope: 'all',
  path: 'vault/',
  consistency: 'default',
  accessor: ACCESSOR,
  others: { services: 2, otherKeys: 1_234, aclTokens: 0 },
};
const consul: ConsulView = {
  leader: '10.0.0.1:8300',
  servers: { all: 3, healthy: 3 },
  accessor: ACCESSOR,
  path: 'vault/',
  holdsVault: false,
  problem: null,
};
const storage = { type: 'consul', path: 'vault/', nodeId: null };
const config = {
  storage,
  seal: null,
  listeners: [],
  disableMlock: null,
  problems: [],
};

function evaluated({ manifest, live, ...changes }: Changes = {}, view: Partial<ConsulView> | null = {}) {
  return evaluateRestore(
    factsWith({
      inspections: Object.fromEntries(NAMES.map((name) => [name, { config }])),
      ...changes,
      manifest: { content, ...manifest },
      live: { ...live, ...(view === null ? {} : { consul: { ...consul, ...view } }) },
    }),
  );
}

function planOf(...given: Parameters<typeof evaluated>) {
  const { plan, refusals } = evaluated(...given);
  expect(refusals).toEqual([]);
  if (!plan) throw new Error('refused');
  return plan;
}

describe('a restore of Consul', () => {
  it('stops all Vaults, keeps what is there, and sets no data directory aside', () => {
    const plan = planOf({ accept: ['lose-newer-data'] }, { holdsVault: true });

    expect(plan).toMatchObject({ method: 'snapshot', archive: 'consul', storage: 'consul', holdData: ['vault-1'] });
    expect(plan.consul).toMatchObject({ path: 'vault/', accessor: ACCESSOR });
    expect(plan.steps[0]?.steps).toEqual([
      expect.stringMatching(/^fetch the backup/),
      'stop Vault',
      'keep a snapshot of what is in Consul now, encrypted, on its own disk',
      'restore Consul, and delete the lock of the last leader (vault/core/lock)',
      'start Vault',
      'unseal with the shares of 3 key holders',
      expect.stringMatching(/^verify: leads/),
    ]);
    expect(plan.steps[1]?.steps).not.toContainEqual(expect.stringContaining('join'));
  });

  it('says what of others goes back as well, and that the token of Vault must be of then', () => {
    const { warnings } = planOf();

    expect(warnings).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /^everything in Consul goes back .*: services 2, otherKeys 1,234\. Other applications lose/,
        ),
        expect.stringMatching(/^Vault's own ACL token for Consul must be one of the backup/),
      ]),
    );
  });

  it('says how many servers of Consul are left', () => {
    const unwell = planOf({}, { servers: { all: 3, healthy: 2 } }).warnings;

    expect(unwell).toContain('2 of 3 Consul servers are healthy');
    expect(planOf().warnings.join()).not.toContain('Consul servers are healthy');
  });

  it.each<[string, Partial<ConsulView> | null, RegExp]>([
    ['nobody configured it', null, /it is not configured \[consul-unreachable\]$/],
    ['it does not answer', { problem: 'connect ECONNREFUSED' }, /ECONNREFUSED \[consul-unreachable\]$/],
    ['it has no leader', { leader: null }, /bring its quorum back first \[consul-no-leader\]$/],
    ['Vault stores elsewhere in it', { path: 'other/' }, /`consul\.path` is other\/ \[consul-path\]$/],
    [
      'its token is newer than the backup',
      { accessor: '00000000-0000-4000-8000-000000000000' },
      /may not exist afterwards \[consul-token, override with --accept consul-token\]$/,
    ],
    [
      'it holds newer data while the Vaults are down',
      { holdsVault: true },
      /nothing is lost \[lose-newer-data, override with --accept lose-newer-data\]$/,
    ],
  ])('is refused when %s', (_what, view, reason) => {
    expect(evaluated({}, view).refusals).toEqual([expect.stringMatching(reason)]);
  });

  it('of an imported snapshot does not claim to know whose tokens it has', () => {
    const imported = {
      by: 'ana',
      at: '2026-11-23T04:00:00.000Z',
      from: '/mnt/consul.snap',
      capturedAtBy: 'file',
      serverVersionBy: 'snapshot',
    } as const;
    const manifest = { imported, content: { ...content, consistency: null, accessor: null } };

    expect(evaluated({ manifest }).refusals).toEqual([
      expect.stringMatching(/nobody knows whether the configured one \(6e1b9f0e-.*\) is among them \[consul-token, /),
    ]);
    expect(planOf({ manifest, accept: ['consul-token'] }).accepted).toEqual(['consul-token']);
  });

  it('can be started nevertheless, where an operator takes it upon himself', () => {
    const plan = planOf({ accept: ['consul-token', 'lose-newer-data'] }, { accessor: null, holdsVault: true });

    expect(plan.accepted).toEqual(['lose-newer-data', 'consul-token']);
  });

  it('is refused in place, and into servers that store elsewhere', () => {
    const inPlace = evaluated({ input: { inPlace: true }, live: serving });
    const raft = evaluated({ inspections: {} });
    const other = { ...config, storage: { type: 'raft', path: '/opt/vault/data', nodeId: 'vault-2' } };
    const mixed = evaluated({
      inspections: { 'vault-1': { config }, 'vault-2': { config: other }, 'vault-3': { config } },
    });

    expect(inPlace.refusals.join()).toContain("a backup by the method 'consul' can't be restored in place");
    expect(raft.refusals).toHaveLength(NAMES.length);
    expect(mixed.refusals).toEqual([
      'vault-2: its Vault stores its data in \'raft\', and this needs `storage "consul"` [storage-type]',
    ]);
  });

  it('into a Consul without a Vault has no way back', () => {
    expect(planOf().holdData).toEqual([]);
  });
});

describe('what a host may do for it', () => {
  const own = (name: string) => ({ cluster: 'prod', name, dataDir: planOf().nodes[0]?.dataDir ?? '' });

  it.each([
    ['vault-1', { kind: 'save consul' }, null],
    ['vault-1', { kind: 'install', archive: 'consul' }, null],
    ['vault-1', { kind: 'put back consul', lost: null }, null],
    ['vault-1', { kind: 'put back consul', lost: 'some-run' }, 'does not put back what run some-run set aside'],
    ['vault-2', { kind: 'start' }, null],
    ['vault-2', { kind: 'save consul' }, 'does not change the Consul of vault-2'],
    ['vault-2', { kind: 'install', archive: 'consul' }, 'does not install on vault-2'],
    ['vault-1', { kind: 'install', archive: 'raft' }, 'installs a backup by the method consul, not raft'],
    ['vault-2', { kind: 'join' }, 'does not let vault-2 join'],
    ['vault-2', { kind: 'blank' }, 'does not let vault-2 join'],
    [
      'vault-1',
      { kind: 'set aside', how: 'rename', otherCluster: false, layout: 'beside', staged: null, lost: null },
      'does not set the data of vault-1 aside',
    ],
  ] as const)('on %s: %j', (name, action, reason) => {
    const why = whyNotAllowed(planOf(), own(name), action);

    expect(why).toBe(reason === null ? null : `the approved plan ${reason}`);
  });

  it('touches no Consul for the backup of a Raft cluster', () => {
    const raft = evaluateRestore(factsWith()).plan;
    if (!raft) throw new Error('refused');

    for (const action of [{ kind: 'save consul' }, { kind: 'put back consul', lost: null }] as const) {
      expect(whyNotAllowed(raft, own('vault-1'), action)).toContain('does not change the Consul');
    }
    expect(whyNotAllowed(raft, own('vault-1'), { kind: 'install', archive: 'consul' })).toContain('by the method raft');
  });
});
