import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Lab } from '../../../src/lab/lab';
import { memoryDirectoryOf } from '../../../src/lab/sweep';
import { differences, listBelow, type Listing } from './listing';

/** Where `../../x` leads from wherever the product keeps what is of one run, and other places that are none of its business. */
export async function putSentinels(lab: Lab): Promise<void> {
  const { directory, localRepository, nodes } = lab;
  const places = [
    dirname(directory),
    directory,
    localRepository,
    join(localRepository, 'lab'),
    ...['controller', 'controller/reports', 'controller/staging'].map((name) => join(directory, name)),
    ...nodes.flatMap(({ name, stateDir, runtimeDir }) => [join(directory, name), stateDir, runtimeDir]),
    memoryDirectoryOf(lab.id),
  ];
  for (const place of places) {
    await mkdir(join(place, 'x'), { recursive: true, mode: 0o755 });
    await writeFile(join(place, 'x', 'precious'), 'precious', { mode: 0o644 });
  }
}

export interface LabState {
  files: Listing;
  memory: Listing;
  pids: (number | undefined)[];
}

/** What no forged step may change: all around the lab, and of the lab all that is not written by what is under way anyhow. */
export async function stateOf(lab: Lab): Promise<LabState> {
  const root = dirname(lab.directory);
  const own = lab.directory.slice(root.length + 1);
  const inLab = (path: string) => path.slice(own.length + 1);
  return {
    files: await listBelow(root, {
      // Logs, databases, the audit trail, its copies and heads keep growing; the messages of a step stand there. What is kept
      // of repositories is trusted by nobody.
      ignored: (path) =>
        /^(logs|temporal|s3)$|^controller\/(audit|cache)|^repository\/lab\/(audit|trail)$/.test(inLab(path)),
      alive: (path) => /^vault-\d\/data\//.test(inLab(path)),
    }),
    memory: await listBelow(memoryDirectoryOf(lab.id)),
    pids: await Promise.all(lab.nodes.map(({ name }) => lab.vaultPid(name))),
  };
}

export function changesOf(before: LabState, after: LabState): string[] {
  const ended = before.pids.filter((pid) => !after.pids.includes(pid)).map((pid) => `ended: Vault ${pid}`);
  return [...differences(before.files, after.files), ...differences(before.memory, after.memory), ...ended];
}
