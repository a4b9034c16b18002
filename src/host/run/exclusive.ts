import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { DrError } from '../../contract/failures';
import { shareOwnFile } from '../../files/file-lock';
import { type ExclusiveHold, holdDirectory } from '../../files/hold-directory';

export type { ExclusiveHold } from '../../files/hold-directory';

const LOCK_FILE = 'agent.lock';

/** Waits until this process is the only agent of a node on this host. */
export function holdNode(
  stateDir: string,
  onWait: (message: string) => void,
  signal: AbortSignal,
): Promise<ExclusiveHold> {
  return holdDirectory(stateDir, { lockFile: LOCK_FILE, who: 'agent', what: 'this node' }, onWait, signal);
}

/** For one step without an agent. @throws DrError InvalidConfiguration if the node has one as well */
export async function shareNode(stateDir: string, node: string): Promise<ExclusiveHold> {
  const lock = await shareOwnFile(join(stateDir, LOCK_FILE), 'the step');
  if (lock !== null) return { release: async () => closeSync(lock) };
  throw new DrError('InvalidConfiguration', `${node} has an agent on this host, and is configured with ssh as well.`, {
    notice: 'ssh-and-agent',
    where: node,
    advice: 'Disable the agent on that host (`systemctl disable --now vault-dr-agent`), or remove `ssh` of the node.',
  });
}
