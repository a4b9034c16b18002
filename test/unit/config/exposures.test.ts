import { chmod, writeFile } from 'node:fs/promises';
import { exposuresOf, refuseIfReadByAll } from '../../../src/config/exposures';
import { parseConfig } from '../../../src/config/load';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

const config = () =>
  parseConfig(
    `clusters:
  prod:
    nodes:
      - name: vault-1
        address: http://127.0.0.1:8200
        clusterAddress: 127.0.0.1:8201
        dataDir: /opt/vault/data
        service: { driver: process, command: [vault, server] }
    auth:
      method: approle
      roleId: { file: ${inTest('role-id')} }
      secretId: { file: ${inTest('secret-id')} }
    restore: { trust: namespace, identities: [{ file: ${inTest('identity')} }, { env: IDENTITY }] }
    repositories: [local]
repositories:
  local: { type: directory, path: /var/backups/vault }
signing: { publicKeyFile: ${inTest('signing.pub')}, privateKey: { file: ${inTest('absent')} } }
`,
    'f',
  );

it('says once which secrets others can read, and what is asked in clear', async () => {
  for (const [name, mode] of [
    ['role-id', 0o644],
    ['secret-id', 0o640],
    ['identity', 0o600],
    ['signing.pub', 0o644],
  ] as const) {
    await writeFile(inTest(name), 'x');
    await chmod(inTest(name), mode);
  }

  const own = await exposuresOf(config());
  const group = jest.spyOn(process, 'getgid').mockReturnValue(4711);
  const foreign = await exposuresOf(config());
  await chmod(inTest(''), 0o750);
  const forItsGroup = await exposuresOf(config());
  await chmod(inTest(''), 0o755);
  const forAll = await exposuresOf(config());
  group.mockRestore();

  const everybody = `clusters.prod.auth.roleId: ${inTest('role-id')} is readable by every user of this host: chmod 0600 ${inTest('role-id')}`;
  const clear =
    'clusters.prod: vault-1 is accessed without TLS (http://127.0.0.1:8200): use this only for a trial on one host';
  expect(own).toEqual([everybody, clear]);
  expect(foreign).toEqual([
    everybody,
    expect.stringMatching(/^clusters\.prod\.auth\.secretId: .* is readable by the group \d+: chmod 0600 /),
    clear,
  ]);
  // The directory says whom what is in it is for.
  expect(forItsGroup).toEqual([everybody, clear]);
  expect(forAll).toEqual(foreign);
});

it('refuses a key that everybody can read, and says how to fix it', async () => {
  const file = inTest('signing-key.pem');
  await writeFile(file, 'x', { mode: 0o600 });
  await expect(refuseIfReadByAll(file, 'signing.privateKey')).resolves.toBeUndefined();
  await expect(refuseIfReadByAll(inTest('absent'), 'signing.privateKey')).resolves.toBeUndefined();

  await chmod(file, 0o644);

  await expect(refuseIfReadByAll(file, 'signing.privateKey')).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    message: `signing.privateKey ${file} is readable by every user of this host.`,
    advice: expect.stringContaining(`chmod 0600 ${file}`),
  });
});
