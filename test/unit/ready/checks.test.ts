import {
  READINESS_CHECKS,
  type ReadinessCheckName,
  type ReadinessVerdict,
  verdictOf,
} from '../../../src/contract/readiness';
import { CHECKS, evaluateChecks } from '../../../src/ready/checks';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../src/lab/project-root';
import { canaryWith, LASTING, OWN, readyFacts, type ReadyChanges, serverWith } from '../../support/ready-facts';
import type { Validity } from '../../../src/contract/host';
import { vaultConfig } from '../../support/plan-facts';
import { vault } from '../../support/restore-facts';

const OLDER = '20261120T040000Z-000000000040-0a1b2c3d';
const NEWER = '20261123T050000Z-000000000099-0a1b2c3d';
const offsite = { repository: 'offsite', problem: 'connect ECONNREFUSED.' };
const gone = {
  chosen: null,
  newest: null,
  problem: { code: 'UnknownGeneration', text: 'none.', retryable: false },
} as const;
const withPlugins = { ...serverWith(), plugins: { directory: '/plugins', files: ['vault-plugin-database-oracle'] } };
const ending = { ...LASTING, from: '2025-11-29T00:00:00.000Z', until: '2026-11-29T00:00:00.000Z' };
const shortLived = { ...LASTING, from: '2026-11-22T06:00:00.000Z', until: '2026-11-23T06:00:00.000Z' };
const certified = (certificate: Validity): ReadyChanges => ({
  inspections: { 'vault-2': { config: { ...vaultConfig({ nodeId: 'vault-2' }), server: serverWith([certificate]) } } },
});
const full = { path: '/opt/vault/data', exists: true, empty: false, mountPoint: false, sizeBytes: 1, freeBytes: 1 };
const unit = {
  name: 'vault.service',
  loadState: 'masked',
  loadError: null,
  fileState: null,
  activeState: 'inactive',
  subState: 'dead',
  result: null,
  restarts: null,
  startLimit: null,
  needsReload: false,
  refusesManual: { start: false, stop: false },
  missingPrograms: [],
};

/** Asked only where they are configured, or where the backup has plugins. */
const OPTIONAL: readonly ReadinessCheckName[] = ['recovery-time', 'lock', 'plugins', 'drill', 'roll-call'];
const DRILLED = { at: '2026-11-20T04:00:00.000Z', passed: true, level: 'restored', seconds: 20 } as const;
const within = (targetSeconds: number, peopleSeconds: number | null = null) => ({
  policy: { rto: { targetSeconds, peopleSeconds, withoutPeople: false } },
});
const restored = (machineSeconds: number, peopleSeconds: number) => ({ at: DRILLED.at, machineSeconds, peopleSeconds });
const locking = { policy: { locking: ['offsite'] } };
const rollCall = { holders: ['ana', 'ben'], everyDays: 90 };
const lockOf = (until: string | null) => ({ repository: 'offsite', until, held: false, problem: null });

function found(check: ReadinessCheckName, changes: ReadyChanges) {
  return CHECKS[check].check(readyFacts(changes));
}

it('are all a yes where nothing is wrong, and each says what was seen', () => {
  const checks = evaluateChecks(readyFacts());

  // The others concern what this cluster does not have.
  expect(checks.map(({ check }) => check)).toEqual(READINESS_CHECKS.filter((check) => !OPTIONAL.includes(check)));
  expect(checks.filter(({ verdict, remedy }) => verdict !== 'yes' || remedy !== null)).toEqual([]);
  expect(checks.filter(({ seen }) => seen.trim() === '' || seen.endsWith('.'))).toEqual([]);
  expect(verdictOf(checks)).toBe('yes');
});

