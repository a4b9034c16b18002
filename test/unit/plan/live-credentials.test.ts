import type { Manifest } from '../../../src/contract/generation';
import { describePlan } from '../../../src/contract/voice/plan-text';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { type Changes, factsWith } from '../../support/restore-facts';

const NOTHING = { staticRoles: 0, unfinished: 0, auditDevices: 0, plugins: [] };
const TOKENS = { total: 3, byMount: { 'auth/token': 1, 'namespaces/nW3x/auth/approle': 2 } };
const HARMLESS = { leases: TOKENS, reach: NOTHING };
const BITING: Partial<Manifest> = {
  leases: { total: 15, byMount: { database: 12, 'auth/token': 3 } },
  reach: { staticRoles: 2, unfinished: 1, auditDevices: 1, plugins: ['secret/hsm'] },
};

/** Of prod, into staging. */
function plannedInto(manifest: Partial<Manifest>, answering: string[], changes: Changes = {}) {
  const facts = factsWith({
    ...changes,
    manifest,
    input: { into: 'staging', ...changes.input },
    settings: { cluster: 'staging', ...changes.settings },
    live: { leader: null },
    // The disks of staging are blank.
    inspections: Object.fromEntries(['vault-1', 'vault-2', 'vault-3'].map((name) => [name, { dataDir: { ...BLANK } }])),
  });
  return evaluateRestore({ ...facts, source: { answering } });
}

const BLANK = {
  path: '/opt/vault/data',
  exists: true,
  empty: true,
  mountPoint: false,
  sizeBytes: 0,
  freeBytes: 2 ** 40,
};
const CODE = '[live-credentials, override with --accept live-credentials]';

describe('a restore beside a cluster that lives', () => {
  it('is refused by what would act in the real systems, and says what that is', () => {
    const { refusals } = plannedInto(BITING, ['vault-1', 'vault-2']);

    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toContain('prod is running, and the backup holds credentials and devices of other systems: ');
    expect(refusals[0]).toContain(
      'leases (database 12); 2 static roles; 1 unfinished request of secrets engines; 1 audit device; external plugins: secret/hsm',
    );
    expect(refusals[0]).toContain('Cut the hosts of staging off from those systems first');
    expect(refusals[0]).toContain(CODE);
  });

  it.each<[string, Partial<Manifest>]>([
    ['leases of a secrets engine', { ...HARMLESS, leases: { total: 1, byMount: { 'namespaces/nW3x/aws': 1 } } }],
    ['a static role', { ...HARMLESS, reach: { ...NOTHING, staticRoles: 1 } }],
    ['an unfinished request', { ...HARMLESS, reach: { ...NOTHING, unfinished: 1 } }],
    ['an audit device', { ...HARMLESS, reach: { ...NOTHING, auditDevices: 1 } }],
    ['a plugin', { ...HARMLESS, reach: { ...NOTHING, plugins: ['auth/x'] } }],
    ['nobody knows what, for an earlier version made it', { leases: TOKENS, reach: undefined }],
    ['what Enterprise does by itself, which no key shows', { ...HARMLESS, serverVersion: '1.21.1+ent' }],
    ['nobody knows which leases', { leases: null, reach: NOTHING }],
  ])('is refused where the backup holds %s', (_what, manifest) => {
    expect(plannedInto(manifest, ['vault-1']).refusals.join()).toContain(CODE);
  });

  it('is made where only tokens have leases, which end inside, and says so', () => {
    const { plan } = plannedInto(HARMLESS, ['vault-1']);

    expect(plan).not.toBeNull();
    expect(describePlan(plan!)).toContain(
      'It holds no credentials that staging could revoke or rotate while prod uses them.',
    );
  });

  it('can be accepted by its name, and then somebody has to approve it, also where a drill wants nobody', () => {
    const { plan } = plannedInto(BITING, ['vault-1'], {
      accept: ['live-credentials'],
      settings: { approvals: 0, drill: true },
      input: { drill: true },
    });

    expect(plan).toMatchObject({ approvals: 1, accepted: ['live-credentials'] });
    expect(plan?.warnings.join()).toContain('prod is running');
    expect(describePlan(plan!).join('\n')).toContain('static roles 2 (overdue ones are rotated at once)');
  });

  it('is refused in a drill also where nothing answers: its source continues', () => {
    const { refusals } = plannedInto(BITING, [], { input: { drill: true }, settings: { drill: true } });

    expect(refusals.join()).toContain('a drill replaces nothing, so prod continues to run, and the backup holds');
  });

  it('is made of a cluster that is lost, with a warning to keep it off', () => {
    const { plan } = plannedInto(BITING, []);

    expect(plan?.approvals).toBe(2);
    expect(plan?.warnings.join()).toContain('no node of prod answers from here, so it counts as lost');
  });

  it('stands against no restore of the cluster itself', () => {
    expect(evaluateRestore(factsWith({ manifest: BITING })).refusals).toEqual([]);
  });
});

describe('an imported snapshot', () => {
  const imported: Manifest['imported'] = {
    by: 'ana',
    at: '2026-11-23T04:30:00.000Z',
    from: '/mnt/vault.snap',
    capturedAtBy: 'operator',
    serverVersionBy: 'operator',
  };

  it('of other hosts than the cluster has may be of another one that lives', () => {
    const raft = { index: 4711, term: 3, peers: [{ id: 'a', address: '10.9.9.9:8201', suffrage: 'voter' as const }] };

    const refused = evaluateRestore(factsWith({ manifest: { ...BITING, imported, raft }, accept: ['login'] }));
    const harmless = evaluateRestore(factsWith({ manifest: { ...HARMLESS, imported, raft }, accept: ['login'] }));

    expect(refused.refusals).toEqual([
      expect.stringContaining('the address of a peer of the imported snapshot (a (10.9.9.9:8201))'),
    ]);
    expect(refused.refusals[0]).toContain(CODE);
    expect(harmless.refusals).toEqual([]);
  });

  it('of the same hosts is restored as any other', () => {
    expect(evaluateRestore(factsWith({ manifest: { ...BITING, imported }, accept: ['login'] })).refusals).toEqual([]);
  });
});
