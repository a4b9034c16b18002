import { writeFile } from 'node:fs/promises';
import { readConfig } from '../../../src/cli/doctor/probes';
import { configOfEarlierVersion } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

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

it('doctor warns of settings of earlier versions, by their line', async () => {
  await writeFile(inTest('vault-dr.yaml'), configOfEarlierVersion(), { mode: 0o600 });

  const [config, findings] = await readConfig(inTest('vault-dr.yaml'), 'controller');

  expect(config).not.toBeNull();
  expect(findings).toEqual([
    {
      code: 'config-deprecated',
      severity: 'warning',
      where: inTest('vault-dr.yaml'),
      text: 'line 14: clusters.prod.consul.scope: does not exist any more: a backup always has all that is in Consul; remove it',
      fix: `\${EDITOR:-vi} ${inTest('vault-dr.yaml')}`,
    },
    expect.objectContaining({ code: 'config-deprecated', text: expect.stringContaining('line 15: ') }),
  ]);
});
