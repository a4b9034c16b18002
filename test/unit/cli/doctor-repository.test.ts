import { mkdir } from 'node:fs/promises';
import { repositoryOf } from '../../../src/cli/doctor/controller';
import { parseConfig } from '../../../src/config/load';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

describe('what doctor says of a directory that the controller east has', () => {
  const inTest = useDirectory();

  function configOf(name: string) {
    const text = sampleConfig({
      repositories: { local: inTest('local') },
      publicKeyFile: inTest('signing.pub'),
      privateKeyFile: inTest('signing.key'),
    }).replace('type: directory,', 'type: directory, host: east,');
    return parseConfig(`${text}controller: { name: ${name} }\nstateDir: ${inTest(name)}\n`, 'vault-dr.yaml');
  }

  it('is on its host that it is missing, until it is there', async () => {
    const missing = await repositoryOf('local', configOf('east'));
    await mkdir(inTest('local'), { mode: 0o700 });

    expect(missing).toMatchObject([{ code: 'repository-missing', severity: 'problem' }]);
    expect(await repositoryOf('local', configOf('east'))).toEqual([]);
  });

  it('is on others that it is not checked there, whatever has its path', async () => {
    const of = await repositoryOf('local', configOf('west'));

    expect(of).toEqual([
      {
        code: null,
        severity: 'unchecked',
        where: 'local',
        text: 'it is on the host of the controller east',
        fix: null,
      },
    ]);
  });
});
