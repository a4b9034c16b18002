import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { NodeConfig } from '../../config/schema';
import { DrError } from '../../contract/failures';
import type { PreparedFile } from '../../contract/host';
import { runName } from '../../contract/names';
import type { ConfigSwitch } from '../../contract/plan';
import { kindOf } from '../../files/ownership';
import { readPlainBytes } from '../../files/plain-file';
import { inDirectory, type SafeDirectory } from '../../files/safe-directory';
import type { Fence } from '../service/service-driver';

/** As Vault's own files of configuration; anything larger is something else. */
const MAX_BYTES = 1024 * 1024;

type Migration = NodeConfig['migration'];

export interface ReadPrepared extends PreparedFile {
  /** Of the prepared file; secrets and all. */
  text: string | null;
}

/** Where a run keeps the file that it replaces: with an ending that Vault does not read. */
export function keptPath(path: string, run: string): string {
  return `${path}.pre-migrate-${runName(run)}`;
}

/** What the operator has prepared, and whether it could be put in its place. Changes nothing. */
export async function readPrepared(migration: Migration): Promise<ReadPrepared[]> {
  return Promise.all(
    Object.entries(migration?.configFiles ?? {}).map(async ([path, prepared]) => {
      try {
        const content = await inDirectory(dirname(prepared), (directory) =>
          requireContent(directory, basename(prepared)),
        );
        await inDirectory(dirname(path), (directory) => requireContent(directory, basename(path)));
        const problem = await access(dirname(path), constants.W_OK).then(
          () => null,
          (error: NodeJS.ErrnoException) => `the agent may not write in ${dirname(path)} (${error.code})`,
        );
        return { path, prepared, sha256: sha256Of(content), text: content.toString('utf8'), problem };
      } catch (error) {
        return { path, prepared, sha256: null, text: null, problem: (error as Error).message };
      }
    }),
  );
}

/**
 * Puts the prepared files in place of the present ones, which are kept beside them. Repeatable at any point: what is kept is
 * durable before anything is replaced, and is never replaced itself.
 * @throws DrError InvalidConfiguration for files that this host's own configuration does not name; NodeUnsafe for a link, and for
 * content other than what was approved.
 */
export async function putPrepared(
  migration: Migration,
  files: readonly ConfigSwitch[],
  run: string,
  fence: Fence,
): Promise<void> {
  const own = migration?.configFiles ?? {};
  const strange = files.find(({ path, prepared }) => !Object.hasOwn(own, path) || own[path] !== prepared);
  if (strange !== undefined || files.length !== Object.keys(own).length) {
    throw new DrError(
      'InvalidConfiguration',
      `The files to put in place are not those of \`migration.configFiles\` on this host${strange ? `: ${strange.path}` : ''}.`,
      { advice: 'Make it the same as in the configuration of the controller, restart the agent, and start again.' },
    );
  }
  for (const file of files) await putOne(file, run, fence);
}

async function putOne({ path, prepared, sha256 }: ConfigSwitch, run: string, fence: Fence): Promise<void> {
  const content = await inDirectory(dirname(prepared), (directory) => requireContent(directory, basename(prepared)));
  if (sha256Of(content) !== sha256) {
    throw new DrError('NodeUnsafe', `${prepared} is not what was planned: it was changed since.`, {
      where: prepared,
      advice: 'Nothing was put in place of the present file. Put the approved content back, then resume; or roll back.',
    });
  }
  const [name, kept] = [basename(path), basename(keptPath(path, run))];
  await inDirectory(dirname(path), async (directory) => {
    if (directory.lstat(kept) === null) {
      const present = requireContent(directory, name);
      fence.assertCurrent();
      directory.put(kept, present, likeIt(directory, name));
      await directory.flush(kept);
    }
    directory.requirePlain(kept);
    fence.assertCurrent();
    directory.put(name, content, likeIt(directory, kept));
    await directory.flush(name);
  });
}

/** Puts back what a run has replaced; nothing where it had not. Repeatable. @returns whether anything was */
export async function putBackConfig(migration: Migration, run: string, fence: Fence): Promise<boolean> {
  let isBack = false;
  for (const path of Object.keys(migration?.configFiles ?? {})) {
    await inDirectory(dirname(path), async (directory) => {
      const kept = basename(keptPath(path, run));
      if (directory.lstat(kept) === null) return;
      directory.requirePlain(kept);
      fence.assertCurrent();
      directory.rename(kept, basename(path));
      await directory.sync();
      isBack = true;
    });
  }
  return isBack;
}

function likeIt(directory: SafeDirectory, name: string) {
  const stats = directory.lstat(name);
  if (stats === null) throw new DrError('NodeUnsafe', `${directory.path}/${name} is gone.`, { where: directory.path });
  return { owner: stats, mode: stats.mode & 0o777 };
}

/** @throws DrError NodeUnsafe for all but a plain file of one name */
function requireContent(directory: SafeDirectory, name: string): Buffer {
  const shownAs = `${directory.path}/${name}`;
  const content = readPlainBytes(directory.at(name), {
    shownAs,
    maxBytes: MAX_BYTES,
    check: (stats) => {
      if (!stats.isFile() || stats.nlink > 1) {
        throw new DrError('NodeUnsafe', `${shownAs} is ${kindOf(stats)}, so it was not read.`, { where: shownAs });
      }
    },
  });
  if (content !== null) return content;
  throw new DrError('NodeUnsafe', `${shownAs} does not exist.`, { where: shownAs });
}

function sha256Of(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