it.each<[string, ReadinessCheckName, ReadyChanges, RegExp]>([
  ['there is no backup', 'backup-usable', { survey: gone }, /vault-dr backup --cluster prod/],
  ['no copy is whole', 'backup-usable', { survey: { ...gone, newest: OLDER } }, /vault-dr backups verify/],
  ['an older one would be loaded', 'backup-usable', { survey: { newest: NEWER } }, /vault-dr backups verify/],
  ['it is older than the objective', 'backup-age', { policy: { rpoSeconds: 60 } }, /vault-dr backup --cluster prod/],
  ['it is of two days ago', 'backup-age', { manifest: { capturedAt: '2026-11-21T04:00:00.000Z' } }, /vault-dr backup/],
  ['one copy is left', 'copies', { healthy: ['local'] }, /--repair/],
  ['there is one repository', 'copies', { healthy: ['local'], settings: { repositories: ['local'] } }, /second/],
  ['a backup was removed', 'chain', { survey: { chain: [offsite] } }, /vault-dr backups verify --cluster prod/],
  ['a mark is missing', 'marks', { survey: { marks: [offsite] } }, /pin again/],
  [
    'the first node reads no copy',
    'copies-in-reach',
    {
      inspections: {
        'vault-1': {
          unreadable: ['local', 'offsite'].map((repository) => ({ repository, cluster: 'prod', problem: 'ENOENT' })),
        },
      },
    },
    /--repair/,
  ],
  ['an agent is down', 'agents', { silentAgents: ['vault-2'] }, /doctor agent --cluster prod --node vault-2/],
  ['a clock is slow', 'clocks', { inspections: { 'vault-3': { clock: '2026-11-23T04:58:00.000Z' } } }, /timedatectl/],
  ['a clock is fast', 'clocks', { inspections: { 'vault-3': { clock: '2026-11-23T05:02:00.000Z' } } }, /timedatectl/],
  [
    'the identity is gone',
    'identity',
    { canary: canaryWith({ result: { sha256: null, problem: 'ENOENT', advice: 'Put it back.' }, problem: null }) },
    /Put it back/,
  ],
  [
    'something else was decrypted',
    'identity',
    { canary: canaryWith({ result: { sha256: 'cd'.repeat(32), problem: null, advice: null }, problem: null }) },
    /restore\.identities/,
  ],
  ['the login is refused', 'login', { live: { login: false, problem: 'permission denied' } }, /explain login/],
  [
    'another login is configured',
    'login',
    { credential: { fingerprint: '0'.repeat(64), problem: null } },
    /explain login/,
  ],
  [
    'a unit is masked',
    'rights',
    { inspections: { 'vault-1': { serviceCheck: { unit, missingCommands: [], unchecked: [] } } } },
    /explain unit-masked/,
  ],
  [
    'a directory can not be renamed',
    'rights',
    { inspections: { 'vault-1': { setAsideProblem: 'EACCES' } } },
    /cannot-set/,
  ],
  ['a disk is full', 'room', { inspections: { 'vault-2': { dataDir: full } } }, /explain no-room/],
  [
    'a node is older',
    'versions',
    { inspections: { 'vault-2': { vault: { ...vault, version: '1.15.0' } } } },
    /explain/,
  ],
  [
    'the seal is another',
    'seal',
    { inspections: { 'vault-1': { vault: { ...vault, sealType: 'transit' } } } },
    /seal-mismatch/,
  ],
  [
    'the seal does not reach its key',
    'seal',
    { inspections: { 'vault-1': { seal: { checked: true, problem: 'no route' } } } },
    /seal-unreachable/,
  ],
  [
    'an agent does not reach its Vault',
    'reach',
    { inspections: { 'vault-1': { reach: { address: 'https://127.0.0.1', problem: 'refused', unchecked: null } } } },
    /explain reach/,
  ],
  ['the cluster is another', 'plan', { live: { clusterId: 'another' } }, /explain other-cluster/],
  ['data can not be read', 'plan', { inspections: { 'vault-1': { storageProblem: 'EACCES' } } }, /data-unreadable/],
  ['no copy is locked', 'lock', { ...locking, survey: { locks: [lockOf(null)] } }, /objectLock\.days/],
  [
    'the lock ends too soon',
    'lock',
    { ...locking, survey: { locks: [lockOf('2026-11-23T06:00:00.000Z')] } },
    /repository check offsite/,
  ],
  ['a certificate ends in six days', 'certificates', certified(ending), /Renew it/],
  [
    'that of an agent for Temporal does',
    'certificates',
    { inspections: { 'vault-2': { certificates: [ending] } } },
    /Renew it/,
  ],
  [
    'its secret id is nearly used up',
    'login-expiry',
    { live: { loginValidity: { ...LASTING, usesLeft: 99 } } },
    /Make a new one/,
  ],
  ['one that renews itself each day did not', 'certificates', certified(shortLived), /Renew it/],
  [
    'one has ended before it began',
    'certificates',
    certified({ ...ending, from: '2027-11-01T00:00:00.000Z', until: '2026-11-23T04:59:00.000Z' }),
    /Renew it/,
  ],
  ['one has ended', 'certificates', certified({ ...ending, until: '2026-11-20T00:00:00.000Z' }), /Renew it/],
  [
    'the controller has one that ends',
    'certificates',
    { survey: { own: { ...OWN, certificates: [ending] } } },
    /restart vault-dr/,
  ],
  ['the secret id ends in six days', 'login-expiry', { live: { loginValidity: ending } }, /auth of the cluster/],
  [
    'the signing keys differ',
    'signing-key',
    { survey: { own: { ...OWN, signingKeysMatch: false } } },
    /vault-dr doctor controller/,
  ],
  [
    'the signing key is gone',
    'signing-key',
    { survey: { own: { ...OWN, signingKeysMatch: null, signingProblem: 'ENOENT.' } } },
    /vault-dr doctor controller/,
  ],
  [
    'a line of the trail was changed',
    'audit-trail',
    { survey: { own: { ...OWN, trail: { records: 7, problems: ['line 3 is not a record'] } } } },
    /vault-dr audit verify/,
  ],
  ['no drill has passed', 'drill', { policy: { drillDays: 7 } }, /vault-dr drill --cluster prod/],
  [
    'the last drill failed, and the one before is too long ago',
    'drill',
    {
      policy: { drillDays: 7 },
      survey: {
        drills: [
          { ...DRILLED, at: '2026-11-23T04:00:00.000Z', passed: false },
          { ...DRILLED, at: '2026-11-15T04:00:00.000Z' },
        ],
      },
    },
    /vault-dr drill --cluster prod/,
  ],
  ['no key holder has answered', 'roll-call', { policy: { rollCall } }, /vault-dr roll-call --cluster prod/],
  [
    'restores took longer than the objective',
    'recovery-time',
    { ...within(400), survey: { restores: [restored(300, 200)] } },
    /vault-dr report --stored --cluster prod/,
  ],
  // People come on top, however long they need.
  [
    'drills alone took too long',
    'recovery-time',
    { ...within(30), survey: { drills: [DRILLED] } },
    /change the objective/,
  ],
])('say no where %s, and what to do', (_what, check, changes, remedy) => {
  expect(found(check, changes)).toMatchObject({ verdict: 'no', remedy: expect.stringMatching(remedy) as string });
});

