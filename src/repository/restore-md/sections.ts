import type { ManifestDraft } from '../../contract/generation';
import { unseal, wordsOf } from './words';

/** The commands that set a data directory aside. */
export const MOVE_AWAY =
  'mv DATA_DIR DATA_DIR.pre-restore && mkdir -m 0700 DATA_DIR && chown --reference=DATA_DIR.pre-restore DATA_DIR';

export const MOUNT_POINT =
  'If DATA_DIR is a mount point or a link, move its contents into a directory `.pre-restore` inside it instead; Vault ignores that directory.';

/** Once the first node of a Raft cluster serves. */
export function joinOthers(manifest: ManifestDraft): string {
  const { program, unit, variable } = wordsOf(manifest);
  return `## 5. Join the others

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
