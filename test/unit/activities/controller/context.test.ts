import { Controller } from '../../../../activities/controller/context';
import { parseConfig } from '../../../../src/config/load';
import { sampleConfig } from '../../../support/sample-config';

const controller = new Controller({
  config: parseConfig(
    sampleConfig({ repositories: { local: '/var/backups/vault' }, publicKeyFile: '/does/not/exist' }),
    'vault-dr.yaml',
  ),
});
const work = jest.fn(async () => undefined);

test('what the configuration does not name is said by name', async () => {
  expect(() => controller.cluster('staging')).toThrow(expect.objectContaining({ code: 'UnknownCluster' }));
  await expect(controller.repository('tape')).rejects.toMatchObject({ code: 'InvalidConfiguration' });
  await expect(controller.publicKey()).rejects.toMatchObject({ code: 'InvalidConfiguration' });
});

test('never works on another node than the one that was asked for', async () => {
  await expect(controller.withLogin('prod', 'vault-9', work)).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    message: "The cluster has no node 'vault-9'. It has: vault-1.",
  });
  expect(work).not.toHaveBeenCalled();
});

test('does no work without a login', async () => {
  await expect(controller.withLogin('prod', 'vault-1', work)).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    message: "auth.token: the file /does/not/exist can't be read (ENOENT).",
  });
  expect(work).not.toHaveBeenCalled();
});

test('says that no node answers when it looks for the leader', async () => {
  await expect(controller.withLeader('prod', work)).rejects.toMatchObject({ name: 'DrError', retryable: true });
  expect(work).not.toHaveBeenCalled();
});
