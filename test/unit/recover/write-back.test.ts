import { LiveWriter } from '../../../src/recover/write-back';
import type { VaultClient } from '../../../src/vault/client';

/** A fake, because a real Vault names the mount that it was asked about. */
function answering(path: string): VaultClient {
  const data = { path, type: 'kv', options: { version: '2' } };
  return { read: () => Promise.resolve({ data }) } as unknown as VaultClient;
}

it('writes below the mount that the path is in', async () => {
  const mount = await new LiveWriter(answering('secret/')).mountOf('secret/app/db');

  expect(mount).toMatchObject({ path: 'secret/', kv: 2 });
});

it.each(['app/', 'secret/app/db/other/', 'sec/', ''])(
  'writes nothing where the cluster names another mount than that of the path: %j',
  async (path) => {
    await expect(new LiveWriter(answering(path)).mountOf('secret/app/db')).rejects.toMatchObject({
      code: 'PlanRefused',
    });
  },
);
