import { shellWord } from '../../../src/contract/shell-word';
import { configFindings, nodeFindings, roomFindings, secretFindings, signingFindings } from '../../../src/doctor/files';
import type { Finding } from '../../../src/doctor/finding';
import {
  agentPollFindings,
  backupFindings,
  controllerPollFindings,
  enrolledFindings,
  policyFindings,
  sandboxPollFindings,
  searchAttributeFindings,
  unitFindings,
  vaultFindings,
} from '../../../src/doctor/services';

const NOW = Date.parse('2026-11-27T12:00:00Z');
const HOUR_MS = 3_600_000;
const codes = (findings: readonly Finding[]) => findings.map(({ code }) => code);

test.each([
  ['v18.20.4', ['node-too-old']],
  ['v20.18.9', ['node-too-old']],
  ['v20.19.0', []],
  ['v24.1.0', []],
])('Node %s', (version, expected) => expect(codes(nodeFindings(version))).toEqual(expected));

test.each([
  [0o640, 0, []],
  [0o660, 0, []],
  [0o660, 100, ['config-writable']],
  [0o602, 0, ['config-writable']],
  [null, 0, []],
])('a configuration with mode %o of group %s', (mode, gid, expected) => {
  expect(codes(configFindings({ path: '/etc/vault-dr/vault-dr.yaml', mode, gid }))).toEqual(expected);
});

test('a secret may be read by a group, not by all; a public key by all; neither may be missing', () => {
  const secret = (mode: number | null, isPublic = false) => ({
    setting: 'signing.privateKey',
    path: '/k',
    mode,
    isPublic,
  });
  const found = (mode: number | null, isPublic?: boolean) => secretFindings([secret(mode, isPublic)], () => 'make it');

  expect(found(0o640)).toEqual([]);
  expect(found(0o644)).toMatchObject([{ code: 'secret-readable', fix: 'chmod o= /k' }]);
  expect(found(0o644, true)).toEqual([]);
  expect(found(null)).toMatchObject([{ code: 'secret-missing', fix: 'make it' }]);
});

test('halves of a signing key that do not match, with the command that writes the right one', () => {
  const facts = { privateKeyFile: '/etc/a b/key', publicKeyFile: '/pub' };

  expect(signingFindings({ ...facts, matches: true })).toEqual([]);
  expect(signingFindings({ ...facts, matches: null })).toEqual([]);
  expect(signingFindings({ ...facts, matches: false })[0]?.fix).toBe(
    "openssl pkey -in '/etc/a b/key' -pubout -out /pub",
  );
});

test('little room is a warning, and what is not known is nothing', () => {
  expect(roomFindings('/var', 1_000)).toMatchObject([{ code: 'disk-low', severity: 'warning' }]);
  expect([...roomFindings('/var', 1024 ** 4), ...roomFindings('/var', null)]).toEqual([]);
});

test('who has not polled for two minutes is absent', () => {
  expect(controllerPollFindings(NOW - 60_000, NOW)).toEqual([]);
  expect(codes(controllerPollFindings(NOW - 180_000, NOW))).toEqual(['controller-absent']);
  expect(sandboxPollFindings(NOW - 60_000, NOW)).toEqual([]);
  // `vault-dr drill` needs none.
  expect(sandboxPollFindings(null, NOW)).toMatchObject([{ code: 'sandbox-absent', severity: 'warning' }]);
  expect(codes(agentPollFindings('vault-1', null, NOW))).toEqual(['agent-absent']);
});

test('a node without an agent, with the command that invites one', () => {
  expect(enrolledFindings({ cluster: 'prod', node: 'vault-1', missing: [] })).toEqual([]);
  expect(enrolledFindings({ cluster: 'prod', node: 'vault-1', missing: ['dataDir'] })[0]?.fix).toBe(
    'vault-dr enrol invite --cluster prod --node vault-1',
  );
});

test('missing search attributes are created by one line', () => {
  expect(searchAttributeFindings('dr', [])).toEqual([]);
  expect(searchAttributeFindings('dr', ['A', 'B'])[0]?.fix).toMatch(
    /--name A --type Keyword && .*--name B --type Keyword$/,
  );
});

test.each([
  [{}, []],
  [{ problem: 'refused' }, ['vault-unreachable']],
  [{ sealed: true }, ['vault-sealed']],
  [{ aheadSeconds: -45 }, ['clock-skew']],
  [{ aheadSeconds: 20 }, []],
  [{ sealed: true, aheadSeconds: 1_000 }, ['vault-sealed', 'clock-skew']],
])('a Vault with %j', (change, expected) => {
  const good = {
    node: 'v',
    address: 'https://v:8200',
    problem: null,
    sealed: false,
    initialized: true,
    aheadSeconds: 0,
  };

  expect(codes(vaultFindings({ ...good, ...change }, 'systemctl start vault'))).toEqual(expected);
});

test('a policy that lacks something names it; that of root lacks nothing', () => {
  const wanted = { 'sys/a': ['read'], 'secret/b': ['create', 'read'] };

  expect(policyFindings('prod', wanted, { 'sys/a': ['root'], 'secret/b': ['root'] }, 'p.hcl')).toEqual([]);
  expect(policyFindings('prod', wanted, { 'sys/a': ['read'], 'secret/b': ['read'] }, 'p.hcl')).toMatchObject([
    { text: expect.stringContaining('secret/b (create)'), fix: 'vault policy write vault-dr p.hcl' },
  ]);
});

test.each([
  [{ schedule: null, newest: NOW - HOUR_MS }, ['schedule-missing']],
  [{ schedule: { paused: true, everyMs: HOUR_MS }, newest: NOW }, ['schedule-paused']],
  [{ schedule: { paused: false, everyMs: HOUR_MS }, newest: NOW - 3 * HOUR_MS }, ['backup-old']],
  [{ schedule: { paused: false, everyMs: null }, newest: NOW - 3 * HOUR_MS }, []],
  [{ schedule: { paused: false, everyMs: null }, newest: NOW - 25 * HOUR_MS }, ['backup-old']],
  [{ schedule: { paused: false, everyMs: HOUR_MS }, newest: null }, ['backup-missing']],
  [{ schedule: { paused: false, everyMs: HOUR_MS }, newest: undefined }, [null]],
])('backups %j', (facts, expected) => {
  expect(codes(backupFindings({ cluster: 'prod', ...facts }, NOW))).toEqual(expected);
});

test.each([
  [null, false, [null]],
  [null, true, []],
  [{ loadState: 'not-found', activeState: 'inactive', fileState: null }, false, ['unit-not-installed']],
  [{ loadState: 'not-found', activeState: 'inactive', fileState: null }, true, [null]],
  [{ loadState: 'loaded', activeState: 'failed', fileState: 'enabled' }, false, ['unit-not-running']],
  [{ loadState: 'loaded', activeState: 'active', fileState: 'disabled' }, true, ['unit-not-enabled']],
  [{ loadState: 'loaded', activeState: 'active', fileState: 'enabled' }, true, []],
])('a unit in state %j that polls: %s', (state, polls, expected) => {
  expect(codes(unitFindings({ name: 'vault-dr-agent', state, polls, install: 'vault-dr install agent' }))).toEqual(
    expected,
  );
});

test('what goes into a command cannot become another one', () => {
  expect(shellWord('/a/b-c.yaml')).toBe('/a/b-c.yaml');
  expect(shellWord("x'; rm -rf /; '")).toBe(`'x'\\''; rm -rf /; '\\'''`);
});
