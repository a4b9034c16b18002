import type { ManifestDraft, RaftPeer } from '../../contract/generation';
import { joinOthers, MOUNT_POINT, MOVE_AWAY } from './sections';
import { plainFile, unseal, wordsOf } from './words';

/** The snapshot is loaded into a throwaway cluster of one node; the others join it. */
export function raftWay(manifest: ManifestDraft): string {
  const { raft, stored } = manifest;
  const plain = plainFile(stored.file);
  const { program, unit, variable } = wordsOf(manifest);
  return `## 3. Stop every node and move the old data away

On every node (unit and data directory as in your configuration):

\`\`\`sh
systemctl stop ${unit}
${MOVE_AWAY}
\`\`\`

${MOUNT_POINT}

The cluster had ${raft.peers.length === 1 ? 'one node' : `${raft.peers.length} nodes`}:

${raft.peers.map(peerLine).join('\n')}

## 4. Install the snapshot on one node

Start one node only; the others stay stopped. It is empty, so initialise it once with throwaway keys.
**Use exactly these numbers**: with others, the original keys are refused afterwards.

\`\`\`sh
systemctl start ${unit}
export ${variable}=https://ADDRESS-OF-THIS-NODE:8200
${initialise(manifest)}
${program} login                        # the root token of the throwaway initialisation
${program} operator raft snapshot restore -force ${plain}
\`\`\`

${untilInstalled(manifest)}

\`\`\`sh
systemctl restart ${unit}
${unseal(manifest)}
${program} status                       # Sealed: false${manifest.clusterId === null ? '' : ', and the cluster id from above'}
${program} operator raft list-peers     # after a login with an original token: this node alone
\`\`\`

Discard the throwaway keys and their root token: they are no longer valid.

${joinOthers(manifest)}`;
}

function initialise(manifest: ManifestDraft): string {
  const { seal, recovery: recoveryConfig } = manifest;
  const { program } = wordsOf(manifest);
  if (seal.type === 'shamir') {
    return `${program} operator init -key-shares=${seal.secretShares} -key-threshold=${seal.secretThreshold}
${program} operator unseal              # ${seal.secretThreshold} times, with the throwaway keys`;
  }
  const { secretShares, secretThreshold } = recoveryConfig ?? { secretShares: 1, secretThreshold: 1 };
  return `${program} operator init -recovery-shares=${secretShares} -recovery-threshold=${secretThreshold}`;
}

function untilInstalled(manifest: ManifestDraft): string {
  const { seal, clusterId } = manifest;
  const { program } = wordsOf(manifest);
  if (seal.type === 'shamir') {
    return `Wait until \`${program} status\` shows \`Sealed: true\` (a few seconds). Restart it while it is sealed, then use the **original** keys:`;
  }
  const id = clusterId === null ? 'a different cluster id than after the initialisation' : 'the cluster id from above';
  return `Wait until \`${program} status\` shows ${id} (a few seconds), then restart it: without the restart no other node can join.`;
}

function peerLine({ id, address, suffrage }: RaftPeer): string {
  return `- ${id} (${address}), ${suffrage}`;
}
