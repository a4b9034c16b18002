import type { ServiceCheck, UnitReport } from '../../../src/contract/host';
import { nodeInspection as schema } from '../../../src/contract/step-input/host';
import { serviceFindings, serviceWarnings } from '../../../src/plan/service-findings';
import { evaluateNode } from '../../../src/plan/evaluate-node';
import { evaluateRebuild } from '../../../src/plan/evaluate-rebuild';
import { evaluateRecoverQuorum } from '../../../src/plan/evaluate-recover-quorum';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { liveView, nodeReport, settingsOf } from '../../support/plan-facts';
import { factsWith, NAMES, serving } from '../../support/restore-facts';

const UNIT: UnitReport = {
  name: 'vault.service',
  loadState: 'loaded',
  loadError: null,
  fileState: 'enabled',
  activeState: 'active',
  subState: 'running',
  result: 'success',
  restarts: 0,
  startLimit: null,
  needsReload: false,
  refusesManual: { start: false, stop: false },
  missingPrograms: [],
};
const check = (unit: Partial<UnitReport> | null, changes: Partial<ServiceCheck> = {}): ServiceCheck => ({
  unit: unit && { ...UNIT, ...unit },
  missingCommands: [],
  unchecked: [],
  ...changes,
});
const reportWith = (serviceCheck: ServiceCheck) => nodeReport('vault-2', { serviceCheck });
const refusals = (serviceCheck: ServiceCheck) => serviceFindings(reportWith(serviceCheck)).map(({ text }) => text);
const warnings = (serviceCheck: ServiceCheck) =>
  serviceWarnings([{ node: 'vault-2', report: reportWith(serviceCheck) }]);

test('a unit that is well is worth no word', () => {
  expect([...refusals(check({})), ...warnings(check({}))]).toEqual([]);
  expect([...refusals(check(null)), ...warnings(check(null))]).toEqual([]);
});

test.each<[string, Partial<UnitReport>, string]>([
  ['masked', { loadState: 'masked', fileState: 'masked' }, '`systemctl unmask vault`'],
  ['masked until a reboot', { loadState: 'masked', fileState: 'masked-runtime' }, '`systemctl unmask --runtime vault`'],
  ['not there', { loadState: 'not-found' }, 'unit vault.service does not exist: install Vault'],
  [
    'not to be loaded',
    { loadState: 'bad-setting', loadError: 'Unit vault.service has a bad unit file setting.' },
    "can't be loaded (bad-setting: Unit vault.service has a bad unit file setting.): fix it, then `systemctl daemon-reload`",
  ],
  ['in error', { loadState: 'error' }, "can't be loaded (error): fix it"],
  ['not to be stopped', { refusesManual: { start: false, stop: true } }, "can't be stopped by hand"],
  ['without its program', { missingPrograms: ['/usr/bin/vault'] }, '/usr/bin/vault, which does not exist'],
])('a unit that is %s is refused, with the way out', (_what, unit, words) => {
  expect(refusals(check(unit))).toEqual([expect.stringContaining(words)]);
});

test('a command that is not there, and a directory that can not be set aside, are refused', () => {
  expect(refusals(check({}, { missingCommands: ['start: systemctl'] }))).toEqual([
    'the program of its service command does not exist or is not executable (start: systemctl)',
  ]);
  const report = nodeReport('vault-2', { setAsideProblem: '/opt/vault is read-only for the agent' });
  const demands = { sealType: null, serverVersion: null, dataBytes: 0, setAside: 'rename' as const };
  const words = "vault-2: its data directory can't be set aside: /opt/vault is read-only for the agent";

  const found = evaluateNode({ node: 'vault-2', report, problem: null }, [], demands);

  expect(found).toEqual([{ code: 'cannot-set-aside', text: words }]);
  expect(evaluateNode({ node: 'vault-2', report, problem: null }, [], { ...demands, setAside: null })).toEqual([]);
});

test.each<[string, Partial<UnitReport>, string]>([
  ['is not enabled', { fileState: 'disabled' }, '`systemctl enable vault`'],
  ['has been given up', { activeState: 'failed', result: 'start-limit-hit' }, '`systemctl reset-failed vault`'],
  ['has failed', { activeState: 'failed', result: 'exit-code' }, 'has failed (exit-code)'],
  ['may be started few times', { startLimit: { starts: 3, interval: '1min' } }, 'allows only 3 starts within 1min'],
  ['is loaded from an older file', { needsReload: true }, '`systemctl daemon-reload`'],
])('a unit that %s is a warning, and no reason against it', (_what, unit, words) => {
  expect(warnings(check(unit))).toEqual([expect.stringMatching(/^vault-2: /)]);
  expect(warnings(check(unit))[0]).toContain(words);
  expect(refusals(check(unit))).toEqual([]);
});

