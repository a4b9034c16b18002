import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { passedEnvironment } from '../../child-environment';

/** Whether a command could be run at all, by its first word, as `execFile` looks for it. */
export async function hasProgram([program = '']: readonly string[]): Promise<boolean> {
  if (program.includes('/')) return isExecutable(program);
  const path = passedEnvironment()['PATH'] ?? '';
  for (const directory of path.split(delimiter)) {
    if (directory !== '' && (await isExecutable(join(directory, program)))) return true;
  }
  return false;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
