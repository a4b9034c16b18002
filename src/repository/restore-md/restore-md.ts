import type { ManifestDraft } from '../../contract/generation';
import { methodOf } from '../../contract/method';
import { printable } from '../../contract/printable';
import { rootTokenAdvice } from '../../contract/root-token';
import { shellWord } from '../../contract/shell-word';
import { consulWay } from './consul-way';
import { filesWay } from './files-way';
import { raftWay } from './raft-way';
import { plainFile } from './words';

/** Sections 3 to the end, by the method of the backup. */
const WAYS = { raft: raftWay, consul: consulWay, filesystem: filesWay };

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

/** The text of `RESTORE.md`: the way back with stock tools only. Contains no secret. */
export function restoreMd(draft: ManifestDraft): string {
  const manifest = inOneLineEach(draft);
  const { generation, cluster, encryption } = manifest;
  return `# Restore ${cluster} from ${generation}

${originOf(manifest)}, ${originIndex(manifest)}.
${manifest.clusterId === null ? 'Cluster id: unknown' : `Cluster id ${manifest.clusterId}`}.${productLine(manifest)}

You need: this directory, ${encryption.method === 'none' ? '' : `${DECRYPTION[encryption.method].wanted}, `}${keysNeeded(manifest)},
the server's configuration and TLS files, and the public signing key from your own records (not a copy next to this file).

## 1. Check the copy

\`\`\`sh
sha256sum -c SHA256SUMS
openssl pkeyutl -verify -pubin -inkey SIGNING-PUBLIC-KEY.pem -rawin -in manifest.json -sigfile manifest.json.sig
grep "^  .sumsSha256.: .$(sha256sum SHA256SUMS | cut -d ' ' -f 1)" manifest.json
\`\`\`

Every file must be OK, the signature must verify, and the last command must print a line: the signed manifest contains the hash of
SHA256SUMS, which contains the hashes of the snapshot and of RESTORE.md.

${decryption(manifest)}${configuration(manifest)}${WAYS[methodOf(manifest)](manifest)}${ownSeals(manifest)}${rootToken(manifest)}`;
}

/** What others have named, such as nodes and namespaces, ends no line and no block of commands. */
function inOneLineEach<T>(value: T): T {
  const text = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'string' ? printable(item).replaceAll('`', "'") : item,
  );
  return JSON.parse(text) as T;
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

function decryption({ encryption, stored }: ManifestDraft): string {
  if (encryption.method === 'none') return `## 2. Decrypt\n\nNothing to do: ${stored.file} is not encrypted.\n\n`;
  const { command, hint } = DECRYPTION[encryption.method];
  return `## 2. Decrypt

\`\`\`sh
${command} -o ${plainFile(stored.file)} ${stored.file}
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

function productLine({ product }: ManifestDraft): string {
  return product === undefined ? ' With OpenBao, type `bao` instead of `vault`; its unit is `openbao`.' : '';
}

/** What none of the steps above can open. */
function ownSeals({ ownSeals: seals = [] }: ManifestDraft): string {
  if (seals.length === 0) return '';
  return `
## Namespaces with their own seals

They answer \`503 namespace is sealed\` until their key holders unseal them, on every node, after a login with an original token
(\`bao namespace list -detailed\` shows the path of an id):

\`\`\`sh
${seals.map(({ id, path }) => (path === null ? `bao namespace unseal PATH       # of ${id}` : `bao namespace unseal ${shellWord(path)}`)).join('\n')}
\`\`\`
`;
}

/** A restore brings back the logins of that time; possibly none is valid. */
function rootToken({ product, serverVersion, seal }: ManifestDraft): string {
  const keys = seal.type === 'shamir' ? 'unseal keys' : 'recovery keys';
  return `
## If no login works

Tokens and logins are those at the time of the capture. With enough ${keys}, create a new root token by
${rootTokenAdvice(product, serverVersion)}.
`;
}

function originIndex({ raft, content }: ManifestDraft): string {
  if (content?.method !== 'filesystem')
    return `${content?.method === 'consul' ? 'Consul' : 'Raft'} index ${raft.index}`;
  const { node, storage } = content;
  return storage === 'file'
    ? `the files of ${node} (storage "file")`
    : `the data directory of ${node}, Raft index ${raft.index}`;
}
