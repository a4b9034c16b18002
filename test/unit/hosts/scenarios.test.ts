import { HOST_NAMES, hostsFile } from '../../hosts/network';
import { allScenarios } from '../../hosts/scenarios';

const names = allScenarios().map(({ name }) => name);

test('names each scenario once', () => {
  expect(new Set(names).size).toBe(names.length);
});

test('cuts the power of each host that a restore needs, and each phase that changes a node', () => {
  const cuts = names.filter((name) => name.startsWith('power/')).map((name) => name.split('/'));
  expect(new Set(cuts.map(([, , host]) => host))).toEqual(new Set(HOST_NAMES.filter((host) => host !== 'control-2')));
  expect(new Set(cuts.map(([, phase]) => phase))).toEqual(new Set(['stage', 'install', 'unseal', 'join', 'converge']));
});

test('gives each host one address', () => {
  const addresses = hostsFile().match(/^10\.\S+/gm) ?? [];
  expect(new Set(addresses).size).toBe(HOST_NAMES.length);
});