it.each<[string, ReadinessCheckName, ReadyChanges]>([
  ['nothing answers', 'backup-usable', { silent: ['backups'] }],
  ['a repository is away', 'backup-usable', { survey: { ...gone, unanswered: [offsite] } }],
  [
    'it may be there later',
    'backup-usable',
    { survey: { ...gone, problem: { code: 'RepositoryUnavailable', text: 'time-out', retryable: true } } },
  ],
  ['there is no backup', 'backup-age', { survey: gone }],
  ['the second copy may be there', 'copies', { healthy: ['local'], survey: { unanswered: [offsite] } }],
  ['there is no backup', 'copies', { survey: gone }],
  ['not all was listed', 'chain', { survey: { unanswered: [offsite] } }],
  ['not all was listed', 'marks', { survey: { unanswered: [offsite] } }],
  ['there is no backup', 'copies-in-reach', { survey: gone }],
  ['an agent is of an earlier version', 'clocks', { inspections: { 'vault-2': { clock: undefined as never } } }],
  ['the agent is away', 'identity', { canary: canaryWith({ result: null, problem: 'nobody picked it up.' }) }],
  ['the cluster was not asked', 'login', { silent: ['live'] }],
  ['no node serves', 'login', { live: { login: null, problem: 'all are sealed' } }],
  [
    'a unit can not be seen',
    'rights',
    { inspections: { 'vault-1': { serviceCheck: { unit: null, missingCommands: [], unchecked: ['its unit'] } } } },
  ],
  ['an agent is away', 'room', { silentAgents: ['vault-3'] }],
  ['a version is unknown', 'versions', { inspections: { 'vault-2': { vault: { ...vault, version: null } } } }],
  [
    'the key can not be asked for',
    'seal',
    {
      manifest: { seal: { type: 'transit', secretShares: 1, secretThreshold: 1 } },
      inspections: Object.fromEntries(
        ['vault-1', 'vault-2', 'vault-3'].map((node) => [
          node,
          { config: vaultConfig({ nodeId: node, seal: 'transit' }) },
        ]),
      ),
    },
  ],
  [
    'its connection can not be tried',
    'reach',
    { inspections: { 'vault-1': { reach: { address: 'unix', problem: null, unchecked: 'a proxy' } } } },
  ],
  ['a configuration can not be read', 'plan', { inspections: { 'vault-1': { config: null } } }],
  ['there is no backup', 'plan', { survey: gone }],
  ['there is no backup', 'lock', { ...locking, survey: gone }],
  [
    'the bucket does not say',
    'lock',
    { ...locking, survey: { locks: [{ ...lockOf(null), problem: 'AccessDenied.' }] } },
  ],
  ['the copy that would be locked is not good', 'lock', { ...locking, survey: { locks: [] } }],
  [
    'plugins are named, and no directory',
    'plugins',
    { manifest: { reach: { staticRoles: 0, unfinished: 0, auditDevices: 0, plugins: ['database/oracle'] } } },
  ],
  ['Vault wants a token', 'way-in', { inspections: { 'vault-1': { vault: { ...vault, version: '2.0.1' } } } }],
  ['there is no backup', 'way-in', { survey: gone }],
  ['an agent is away', 'certificates', { silentAgents: ['vault-3'] }],
  [
    'an agent is of an earlier version',
    'certificates',
    { inspections: { 'vault-3': { certificates: undefined as never } } },
  ],
  ['no controller has read the backups', 'certificates', { silent: ['backups'] }],
  [
    'the controller is of an earlier version',
    'certificates',
    { survey: { own: { ...OWN, certificates: undefined as never } } },
  ],
  [
    'a certificate is unreadable',
    'certificates',
    certified({ ...LASTING, from: null, until: null, problem: 'EACCES' }),
  ],
  ['it could not log in', 'login-expiry', { silent: ['live'] }],
  [
    'Vault does not say until when',
    'login-expiry',
    { live: { loginValidity: { ...LASTING, from: null, until: null, problem: 'permission denied.' } } },
  ],
  ['nothing answers', 'signing-key', { silent: ['backups'] }],
  ['the trail can not be read', 'audit-trail', { survey: { own: { ...OWN, trail: null, trailProblem: 'EACCES' } } }],
  [
    'a repository is away that may know of one',
    'drill',
    { policy: { drillDays: 7 }, survey: { unanswered: [offsite] } },
  ],
  [
    'a repository is away that may know of one',
    'roll-call',
    { policy: { rollCall }, survey: { unanswered: [offsite] } },
  ],
  ['nothing was measured', 'recovery-time', within(400, 60)],
  ['nobody knows how long people need', 'recovery-time', { ...within(400), survey: { drills: [DRILLED] } }],
])('never say yes where %s: %s', (_what, check, changes) => {
  expect(found(check, changes)).toMatchObject({ verdict: 'unchecked', remedy: expect.any(String) as string });
});

