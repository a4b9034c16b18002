import { writePrivateFile } from './lab-files';
import { type SealVaultLayout, TRANSIT_KEY } from './layout';
import { createProcess, type LabProcess } from './processes';
import { succeeded, type VaultApi, type VaultMethod } from './vault-api';

const POLICY = ['encrypt', 'decrypt']
  .map((verb) => `path "transit/${verb}/${TRANSIT_KEY}" { capabilities = ["update"] }`)
  .join('\n');
/** As long as the certificates of the lab are valid. */
const TOKEN_TTL = '720h';

/**
 * The Vault whose transit engine unseals the clusters of the lab. Ready means that they can use its key: every start
 * unseals it, the first one makes the key and the token as well. It keeps its data on disk, so it can be taken down and
 * come back.
 */
export function createSealVault(
  sealVault: SealVaultLayout,
  program: string,
  api: VaultApi,
  environment: Record<string, string>,
): LabProcess {
  const { name, address, tokenFile, vaultConfigFile, vaultLogFile } = sealVault;
  let keys: { unsealKey: string; rootToken: string } | undefined;
  let furnished = false;
  const ask = async (method: VaultMethod, path: string, body?: unknown, token?: string) =>
    succeeded(await api(address, method, path, { body, token }), `${method} ${path} on the seal Vault`);

  async function initialise() {
    const created = (await ask('POST', 'sys/init', { secret_shares: 1, secret_threshold: 1 })) as {
      keys_base64: [string];
      root_token: string;
    };
    return { unsealKey: created.keys_base64[0], rootToken: created.root_token };
  }

  async function furnish(token: string): Promise<void> {
    await ask('POST', 'sys/mounts/transit', { type: 'transit' }, token);
    await ask('POST', `transit/keys/${TRANSIT_KEY}`, {}, token);
    await ask('PUT', 'sys/policies/acl/seal', { policy: POLICY }, token);
    const made = (await ask(
      'POST',
      'auth/token/create',
      { policies: ['seal'], no_default_policy: true, no_parent: true, ttl: TOKEN_TTL },
      token,
    )) as { auth: { client_token: string } };
    // Vault takes the file as it is: a line end would be part of the token.
    await writePrivateFile(tokenFile, made.auth.client_token);
  }

  return createProcess({
    name,
    command: [program, 'server', `-config=${vaultConfigFile}`],
    environment,
    logFile: vaultLogFile,
    async isReady() {
      keys ??= await initialise();
      const { sealed } = (await ask('POST', 'sys/unseal', { key: keys.unsealKey })) as { sealed: boolean };
      const active = !sealed && (await api(address, 'GET', 'sys/health')).status === 200;
      if (active && !furnished) {
        await furnish(keys.rootToken);
        furnished = true;
      }
      return active;
    },
  });
}
