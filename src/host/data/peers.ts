import type { Attempt } from '../run/attempt';
import type { SafeDirectory } from '../../files/safe-directory';

export interface OnlyPeer {
  id: string;
  /** Cluster address, `host:port`. */
  address: string;
}

/**
 * Makes a node the only member of its cluster, by Vault's own way: a `raft/peers.json` that it reads, and deletes, when its Raft
 * starts. Vault must be stopped.
 */
export async function putOnlyPeer(data: SafeDirectory, peer: OnlyPeer, attempt: Attempt): Promise<void> {
  const raft = data.child('raft');
  try {
    attempt.assertCurrent();
    raft.put('peers.json', JSON.stringify([{ ...peer, non_voter: false }]), { owner: raft.stats() });
    await raft.flush('peers.json');
  } finally {
    raft.close();
  }
}