it.each<[string, ReadinessCheckName, ReadyChanges]>([
  ['a copy is locked for long enough', 'lock', { ...locking, survey: { locks: [lockOf('2026-11-24T04:30:00.000Z')] } }],
  [
    'a copy is held',
    'lock',
    { ...locking, survey: { locks: [lockOf(null), { ...lockOf(null), repository: 'vault', held: true }] } },
  ],
  [
    'the files of plugins are there',
    'plugins',
    {
      nodes: ['vault-1'],
      manifest: { reach: { staticRoles: 0, unfinished: 0, auditDevices: 0, plugins: ['database/oracle'] } },
      inspections: { 'vault-1': { config: { ...vaultConfig({ nodeId: 'vault-1' }), server: withPlugins } } },
    },
  ],
  ['its secret id has many uses left', 'login-expiry', { live: { loginValidity: { ...LASTING, usesLeft: 100 } } }],
  ['its secret id never ends', 'login-expiry', { live: { loginValidity: { ...LASTING, until: null } } }],
  [
    'a certificate of a day is half a day old',
    'certificates',
    certified({ ...shortLived, from: '2026-11-22T17:00:00.000Z', until: '2026-11-23T17:00:00.000Z' }),
  ],
  ['a drill has passed', 'drill', { policy: { drillDays: 7 }, survey: { drills: [DRILLED] } }],
  [
    'enough have answered',
    'roll-call',
    {
      policy: { rollCall },
      survey: {
        rollCalls: [
          {
            at: '2026-11-01T04:00:00.000Z',
            run: 'run-1',
            generation: OLDER,
            manifestSha256: 'b'.repeat(64),
            repository: 'local',
            keys: 'unseal',
            shares: 5,
            threshold: 3,
            holders: ['ana', 'ben'].map((holder) => ({ holder, outcome: 'right' as const, shares: 2 })),
          },
        ],
      },
    },
  ],
  [
    'the configuration lets the keys make a token',
    'way-in',
    {
      inspections: {
        'vault-1': {
          vault: { ...vault, version: '2.0.1' },
          config: { ...vaultConfig({ nodeId: 'vault-1' }), rootTokenByKeys: true },
        },
      },
    },
  ],
  [
    'the configuration names how people log in',
    'way-in',
    { policy: { peopleLogin: 'userpass' }, inspections: { 'vault-1': { vault: { ...vault, version: '2.0.1' } } } },
  ],
  ['restores were fast enough', 'recovery-time', { ...within(400), survey: { restores: [restored(100, 200)] } }],
  ['a drill was, with the time of people', 'recovery-time', { ...within(400, 60), survey: { drills: [DRILLED] } }],
])('say yes where %s', (_what, check, changes) => {
  expect(found(check, changes)).toMatchObject({ verdict: 'yes', remedy: null });
});

