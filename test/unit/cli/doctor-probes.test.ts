import { readConfig } from '../../../src/cli/doctor/probes';

describe('doctor, where there is no configuration', () => {
  it.each([
    ['controller', 'vault-dr init --config /nowhere/vault-dr.yaml'],
    ['agent', 'vault-dr enrol accept --config /nowhere/vault-dr.yaml'],
  ] as const)('leads to the command that makes one for a host with the %s', async (part, fix) => {
    const [config, findings] = await readConfig('/nowhere/vault-dr.yaml', part);

    expect(config).toBeNull();
    expect(findings).toEqual([expect.objectContaining({ code: 'config-missing', fix })]);
  });
});
