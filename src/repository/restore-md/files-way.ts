import type { ManifestDraft } from '../../contract/generation';
import { joinOthers, MOUNT_POINT, MOVE_AWAY } from './sections';
import { plainFile, unseal, wordsOf } from './words';

/** Vault opens the copied data directory as it is: no throwaway keys, no login. */
export function filesWay(manifest: ManifestDraft): string {
  const { content } = manifest;
  return content?.method === 'filesystem' && content.storage === 'file' ? singleVault(manifest) : raftNode(manifest);
}

function raftNode(manifest: ManifestDraft): string {
  const { program, unit, variable } = wordsOf(manifest);
  return `## 3. Stop every node and move the old data away

On every node (unit and data directory as in your configuration):

\`\`\`sh
systemctl stop ${unit}
${MOVE_AWAY}
\`\`\`

${MOUNT_POINT}

## 4. Unpack the data directory on one node

The others stay stopped. The server must be of the release from above or a newer one.

\`\`\`sh
${unpack(manifest)}
rm -f DATA_DIR/node-id
\`\`\`

Make it the only member of its cluster. NODE_ID is \`node_id\` of \`storage "raft"\` (or VAULT_RAFT_NODE_ID of the service) on this
host; if neither is set, choose one and write it into DATA_DIR/node-id. CLUSTER_ADDRESS is the host and port of its own
\`cluster_addr\`, such as 10.0.0.1:8201:

\`\`\`sh
echo '[{"id": "NODE_ID", "address": "CLUSTER_ADDRESS", "non_voter": false}]' > DATA_DIR/raft/peers.json
chown -R --reference=DATA_DIR.pre-restore DATA_DIR
systemctl start ${unit}
export ${variable}=https://ADDRESS-OF-THIS-NODE:8200
${unseal(manifest)}
${program} status                       # Sealed: false${manifest.clusterId === null ? '' : ', and the cluster id from above'}
${program} operator raft list-peers     # after a login with an original token: this node alone
\`\`\`

Vault deletes peers.json when it has read it.

${joinOthers(manifest)}`;
}

function singleVault(manifest: ManifestDraft): string {
  const { program, unit, variable } = wordsOf(manifest);
  return `## 3. Stop Vault and move the old data away

DATA_DIR is \`path\` of \`storage "file"\` in the server's configuration:

\`\`\`sh
systemctl stop ${unit}
${MOVE_AWAY}
\`\`\`

${MOUNT_POINT}

## 4. Unpack the data directory and start

The server must be of the release from above or a newer one; OpenBao no longer has this storage from 2.7 on.

\`\`\`sh
${unpack(manifest)}
chown -R --reference=DATA_DIR.pre-restore DATA_DIR
systemctl start ${unit}
export ${variable}=https://ADDRESS-OF-THIS-NODE:8200
${unseal(manifest)}
${program} status                       # Sealed: false${manifest.clusterId === null ? '' : ', and the cluster id from above'}
\`\`\`

Keep \`DATA_DIR.pre-restore\` until you are sure.
`;
}

/** GNU tar and bsdtar know its sparse files; `data/` is the directory itself. */
function unpack({ stored }: ManifestDraft): string {
  const plain = plainFile(stored.file);
  return `tar -xzOf ${plain} meta.json                                    # what it is: storage, seal, members, versions
tar -xzf ${plain} -C DATA_DIR --strip-components=1 --no-same-owner data`;
}
