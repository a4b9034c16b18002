import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDrError } from '../../contract/failures';
import { VaultClient, type VaultEndpoint } from '../client';
import type { SealSettings, ServerConfig } from './vault-config';

export interface SealAccess {
  /** False if there is nothing to check, or no way to check it from here. */
  checked: boolean;
  /** Contains no secret; null if nothing was found or nothing was checked. */
  problem: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

const TIMEOUT_MS = 5_000;
export const UNCHECKED: SealAccess = { checked: false, problem: null };

/**
 * Where the environment of the service names a setting: configutil/env_var_util.go, and of OpenBao the transit wrapper of
 * go-kms-wrapping and its API's client (`BAO_…` goes before `VAULT_…`). The first that is set counts.
 */
const ENVIRONMENT: Readonly<Record<string, readonly string[]>> = {
  address: ['BAO_ADDR', 'VAULT_ADDR'],
  token: ['BAO_TOKEN', 'VAULT_TOKEN'],
  namespace: ['VAULT_NAMESPACE'],
  mount_path: ['TRANSIT_WRAPPER_MOUNT_PATH', 'VAULT_TRANSIT_SEAL_MOUNT_PATH'],
  key_name: ['TRANSIT_WRAPPER_KEY_NAME', 'VAULT_TRANSIT_SEAL_KEY_NAME'],
  tls_ca_cert: ['BAO_CACERT', 'VAULT_CACERT'],
  tls_ca_path: ['BAO_CAPATH', 'VAULT_CAPATH'],
  tls_client_cert: ['BAO_CLIENT_CERT', 'VAULT_CLIENT_CERT'],
  tls_client_key: ['BAO_CLIENT_KEY', 'VAULT_CLIENT_KEY'],
  tls_server_name: ['BAO_TLS_SERVER_NAME', 'VAULT_TLS_SERVER_NAME'],
  tls_skip_verify: ['BAO_SKIP_VERIFY', 'VAULT_SKIP_VERIFY'],
};
/** OpenBao only: they override the stanza. */
const BEFORE_STANZA: Readonly<Record<string, readonly string[]>> = {
  address: ['TRANSIT_WRAPPER_ADDR', 'VAULT_TRANSIT_SEAL_ADDR'],
  token: ['TRANSIT_WRAPPER_TOKEN', 'VAULT_TRANSIT_SEAL_TOKEN'],
};
/** For these the stanza overrides the rest of the environment; for all others the environment overrides the stanza. */
const STANZA_FIRST = ['address', 'token'];
/** If the stanza has one of these, the environment is ignored for all of them. */
const TLS_SETTINGS = [
  'tls_ca_cert',
  'tls_ca_path',
  'tls_client_cert',
  'tls_client_key',
  'tls_server_name',
  'tls_skip_verify',
];

/**
 * Checks that the key of the seal can be used, as far as possible from here: of a `transit` seal, by asking the other
 * Vault. It changes nothing there: `decrypt` never creates a key, and `encrypt`, which would, follows only once `decrypt`
 * has shown that the key exists.
 * @param env the environment of the Vault service; null if unknown: settings that only it may contain are then not
 *   reported as missing. @returns within 5 seconds.
 */
export async function checkSealAccess(server: ServerConfig, env: Environment | null): Promise<SealAccess> {
  if (server.seal?.type !== 'transit' || (env === null && !saysAll(server.seal))) return UNCHECKED;
  const setting = settingsFor(server.seal, env ?? {});
  const [address, keyName, mount] = [setting('address'), setting('key_name'), setting('mount_path')];
  if (!address) return problem('The transit seal has no address.');
  if (!keyName || !mount) return problem('The transit seal has no key_name or no mount_path.');
  if (!URL.canParse(address)) return problem('The address of the transit seal is not a URL.');
  const shown = new URL(address).origin;
  let endpoint: VaultEndpoint;
  let token: string | undefined;
  try {
    token = await resolve(setting('token'), env ?? {});
  } catch (error) {
    return problem(`The token file of the transit seal can't be read (${reasonOf(error)}).`);
  }
  try {
    endpoint = await endpointOf(address, setting);
  } catch (error) {
    return problem(`A TLS file of the transit seal can't be read (${reasonOf(error)}).`);
  }
  const namespace = setting('namespace');
  const client = new VaultClient(endpoint, {
    ...(token && { token }),
    ...(namespace && { namespace }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  try {
    return { checked: true, problem: await problemOfKey(client, mount.replace(/^\/+|\/+$/g, ''), keyName, shown) };
  } finally {
    await client.close();
  }
}

async function problemOfKey(client: VaultClient, mount: string, key: string, address: string): Promise<string | null> {
  const path = (verb: 'encrypt' | 'decrypt'): string => `${mount}/${verb}/${encodeURIComponent(key)}`;
  try {
    const missing = await refusalOf(client.write(path('decrypt'), { ciphertext: 'vault:v1:AAAA' }));
    const inWords = missing && inPlainWords(missing, { address, mount, key });
    if (inWords) return inWords;
    const plaintext = randomBytes(16).toString('base64');
    const encrypted = await client.write(path('encrypt'), { plaintext });
    const decrypted = await client.write(path('decrypt'), { ciphertext: encrypted?.data?.['ciphertext'] });
    if (decrypted?.data?.['plaintext'] === plaintext) return null;
    return `The key ${key} of the transit seal's Vault at ${address} can't decrypt what it has just encrypted.`;
  } catch (error) {
    if (!isDrError(error)) {
      const ended = (error as Error).name === 'TimeoutError';
      return `The transit seal's Vault at ${address} ${ended ? 'does not answer in time' : "can't be reached"}.`;
    }
    const wellKnown = inPlainWords(error.message, { address, mount, key });
    return wellKnown ?? `The transit seal's Vault at ${address} does not allow use of its key ${key}: ${error.message}`;
  }
}

/** The message of an error that Vault itself returned; other errors are thrown. */
async function refusalOf(call: Promise<unknown>): Promise<string | null> {
  try {
    await call;
    return null;
  } catch (error) {
    if (isDrError(error) && error.code === 'VaultRefused') return error.message;
    throw error;
  }
}

/** @returns null if the key is usable: it just does not decrypt garbage. */
function inPlainWords(message: string, of: { address: string; mount: string; key: string }): string | null {
  const vault = `the transit seal's Vault at ${of.address}`;
  if (/invalid token|bad token|missing client token/i.test(message)) {
    return `The token of the transit seal was refused by its Vault at ${of.address}.`;
  }
  if (/permission denied/i.test(message)) {
    return `The token of the transit seal was refused at ${of.address}, or may not encrypt and decrypt with ${of.mount}/${of.key}.`;
  }
  if (/encryption key not found/i.test(message)) return `There is no key ${of.key} in ${of.mount} on ${vault}.`;
  if (/no handler for route|unsupported path/i.test(message))
    return `There is no transit engine at ${of.mount} on ${vault}.`;
  if (/Vault is sealed/i.test(message)) return capitalised(`${vault} is itself sealed.`);
  if (/TLS connection/.test(message)) return capitalised(`${vault} has a certificate that this host does not accept.`);
  if (
    /refused the connection|closed the connection|did not (answer|accept|receive)|is unreachable|does not resolve/.test(
      message,
    )
  ) {
    return capitalised(`${vault} does not answer.`);
  }
  return null;
}

/** @returns a setting by its name. */
export function settingsFor(seal: SealSettings, env: Environment): (name: string) => string | undefined {
  const ownTls = TLS_SETTINGS.some((name) => seal.get(name) !== undefined);
  return (name) => {
    const inStanza = seal.get(name) || undefined;
    const first = (variables: readonly string[] = []) => variables.map((variable) => env[variable]).find(Boolean);
    const before = first(BEFORE_STANZA[name]);
    if (before !== undefined) return before;
    const inEnvironment = first(ENVIRONMENT[name]);
    if (TLS_SETTINGS.includes(name)) return ownTls ? inStanza : inEnvironment;
    return STANZA_FIRST.includes(name) ? (inStanza ?? inEnvironment) : (inEnvironment ?? inStanza);
  };
}

/** Whether the stanza is complete without the environment. */
function saysAll(seal: SealSettings): boolean {
  const complete = ['address', 'key_name', 'mount_path', 'token'].every((name) => seal.get(name));
  const trusts = !seal.get('address')?.startsWith('https:') || TLS_SETTINGS.some((name) => seal.get(name));
  return complete && trusts && !seal.get('token')?.startsWith('env://');
}

/** What the stanza says, or where to find it: as parseutil.ParsePath with `WithNoTrimSpaces`, so a line end is part of the value. */
async function resolve(value: string | undefined, env: Environment): Promise<string | undefined> {
  const [, scheme, rest = ''] = value?.trim().match(/^(file|env|string):\/\/(.*)$/s) ?? [];
  if (scheme === 'file') return readFile(rest, 'utf8');
  if (scheme === 'env') return env[rest];
  return scheme === 'string' ? rest : value;
}

async function endpointOf(address: string, setting: (name: string) => string | undefined): Promise<VaultEndpoint> {
  const caPem = await authorities(setting('tls_ca_cert'), setting('tls_ca_path'));
  const [certificate, key] = [setting('tls_client_cert'), setting('tls_client_key')];
  const servername = setting('tls_server_name');
  return {
    node: 'the transit Vault',
    address,
    ...(caPem && { caPem }),
    ...(servername && { servername }),
    ...(certificate &&
      key && {
        clientCertificate: { certificatePem: await readFile(certificate, 'utf8'), keyPem: await readFile(key, 'utf8') },
      }),
    ...(/^(1|t|true)$/i.test(setting('tls_skip_verify') ?? '') && { skipVerify: true }),
  };
}

async function authorities(file: string | undefined, directory: string | undefined): Promise<string | undefined> {
  if (file) return readFile(file, 'utf8');
  if (!directory) return undefined;
  const files = await readdir(directory);
  return (await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')))).join('\n');
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'failed';
}

function problem(text: string): SealAccess {
  return { checked: true, problem: text };
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