test('what could not be checked is said: never a yes, never a refusal', () => {
  const unknown = check(null, { unchecked: ['whether `start-vault` would start Vault (it names no systemd unit)'] });
  const earlier = nodeReport('vault-2');
  delete earlier.serviceCheck;
  delete earlier.setAsideProblem;

  expect(warnings(unknown)).toEqual([
    'vault-2: not checked: whether `start-vault` would start Vault (it names no systemd unit)',
  ]);
  expect(serviceWarnings([{ node: 'vault-2', report: earlier }])).toEqual([
    'vault-2: not checked: whether its service can be stopped and started (an agent of an earlier version?)',
  ]);
  expect([...refusals(unknown), ...serviceFindings(earlier)]).toEqual([]);
  expect(serviceWarnings([{ node: 'vault-2', report: null }])).toEqual([]);
});

test('a step takes what agents say of it, of earlier versions too, and nothing else', () => {
  const inspection = (report: object) => schema.safeParse({ node: 'vault-2', report, problem: null }).success;
  const report = reportWith(check({ startLimit: { starts: 3, interval: '1min' } }, { unchecked: ['x'] }));
  const { serviceCheck: _check, setAsideProblem: _problem, ...earlier } = report;

  expect(inspection(report)).toBe(true);
  expect(inspection(earlier)).toBe(true);
  expect(inspection({ ...report, serviceCheck: check({ more: 1 } as object) })).toBe(false);
});

test('every plan that stops and starts nodes says it; one in place, which does not, is not held up by it', () => {
  const masked = check({ loadState: 'masked', fileState: 'masked' });
  const disabled = check({ fileState: 'disabled' });
  const restore = (serviceCheck: ServiceCheck) =>
    evaluateRestore(factsWith({ inspections: { 'vault-2': { serviceCheck } } }));
  const inspections = NAMES.map((node) => ({ node, report: nodeReport(node), problem: null }));
  const [, second] = inspections;
  const live = liveView({ ...serving, leader: 'vault-1' });
  const base = { settings: settingsOf(NAMES), now: '2026-11-23T05:00:00.000Z' };
  const input = { cluster: 'prod', requestedBy: 'ana', accept: [] };
  const ofReport = (serviceCheck: ServiceCheck) => ({ ...second!, report: { ...second!.report, serviceCheck } });

  expect(restore(masked).refusals).toEqual([expect.stringMatching(/^vault-2: its unit vault\.service is masked/)]);
  expect(restore(disabled).plan?.warnings).toContainEqual(expect.stringMatching(/^vault-2: .* is not enabled/));
  const rebuild = (serviceCheck: ServiceCheck) =>
    evaluateRebuild({ ...base, input: { ...input, node: 'vault-2' }, inspection: ofReport(serviceCheck), live });
  expect(rebuild(masked).refusals).toEqual([expect.stringContaining('is masked')]);
  expect(rebuild(disabled).plan?.warnings).toContainEqual(expect.stringContaining('is not enabled'));
  const quorum = evaluateRecoverQuorum({ ...base, input, inspections: [ofReport(masked)], live: liveView() });
  expect(quorum.refusals).toContainEqual(expect.stringContaining('is masked'));

  const inPlace = evaluateRestore(
    factsWith({ input: { inPlace: true }, live: { ...serving }, inspections: { 'vault-2': { serviceCheck: masked } } }),
  );
  expect(inPlace.refusals).toEqual([]);
});

describe('a unit that the agent starts and stops itself', () => {
  const managed = { alsoStops: [], triggeredBy: [], holdProblem: null, heldBy: null };
  const limits = { startLimit: { starts: 3, interval: '1min' }, activeState: 'failed', result: 'start-limit-hit' };

  test('has no limit of starts worth a word: it is reset', () => {
    expect(warnings(check({ ...limits, managed }))).toEqual([]);
    expect(warnings(check(limits)).join()).toContain('reset-failed');
  });

  test.each([
    [{ alsoStops: ['vault-proxy.service'] }, 'systemd stops vault-proxy.service, and starts that again for nobody'],
    [{ heldBy: '01a20e44-4ffd-79d7-a62f-52f6f5151414' }, 'is kept stopped by run 01a20e44'],
    [{ holdProblem: 'no rights' }, 'while it must be stopped (a person or another unit): no rights'],
    [{ holdProblem: 'no rights', triggeredBy: ['vault.timer'] }, 'while it must be stopped (vault.timer): no rights'],
  ])('%j is a warning', (changes, text) => {
    const serviceCheck = check({ managed: { ...managed, ...changes } });

    expect(warnings(serviceCheck)).toEqual([expect.stringContaining(text)]);
    expect(refusals(serviceCheck)).toEqual([]);
    expect(
      schema.safeParse({ node: 'vault-2', report: reportWith(serviceCheck), problem: null }).error,
    ).toBeUndefined();
  });
});
