import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { DrError } from '../../contract/failures';
import { isProgram } from '../../files/files';
import { withLock } from './install-lock';
import { cachedProgram, installServer } from './install-server';
import { BASIC_SERVERS, type BasicServer, serverCatalogue, type ServerName, type ServerSpec } from './server-catalogue';

const run = promisify(execFile);

/** Absolute path of each program. */
export type Servers = Record<BasicServer, string> & Partial<Record<ServerName, string>>;

export interface EnsureServersOptions<Name extends ServerName = BasicServer> {
  /** Only these; default: those that every lab needs. */
  names?: readonly Name[];
  onStep?: (text: string) => void;
  /** Hears now and then how far a build is. */
  onProgress?: (text: string) => void;
  signal?: AbortSignal;
  environment?: NodeJS.ProcessEnv;
  catalogue?: ServerSpec[];
}

/**
 * Finds or installs the servers of the lab. In this order: a path in the environment, the PATH, the cache, an official
 * download, a build.
 * @throws DrError InvalidConfiguration that lists every server that can't be had, and all ways out.
 */
export async function ensureServers<Name extends ServerName = BasicServer>(
  options: EnsureServersOptions<Name> = {},
): Promise<Record<Name, string>> {
  const { environment = process.env, catalogue = serverCatalogue() } = options;
  const names: readonly ServerName[] = options.names ?? BASIC_SERVERS;
  const cacheDirectory = cacheOf(environment);
  const found: Partial<Record<ServerName, string>> = {};
  const problems: string[] = [];
  const missing: ServerSpec[] = [];
  // One after the other: a build uses every core there is.
  for (const spec of catalogue) {
    if (!names.includes(spec.name)) continue;
    try {
      found[spec.name] = await ensureServer(spec, cacheDirectory, environment, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      problems.push(`  - ${(error as Error).message}`);
      missing.push(spec);
    }
  }
  if (problems.length === 0) return found as Record<Name, string>;
  throw new DrError('InvalidConfiguration', `Some servers of the lab are missing:\n${problems.join('\n')}`, {
    advice: waysOut(missing, cacheDirectory),
  });
}

/** Those of them that would have to be downloaded or built first. */
export async function missingServers(names: readonly ServerName[], environment = process.env): Promise<ServerName[]> {
  const missing: ServerName[] = [];
  for (const spec of serverCatalogue().filter(({ name }) => names.includes(name))) {
    const there =
      environment[spec.variable] ||
      (await findOnPath(spec.name, environment['PATH'])) ||
      (await isProgram(cachedProgram(cacheOf(environment), spec)));
    if (!there) missing.push(spec.name);
  }
  return missing;
}

function cacheOf(environment: NodeJS.ProcessEnv): string {
  return environment['VAULT_DR_CACHE'] || join(homedir(), '.cache', 'vault-dr');
}

async function ensureServer(
  spec: ServerSpec,
  cacheDirectory: string,
  environment: NodeJS.ProcessEnv,
  { onStep = () => undefined, onProgress = () => undefined, signal }: EnsureServersOptions<ServerName>,
): Promise<string> {
  const explicit = environment[spec.variable];
  if (explicit) {
    onStep(`${spec.name}: ${explicit} (${spec.variable}), ${await versionOf(spec, explicit)}`);
    return explicit;
  }

  const onPath = await findOnPath(spec.name, environment['PATH']);
  const pathVersion = onPath && (await versionOf(spec, onPath).catch(() => undefined));
  if (onPath && pathVersion) {
    onStep(`${spec.name}: ${onPath} (PATH), ${pathVersion}`);
    return onPath;
  }

  const cached = cachedProgram(cacheDirectory, spec);
  if (!(await isProgram(cached))) {
    await mkdir(join(cacheDirectory, 'bin'), { recursive: true });
    await withLock(
      join(cacheDirectory, `${spec.name}.lock`),
      (owner) => onStep(`${spec.name}: process ${owner} is installing it; waiting`),
      signal,
      async () => {
        if (!(await isProgram(cached))) await installServer(spec, { cacheDirectory, onStep, onProgress, signal });
      },
    );
  }
  onStep(`${spec.name}: ${cached} (cache)`);
  return cached;
}

async function findOnPath(program: string, path = ''): Promise<string | undefined> {
  for (const directory of path.split(delimiter).filter((item) => item.startsWith('/'))) {
    if (await isProgram(join(directory, program))) return join(directory, program);
  }
  return undefined;
}

/** First line of the program's version output. */
async function versionOf(spec: ServerSpec, path: string): Promise<string> {
  try {
    const { stdout } = await run(path, spec.versionArguments, { timeout: 15_000 });
    return stdout.split('\n')[0]?.trim() ?? '';
  } catch (error) {
    throw new DrError(
      'InvalidConfiguration',
      `${spec.name}: ${path} does not run: ${(error as Error).message.split('\n')[0]}`,
    );
  }
}

function waysOut(missing: ServerSpec[], cacheDirectory: string): string {
  const list = (items: string[]) => [...new Set(items)].join(', ');
  const names = list(missing.map((spec) => `${spec.name} (${spec.title} ${spec.version})`));
  const hosts = list(missing.flatMap((spec) => (spec.download ? [new URL(spec.download.url).host] : [])));
  return [
    'Any one of these helps:',
    `  - install ${names}, so that it is on the PATH`,
    `  - set the path of a program with ${list(missing.map((spec) => spec.variable))}`,
    `  - let this machine reach ${hosts}, to download it`,
    `  - install ${list(missing.map((spec) => spec.build.tool))}, to get it from the package registries`,
    `  - copy ${join(cacheDirectory, 'bin')} from a machine that has it`,
  ].join('\n');
}
