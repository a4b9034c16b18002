import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../../src/lab/lab';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { runProgram, type ProgramResult } from '../../src/lab/run-program';
import { ensureServers } from '../../src/lab/servers/servers';
import { readMarkdown } from './markdown';

/** `bash` finds the real programs, whatever is on the PATH. */
const PROGRAMS = `
set -euo pipefail
temporal() { "$TEMPORAL_PROGRAM" "$@"; }
vault-dr() { "$NODE_PROGRAM" "$VAULT_DR_PROGRAM" "$@"; }
cd "$WORK_DIRECTORY"
`;

/** Runs what the pages tell people to type, with the lab's cluster and namespace in the place of `prod` and `vault-dr`. */
export async function documentedCommands(lab: Lab) {
  const { temporal } = await ensureServers();
  const directory = join(lab.directory, 'work');
  await cp(join(PROJECT_ROOT, 'temporal-config'), join(directory, 'temporal-config'), { recursive: true });
  const schedule = join(directory, 'temporal-config', 'schedules', 'backup-prod.json');
  await writeFile(schedule, forLab(await readFile(schedule, 'utf8')));
  await rename(schedule, forLab(schedule));
  const environment = {
    ...lab.env,
    NODE_PROGRAM: process.execPath,
    VAULT_DR_PROGRAM: join(PROJECT_ROOT, 'bin/vault-dr.js'),
    TEMPORAL_PROGRAM: temporal,
    WORK_DIRECTORY: directory,
  };

  return {
    /** The commands start there. */
    directory,
    /** Runs a script of commands. */
    run: (script: string): Promise<ProgramResult> =>
      runProgram('bash', ['-c', `${PROGRAMS}${forLab(script)}`], environment),
    /** The first block of a page that holds this text. */
    async block(page: string, text: string): Promise<string> {
      const { blocks } = await readMarkdown(join(PROJECT_ROOT, page));
      const found = blocks.find(({ language, code }) => language === 'sh' && code.includes(text));
      if (found) return found.code;
      throw new Error(`${page} shows no command with '${text}'.`);
    },
  };
}

export type DocumentedCommands = Awaited<ReturnType<typeof documentedCommands>>;

function forLab(text: string): string {
  return text.replaceAll(/\bprod\b/g, 'lab').replaceAll('--namespace vault-dr', '--namespace default');
}
