import { execFile } from 'node:child_process';
import { passedEnvironment } from '../child-environment';
import { type InstalledFile, installFile, type Outcome } from '../install/install-file';
import { note, print } from './output';

const SAID: Record<Outcome, string> = {
  written: 'written',
  unchanged: 'unchanged',
  packaged: 'not needed, the package has it',
};

/** Writes them, says so, and has systemd read its units again. @throws DrError as `installFile` */
export async function writeFiles(files: InstalledFile[]): Promise<void> {
  for (const file of files) print(`${file.path}: ${SAID[await installFile(file)]}.`);
  if (await succeeds('systemctl', ['daemon-reload'])) return;
  note('systemd did not reload its units. Run `systemctl daemon-reload` to see why.');
}

export function succeeds(program: string, args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 30_000, env: passedEnvironment() }, (error) => resolve(error === null));
  });
}
