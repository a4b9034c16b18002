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
    hint: 'It takes the secret key with one of these fingerprints:',
  },
};

/** What stands in `RESTORE.md`: the way back with stock tools only. Holds no secret. */
export function restoreMd(manifest: ManifestDraft): string {
  const { generation, cluster, stored, encryption, raft } = manifest;
  const plain = stored.file.replace(/\.(age|gpg)$/, '');
  const { program, unit, variable } = wordsOf(manifest);
  return `# Restore ${cluster} from ${generation}

${originOf(manifest)}, Raft index ${raft.index}.
${manifest.clusterId === null ? 'Cluster id: not known' : `Cluster id ${manifest.clusterId}`}.${productLine(manifest)}

You need: this directory, ${encryption.method === 'none' ? '' : `${DECRYPTION[encryption.method].wanted}, `}${keysNeeded(manifest)},
the server's configuration and TLS files, and the public signing key from your own records (not one that lies beside this file).

## 1. Check the copy

\`\`\`sh
sha256sum -c SHA256SUMS
openssl pkeyutl -verify -pubin -inkey SIGNING-PUBLIC-KEY.pem -rawin -in manifest.json -sigfile manifest.json.sig
grep "$(sha256sum SHA256SUMS | cut -d ' ' -f 1)" manifest.json
\`\`\`

Every file must be OK, the signature verified, and the last command must print a line: the signed manifest names the hash of
SHA256SUMS, which names the hashes of the snapshot and of this text.

${decryption(manifest, plain)}${configuration(manifest)}## 3. Stop every node and move the old data away

On every node (unit and data directory as in your configuration):

\`\`\`sh
systemctl stop ${unit}
mv DATA_DIR DATA_DIR.pre-restore && mkdir -m 0700 DATA_DIR && chown --reference=DATA_DIR.pre-restore DATA_DIR
\`\`\`

Is DATA_DIR a mount point or a link, move what is in it into a directory \`.pre-restore\` in it instead; Vault ignores that.

The cluster had ${raft.peers.length === 1 ? 'one node' : `${raft.peers.length} nodes`}:

${raft.peers.map(peerLine).join('\n')}

## 4. Install the snapshot on one node

Start one node only; the others stay down. It is blank, so it is initialised once with keys that are thrown away.
**The numbers matter**: with others the original keys are refused afterwards.

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

Forget the throwaway keys and their root token: they open nothing any more.

## 5. Join the others

On each of the others, with the empty data directory from step 3; CA.pem is the CA of the servers' certificates (leave the
option out where the host trusts it):

\`\`\`sh
systemctl start ${unit}
export ${variable}=https://ADDRESS-OF-THIS-NODE:8200
${program} operator raft join -leader-ca-cert=@CA.pem https://ADDRESS-OF-THE-FIRST-NODE:8200
${unseal(manifest)}
\`\`\`

After some 20 seconds \`${program} operator raft list-peers\` shows every node as a voter. Keep \`DATA_DIR.pre-restore\` until you are sure.
${ownSeals(manifest)}${rootToken(manifest)}`;
}

function originOf({ capturedAt, leader, serverVersion, imported }: ManifestDraft): string {
  const version = serverVersion === null ? 'server version not known' : `server version ${serverVersion}`;
  if (leader) return `Captured ${capturedAt} from ${leader.node} (${leader.address}), ${version}`;
  const doubt = { operator: '', name: ' (by the name of the file)', file: ' or before (by the time of the file)' };
  const when = `${capturedAt}${imported ? doubt[imported.capturedAtBy] : ''}`;
  return `Captured ${when} by something else than vault-dr, imported ${imported?.at ?? ''}, ${version}`;
}

function keysNeeded({ seal, recovery: recoveryConfig }: ManifestDraft): string {
  if (seal.type === 'shamir') return `${seal.secretThreshold} of the ${seal.secretShares} **original** unseal keys`;
  const held = recoveryConfig
    ? ` (${recoveryConfig.secretThreshold} of ${recoveryConfig.secretShares} recovery keys for a new root token)`
    : '';
  return `the \`${seal.type}\` seal that the cluster had, in working order${held}`;
}

function decryption({ encryption, stored }: ManifestDraft, plain: string): string {
  if (encryption.method === 'none')
    return `## 2. Decrypt\n\nNothing to do: ${stored.file} is stored as the server sent it.\n\n`;
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
  return `The configuration of each node (${bundles.map(({ file }) => file).join(', ')}) is a tar with absolute places; look first:

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
    return `Wait until \`${program} status\` says \`Sealed: true\` (some seconds). Restart it while it is sealed, then use the **original** keys:`;
  }
  const id = clusterId === null ? 'another cluster id than after the initialisation' : 'the cluster id from above';
  return `Wait until \`${program} status\` shows ${id} (some seconds), then restart it: without that no other node gets in.`;
}

function unseal(manifest: ManifestDraft): string {
  const { seal } = manifest;
  const { program } = wordsOf(manifest);
  if (seal.type !== 'shamir') return `# it unseals itself through ${seal.type}`;
  return `${program} operator unseal              # ${seal.secretThreshold} times, with the original keys`;
}

function peerLine({ id, address, suffrage }: RaftPeer): string {
  return `- ${id} (${address}), ${suffrage}`;
}

/** Where nobody knows what it was, both are told. */
function wordsOf({ product }: ManifestDraft) {
  return { ...PRODUCTS[product ?? 'vault'], variable: product === 'openbao' ? 'BAO_ADDR' : 'VAULT_ADDR' };
}

function productLine({ product }: ManifestDraft): string {
  return product === undefined ? ' With OpenBao type `bao` where this says `vault`, and `openbao` for its unit.' : '';
}

/** What nothing of the above opens. */
function ownSeals({ ownSeals: seals = [] }: ManifestDraft): string {
  if (seals.length === 0) return '';
  return `
## Namespaces with seals of their own

They answer \`503 namespace is sealed\` until the key holders of each have come, at every node, after a login with an original token
(\`bao namespace list -detailed\` says the path of an id):

\`\`\`sh
${seals.map(({ id, path }) => (path === null ? `bao namespace unseal PATH       # of ${id}` : `bao namespace unseal ${path}`)).join('\n')}
\`\`\`
`;
}

/** A restore brings back the logins of then, and nobody may have one. */
function rootToken({ product, serverVersion, seal }: ManifestDraft): string {
  const keys = seal.type === 'shamir' ? 'unseal keys' : 'recovery keys';
  return `
## If nobody can log in

Tokens and logins are those of the capture. With enough ${keys} a new root token is made by
${rootTokenAdvice(product, serverVersion)}.
`;
}