it('say which namespaces only their own key holders open', () => {
  const ownSeals = [{ id: '5ee1a2e0', path: 'team-a/' }];
  expect(found('seal', { manifest: { ownSeals } })).toMatchObject({
    verdict: 'yes',
    seen: 'it opens with the shares of the key holders; 1 namespace has its own seal: team-a/, which only their own key holders open',
  });
});

it('leave out what does not concern the cluster', () => {
  expect(found('identity', { canary: null })).toBeNull();
  expect(evaluateChecks(readyFacts({ canary: null })).map(({ check }) => check)).not.toContain('identity');
});

it('do not hold against a cluster that it serves, or has data that would be deleted', () => {
  const facts = readyFacts({ settings: { setAside: 'delete' }, live: { leader: 'vault-2' } });
  expect(evaluateChecks(facts).filter(({ verdict }) => verdict !== 'yes')).toEqual([]);
});

it.each<[ReadinessVerdict, ReadinessVerdict[]]>([
  ['no', ['yes', 'unchecked', 'no']],
  ['unchecked', ['yes', 'unchecked']],
  ['yes', ['yes', 'yes']],
  // Nothing was asked.
  ['unchecked', []],
])('amount to %s', (expected, all) => {
  expect(verdictOf(all.map((verdict) => ({ verdict, seen: '', remedy: null })))).toBe(expected);
});

it('are listed in the documentation as they are', () => {
  const page = readFileSync(join(PROJECT_ROOT, 'docs', 'operate', 'ready.md'), 'utf8');
  const rows = [...page.matchAll(/^- `([a-z-]+)`: ([^]*?)(?=\n- |\n\n)/gm)].map(
    ([, name = '', asks = '']) => [name, asks.replace(/\s+/g, ' ')] as const,
  );
  expect(rows).toEqual(READINESS_CHECKS.map((check) => [check, CHECKS[check].asks]));
});
