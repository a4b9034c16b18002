import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { basename } from 'node:path';
import type { SandboxConfig } from '../config/schema';
import { readSecret } from '../config/secret';
import { isLoopbackHost } from '../contract/addresses';
import { DrError } from '../contract/failures';
import { parseHcl } from '../vault/config/hcl';
import { booleanIn, textIn } from '../vault/config/hcl-blocks';
import { enabledSeals } from '../vault/config/vault-config';
import { addressParts } from '../vault/reach/fence-targets';

/** In the fence: files that the seal needs. */
export const SEAL_FILES = '/seal';
/** In the fence: a loopback address for each name of the key service. */
const FIRST_ADDRESS = [127, 77, 0, 1] as const;
const MAX_FILE_BYTES = 1024 * 1024;

/** The way to one address of a key service. */
export interface Hole {
  /** As it is configured. */
  host: string;
  port: number;
  /** Where the fence listens for it, on its own loopback. */
  listen: string;
}

/** What an auto-unseal seal needs in a fence. Holds secrets. */
export interface SandboxSeal {
  type: string;
  settings: Record<string, string>;
  environment: Record<string, string>;
  files: { path: string; content: Buffer }[];
  holes: Hole[];
}

/**
 * The seal of a cluster, as its Vault has it, with each file that it names moved into the fence.
 * @throws DrError InvalidConfiguration
 */
export async function readSeal(
  { configFile, reach, environment, files: more }: SandboxConfig['seals'][string],
  cluster: string,
): Promise<SandboxSeal> {
  const where = `sandbox.seals.${cluster}`;
  const { type, settings } = await stanzaOf(configFile, where);
  const files: SandboxSeal['files'] = [];
  const moved = async (value: string): Promise<string> => {
    const [, scheme = '', path = ''] = /^(file:\/\/)?(\/.*)$/s.exec(value) ?? [];
    if (path === '' || !(await isFile(path))) return value;
    const inFence = `${SEAL_FILES}/${files.length}-${basename(path)}`;
    files.push({ path: inFence, content: await readFile(path) });
    return `${scheme}${inFence}`;
  };
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) own[name] = await moved(value);
  const variables: Record<string, string> = {};
  for (const [name, source] of Object.entries(environment)) {
    variables[name] = await moved(await readSecret(source, `${where}.environment.${name}`));
  }
  for (const [name, path] of Object.entries(more)) variables[name] = await moved(path);
  return { type, settings: own, environment: variables, files, holes: holesFor(reach, where) };
}

async function stanzaOf(file: string, where: string): Promise<{ type: string; settings: Record<string, string> }> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw wrong(`${where}.configFile ${file} can't be read (${error.code ?? 'failed'}).`);
  });
  let seals: ReturnType<typeof enabledSeals>;
  try {
    seals = enabledSeals([parseHcl(text)]);
  } catch {
    // Its message could hold a secret of the file.
    throw wrong(`${where}.configFile ${file} can't be parsed as HCL or JSON.`);
  }
  const [block, ...others] = seals;
  if (block === undefined || others.length > 0) {
    throw wrong(`${where}.configFile ${file} has ${seals.length} seals that are not disabled; it must have one.`);
  }
  const names = [...block.settings.keys()].filter((name) => !['disabled', 'priority', 'name'].includes(name));
  const settings = names.map((name) => [name, textIn(block, name) ?? String(booleanIn(block, name) ?? '')]);
  return { type: block.type, settings: Object.fromEntries(settings) as Record<string, string> };
}

/** Each name gets a loopback address of its own, so that two services may have the same port. */
export function holesFor(reach: readonly string[], where: string): Hole[] {
  const addresses = new Map<string, string>();
  return reach.map((text) => {
    const { host, port } = addressParts(text);
    if (isIP(host) !== 0 && !isLoopbackHost(host)) {
      throw wrong(`${where}.reach: ${text} is an address, but the sandbox finds a key service by its name only.`);
    }
    const [a, b, c, first] = FIRST_ADDRESS;
    const listen = isIP(host) === 0 ? `${a}.${b}.${c}.${first + addresses.size}` : host;
    if (!addresses.has(host)) addresses.set(host, listen);
    return { host, port, listen: addresses.get(host)! };
  });
}

/** Names of key services, and where the fence finds them. */
export function hostsFile(holes: readonly Hole[]): string {
  const names = holes.filter(({ host }) => isIP(host) === 0).map(({ host, listen }) => `${listen} ${host}`);
  return `${[...new Set(names)].join('\n')}\n`;
}

async function isFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => null);
  return stats !== null && stats.isFile() && stats.size <= MAX_FILE_BYTES;
}

function wrong(problem: string): DrError {
  return new DrError('InvalidConfiguration', problem, {
    advice:
      'Give the file with the seal stanza of the cluster, and the name and port of its key service; with transit, `tls_server_name` in the stanza makes a name fit any certificate.',
  });
}
