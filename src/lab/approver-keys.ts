import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { DrError } from '../contract/failures';

/** Makes the SSH key of somebody who approves, without a passphrase. @returns the line of its public half */
export async function makeApproverKey(file: string, name: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', `${name}@lab`, '-f', file]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new DrError('InvalidConfiguration', 'ssh-keygen is not installed; approvers sign with it.', {
      advice: 'Install the OpenSSH client: package openssh-client, or openssh-clients.',
    });
  }
  return (await readFile(`${file}.pub`, 'utf8')).trim();
}
