import { readlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DrError } from '../../contract/failures';
import { ownedByTrusted, swappableByOthers } from '../../files/ownership';
import { inDirectory } from '../../files/safe-directory';
import { statIfThere } from '../../files/files';

/**
 * Location of a data directory that is configured as a symbolic link; any other path is returned as is. Root follows a
 * link only if it can't be misled: nobody but root can replace the link, or whoever can may only point it to their own
 * directories.
 * @throws DrError NodeUnsafe for any other link, and for one that leads nowhere.
 */
export async function physicalPath(dataDir: string): Promise<string> {
  const link = await statIfThere(dataDir);
  if (!link?.isSymbolicLink()) return dataDir;
  const target = resolve(dirname(dataDir), await readlink(dataDir));
  const around = await inDirectory(dirname(dataDir), (parent) => parent.stats());
  const found = await inDirectory(target, (directory) => ({ path: directory.path, uid: directory.stats().uid })).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      throw unsafe(
        dataDir,
        `a link to ${target}, which does not exist`,
        'If it is on a volume that is not mounted, mount it.',
      );
    },
  );
  const isTrusted = ownedByTrusted(link) && !swappableByOthers(around);
  const leadsToOwn = found.uid === around.uid && (around.mode & 0o022) === 0;
  if (isTrusted || leadsToOwn) return found.path;
  throw unsafe(
    dataDir,
    `a link to ${target} that another user could have created`,
    `Make root, or the owner of ${target}, the only user who can write to ${dirname(dataDir)}; or set ${target} as \`dataDir\` of this node and in Vault's configuration.`,
  );
}

function unsafe(dataDir: string, what: string, advice: string): DrError {
  return new DrError('NodeUnsafe', `${dataDir} is ${what}. Nothing was changed.`, { where: dataDir, advice });
}
