import type { ManifestDraft, RaftPeer } from '../../contract/generation';
import { plainFile, unseal, wordsOf } from './words';

/** A throwaway cluster of one node takes the snapshot; the others join it. */
export function raftWay(manifest: ManifestDraft): string {
  const { raft, stored } = manifest;
  const plain = plainFile(stored.file);
  const { program, unit, variable } = wordsOf(manifest);
  return `## 3. Stop every node and move the old data away

On every node (unit and data directory as in your configuration):

\`\`\`sh
systemctl stop ${unit}
mv DATA_DIR DATA_DIR.pre-restore && mkdir -m 0700 DATA_DIR && chown --reference=DATA_DIR.pre-restore DATA_DIR
\`\`\`

If DATA_DIR is a mount point or a link, move its contents into a directory \`.pre-restore\` inside it instead; Vault ignores that directory.

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

## 5. Join the others

On each of the other nodes, with the empty data directory from step 3; CA.pem is the CA of the servers' certificates (omit the
option if the host trusts it):

\`\`\`sh
systemctl start ${unit}
export ${variable}=https://ADDRESS-OF-THIS-NODE:8200
${program} operator raft join -leader-ca-cert=@CA.pem https://ADDRESS-OF-THE-FIRST-NODE:8200
${unseal(manifest)}
\`\`\`

After about 20 seconds \`${program} operator raft list-peers\` shows every node as a voter. Keep \`DATA_DIR.pre-restore\` until you are sure.
`;
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
