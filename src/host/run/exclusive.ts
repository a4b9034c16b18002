import { type ExclusiveHold, holdDirectory } from '../../files/hold-directory';

export type { ExclusiveHold } from '../../files/hold-directory';

/** Waits until this process is the only agent of a node on this host. */
export function holdNode(
  stateDir: string,
  onWait: (message: string) => void,
  signal: AbortSignal,
): Promise<ExclusiveHold> {
  return holdDirectory(stateDir, { lockFile: 'agent.lock', who: 'agent', what: 'this node' }, onWait, signal);
}
