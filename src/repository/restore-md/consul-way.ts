import type { ManifestDraft } from '../../contract/generation';
import { shellWord } from '../../contract/shell-word';
import { plainFile, unseal, wordsOf } from './words';

/** Consul is restored while the Vaults are stopped; nobody holds the HA lock of the snapshot any more. */
export function consulWay(manifest: ManifestDraft): string {
  const { stored, content } = manifest;
  const path = content?.method === 'consul' ? content.path : 'vault/';
  const { program, unit, variable } = wordsOf(manifest);
  return `## 3. Stop every Vault

On every node:

\`\`\`sh
systemctl stop ${unit}
\`\`\`

## 4. Restore Consul

**Everything in Consul goes back to the time of the backup**: keys of other applications, services, ACL tokens. Consul needs a
leader. Keep what is there first; both need a management token (of then, for what comes after the restore):

\`\`\`sh
export CONSUL_HTTP_ADDR=https://ADDRESS-OF-CONSUL:8501
consul snapshot save before-restore.snap
consul snapshot inspect ${plainFile(stored.file)}
consul snapshot restore ${plainFile(stored.file)}
consul kv delete ${shellWord(`${path}core/lock`)}
\`\`\`

Without the last command no Vault becomes active for a while: the snapshot holds the lock of the Vault that led then.

## 5. Start Vault

One node after the other:

\`\`\`sh
systemctl start ${unit}
export ${variable}=https://ADDRESS-OF-THIS-NODE:8200
${unseal(manifest)}
${program} status                       # Sealed: false${manifest.clusterId === null ? '' : ', and the cluster id from above'}
\`\`\`

If a Vault logs \`Unexpected response code: 403\`, its ACL token for Consul does not exist in the backup: create it again, with
the same id, or put the token of that time into its configuration.
`;
}
