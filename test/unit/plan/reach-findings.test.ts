import type { NodeReport } from '../../../src/contract/host';
import { evaluateNode } from '../../../src/plan/evaluate-node';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { reachWarnings } from '../../../src/plan/reach-findings';
import { nodeReport } from '../../support/plan-facts';
import { factsWith } from '../../support/restore-facts';

const REACH = { address: 'https://127.0.0.1:8200', problem: null, unchecked: null };
const demands = { sealType: null, serverVersion: null, dataBytes: 0, setAside: 'rename' as const };
const withReach = (reach: Partial<NodeReport['reach']>) => nodeReport('vault-2', { reach: { ...REACH, ...reach } });

it('what its agent does not reach stands against a plan, and may be accepted by name', () => {
  const report = withReach({ problem: 'nobody is there' });

  const findings = evaluateNode({ node: 'vault-2', report, problem: null }, [], demands);

  expect(findings).toEqual([{ code: 'reach', text: 'vault-2: nobody is there', accept: 'reach' }]);
  // In place the agent asks at the node's own address.
  expect(evaluateNode({ node: 'vault-2', report, problem: null }, [], { ...demands, setAside: null })).toEqual([]);
});

it('what could not be checked is a warning, also of an agent that says nothing of it', () => {
  const { reach: _reach, ...older } = nodeReport('vault-3');
  expect(
    reachWarnings([
      { node: 'vault-1', report: withReach({}) },
      { node: 'vault-2', report: withReach({ unchecked: 'it is a secret' }) },
      { node: 'vault-3', report: older },
      { node: 'vault-4', report: null },
    ]),
  ).toEqual([
    'vault-2: not checked: whether its agent can reach Vault: it is a secret',
    'vault-3: not checked: whether its agent can reach Vault: an agent of an earlier version?',
  ]);
});

it('a restore says both', () => {
  const inspections = {
    'vault-1': { reach: { ...REACH, problem: 'nobody is there' } },
    'vault-2': { reach: { ...REACH, unchecked: 'who knows' } },
  };

  expect(evaluateRestore(factsWith({ inspections })).refusals).toEqual([
    'vault-1: nobody is there [reach, override with --accept reach]',
  ]);
  expect(evaluateRestore(factsWith({ inspections, accept: ['reach'] })).plan).toMatchObject({
    accepted: ['reach'],
    warnings: expect.arrayContaining([
      'vault-1: nobody is there',
      'vault-2: not checked: whether its agent can reach Vault: who knows',
    ]),
  });
});
