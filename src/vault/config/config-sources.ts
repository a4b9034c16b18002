import type { Dir } from 'node:fs';
import { opendir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { type HclBody, parseHcl } from './hcl';
import type { ServerStart } from './server-start';

/** A file of the server's configuration. */
export interface Source {
  file: string;
  body: HclBody;
}

/** A file with one of these blocks belongs to a server. */
const SERVER_KEYS = ['storage', 'backend', 'listener', 'seal', 'kms', 'disable_mlock', 'api_addr', 'cluster_addr'];
/** Agents and proxies have listeners, too. */
const OTHER_KEYS = ['auto_auth', 'vault', 'template'];
const NOTHING_REPLACED: ReadonlyMap<string, string> = new Map();
/** Anything larger is not a configuration. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * The files that Vault is started with, in the order in which it reads them. If that is unknown, or they don't exist:
 * those among `configFiles` that look like a server's. @param replaced text by file that counts instead of what is in it. @returns unreadable files and syntax errors in `problems`
 */
export async function readSources(
  configFiles: readonly string[],
  { paths }: ServerStart,
  replaced: ReadonlyMap<string, string> = NOTHING_REPLACED,
): Promise<{ sources: Source[]; problems: string[] }> {
  const problems: string[] = [];
  if (paths !== null && paths.length > 0) {
    const missing: string[] = [];
    for (const path of paths) if (!(await isHere(path))) missing.push(path);
    if (missing.length === 0)
      return { sources: await readAll(await filesIn(paths, problems), problems, replaced), problems };
    problems.push(...missing.map((path) => `${path}, which its service starts Vault with, does not exist`));
  }
  const files = (await filesIn(configFiles, problems)).filter((file) => isConfigName(basename(file)));
  const sources = await readAll(files, problems, replaced);
  return { sources: sources.filter(({ body }) => isServer(body)), problems };
}

/** Unknown without permission. */
async function isHere(path: string): Promise<boolean> {
  if (!isAbsolute(path)) return false;
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  );
}

async function filesIn(paths: readonly string[], problems: string[]): Promise<string[]> {
  const found = new Map<string, string>();
  for (const path of paths) {
    try {
      const inside = (await stat(path)).isDirectory() ? await configsIn(path) : [path];
      for (const file of inside) if ((await stat(file)).isFile()) found.set(await realpath(file), file);
    } catch (error) {
      problems.push(`${path} can't be read (${(error as NodeJS.ErrnoException).code ?? 'failed'})`);
    }
  }
  return [...found.values()];
}

/** In the order of the directory itself, like Vault (LoadConfigDir); Node would sort them. */
async function configsIn(directory: string): Promise<string[]> {
  const names: string[] = [];
  const entries: Dir = await opendir(directory);
  for await (const { name } of entries) names.push(name);
  return names.filter(isConfigName).map((name) => join(directory, name));
}

/** Vault skips what editors leave behind. */
function isConfigName(name: string): boolean {
  return /\.(hcl|json)$/.test(name) && !name.startsWith('.#');
}

async function readAll(
  files: readonly string[],
  problems: string[],
  replaced: ReadonlyMap<string, string>,
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const file of files) {
    const body = await read(file, problems, replaced.get(file));
    if (body) sources.push({ file, body });
  }
  return sources;
}

async function read(file: string, problems: string[], text: string | undefined): Promise<HclBody | null> {
  try {
    if (text !== undefined) return parseHcl(text);
    if ((await stat(file)).size > MAX_FILE_BYTES) return null;
    return parseHcl(await readFile(file, 'utf8'));
  } catch (error) {
    const { code, name, message } = error as NodeJS.ErrnoException;
    problems.push(
      name === 'HclError' ? `${file} can't be parsed: ${message}` : `${file} can't be read (${code ?? name})`,
    );
    return null;
  }
}

function isServer({ items }: HclBody): boolean {
  const keys = items.map(({ key }) => key);
  return keys.some((key) => SERVER_KEYS.includes(key)) && !keys.some((key) => OTHER_KEYS.includes(key));
}
