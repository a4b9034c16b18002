import type { ManifestDraft, RaftPeer } from '../contract/generation';
import { PRODUCTS } from '../contract/product';
import { rootTokenAdvice } from '../contract/root-token';

const DECRYPTION = {
  age: {
    wanted: 'an age identity',
    command: 'age -d -i IDENTITY',
    hint: 'IDENTITY is the identity file (or the OpenSSH private key) of one of these recipients:',
  },
  openpgp: {
    wanted: 'an OpenPGP secret key',
    command: 'gpg -d',
    hint: 'You need the secret key with one of these fingerprints:',
  },
};

/** What stands in `RESTORE.md`: the way back with stock tools only. Holds no secret. */
export function restoreMd(manifest: ManifestDraft): string {
  const { generation, cluster, stored, encryption, raft } = manifest;
  const plain = stored.file.replace(/\.(age|gpg)$/, '');
  const { program, unit, variable } = wordsOf(manifest);
  return `# Restore ${cluster} from ${generation}

${originOf(manifest)}, Raft index ${raft.index}.
${manifest.clusterId === null ? 'Cluster id: unknown' : `Cluster id ${manifest.clusterId}`}.${productLine(manifest)}

You need: this directory, ${encryption.method === 'none' ? '' : `${DECRYPTION[encryption.method].wanted}, `}${keysNeeded(manifest)},
the server's configuration and TLS files, and the public signing key from your own records (not a copy next to this file).

## 1. Check the copy

\`\`\`sh
sha256sum -c SHA256SUMS
openssl pkeyutl -verify -pubin -inkey SIGNING-PUBLIC-KEY.pem -rawin -in manifest.json -sigfile manifest.json.sig
grep "$(sha256sum SHA256SUMS | cut -d ' ' -f 1)" manifest.json
\`\`\`

Every file must be OK, the signature must verify, and the last command must print a line: the signed manifest contains the hash of
SHA256SUMS, which contains the hashes of the snapshot and of this text.

${decryption(manifest, plain)}${configuration(manifest)}## 3. Stop every node and move the old data away

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
${ownSeals(manifest)}${rootToken(manifest)}`;
}

function originOf({ capturedAt, leader, serverVersion, imported }: ManifestDraft): string {
  const version = serverVersion === null ? 'server version unknown' : `server version ${serverVersion}`;
  if (leader) return `Captured ${capturedAt} from ${leader.node} (${leader.address}), ${version}`;
  const doubt = { operator: '', name: ' (by the name of the file)', file: ' or before (by the time of the file)' };
  const when = `${capturedAt}${imported ? doubt[imported.capturedAtBy] : ''}`;
  return `Captured ${when} without vault-dr, imported ${imported?.at ?? ''}, ${version}`;
}

function keysNeeded({ seal, recovery: recoveryConfig }: ManifestDraft): string {
  if (seal.type === 'shamir') return `${seal.secretThreshold} of the ${seal.secretShares} **original** unseal keys`;
  const held = recoveryConfig
    ? ` (${recoveryConfig.secretThreshold} of ${recoveryConfig.secretShares} recovery keys for a new root token)`
    : '';
  return `a working \`${seal.type}\` seal, the same as the original cluster's${held}`;
}

function decryption({ encryption, stored }: ManifestDraft, plain: string): string {
  if (encryption.method === 'none') return `## 2. Decrypt\n\nNothing to do: ${stored.file} is not encrypted.\n\n`;
  const { command, hint } = DECRYPTION[encryption.method];
  return `## 2. Decrypt

\`\`\`sh
${command} -o ${plain} ${stored.file}
\`\`\`

${hint}

${encryption.recipients.map((recipient) => `- ${recipient}`).join('\n')}

`;
}

function configuration({ bundles, encryption }: ManifestDraft): string {
  const [first] = bundles;
  if (first === undefined || encryption.method === 'none') return '';
  return `The configuration of each node (${bundles.map(({ file }) => file).join(', ')}) is a tar archive with absolute paths; list it first:

\`\`\`sh
${DECRYPTION[encryption.method].command} ${first.file} | tar -tzv
${DECRYPTION[encryption.method].command} ${first.file} | tar -xzp -C /    # as root, on that node
\`\`\`

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

function unseal(manifest: ManifestDraft): string {
  const { seal } = manifest;
  const { program } = wordsOf(manifest);
  if (seal.type !== 'shamir') return `# it unseals itself with ${seal.type}`;
  return `${program} operator unseal              # ${seal.secretThreshold} times, with the original keys`;
}

function peerLine({ id, address, suffrage }: RaftPeer): string {
  return `- ${id} (${address}), ${suffrage}`;
}

/** If the product is unknown, both are named. */
function wordsOf({ product }: ManifestDraft) {
  return { ...PRODUCTS[product ?? 'vault'], variable: product === 'openbao' ? 'BAO_ADDR' : 'VAULT_ADDR' };
}

function productLine({ product }: ManifestDraft): string {
  return product === undefined ? ' With OpenBao, type `bao` instead of `vault`; its unit is `openbao`.' : '';
}

/** What nothing of the above opens. */
function ownSeals({ ownSeals: seals = [] }: ManifestDraft): string {
  if (seals.length === 0) return '';
  return `
## Namespaces with their own seals

They answer \`503 namespace is sealed\` until their key holders unseal them, on every node, after a login with an original token
(\`bao namespace list -detailed\` shows the path of an id):

\`\`\`sh
${seals.map(({ id, path }) => (path === null ? `bao namespace unseal PATH       # of ${id}` : `bao namespace unseal ${path}`)).join('\n')}
\`\`\`
`;
}

/** A restore brings back the logins of that time, and there may be no valid one. */
function rootToken({ product, serverVersion, seal }: ManifestDraft): string {
  const keys = seal.type === 'shamir' ? 'unseal keys' : 'recovery keys';
  return `
## If no login works

Tokens and logins are those at the time of the capture. With enough ${keys}, create a new root token by
${rootTokenAdvice(product, serverVersion)}.
`;
}
