import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { DrError } from '../contract/failures';
import { type CopiedData, copiedStatement } from '../contract/copied';
import { bundleStatement, type ConfigBundle } from '../contract/generation';
import { AGENT_KEY, expectSigned } from '../contract/recipients';
import { type SecretsRead, secretsReadStatement } from '../contract/secret-run';
import { recipientStatement, type RunRecipient, type StagedBackup, stagedStatement } from '../contract/recovery';

/** Makes the key with which an agent signs its recipients. PEM, PKCS #8. */
export function generateAgentKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** One line of base64 (SPKI, DER), as it stands in the configuration under `agentPublicKey`. */
export function agentPublicKey(privateKeyPem: string): string {
  return createPublicKey(createPrivateKey(privateKeyPem)).export({ type: 'spki', format: 'der' }).toString('base64');
}

/** Whether a line of base64 is a public key of an agent. */
export function isAgentPublicKey(publicKey: string): boolean {
  try {
    const der = Buffer.from(publicKey, 'base64');
    const key = createPublicKey({ key: der, type: 'spki', format: 'der' });
    return key.asymmetricKeyType === 'ed25519' && der.toString('base64') === publicKey;
  } catch {
    return false;
  }
}

/** `SHA256:…`, for people to compare on two screens. */
export function agentFingerprint(publicKey: string): string {
  const hash = createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}

export function signText(privateKeyPem: string, text: string): string {
  return signStatement(privateKeyPem, text);
}

export function isSignedBy(publicKey: string, text: string, signature: string): boolean {
  return holds(publicKey, text, signature);
}

export function signRecipient(
  privateKeyPem: string,
  about: { cluster: string; node: string; run: string; recipient: string },
): string {
  const statement = recipientStatement(about.cluster, about.node, about.run, about.recipient);
  return signStatement(privateKeyPem, statement);
}

export function signBundle(privateKeyPem: string, cluster: string, bundle: ConfigBundle): string {
  return signStatement(privateKeyPem, bundleStatement(cluster, bundle));
}

/** Signs that a backup is verified on the disk of this node. */
export function signStaged(privateKeyPem: string, cluster: string, node: string, staged: StagedBackup): string {
  return signStatement(privateKeyPem, stagedStatement(cluster, node, staged));
}

/** Why another host can't know that a backup is on the disk of this node; null if its agent has signed so. */
export function problemOfStaged(
  publicKey: string | undefined,
  cluster: string,
  node: string,
  staged: StagedBackup,
  signature: string | null,
): string | null {
  if (publicKey === undefined) return `its configuration has no agentPublicKey for ${node}`;
  if (signature === null) return `the agent of ${node} has not confirmed it`;
  if (holds(publicKey, stagedStatement(cluster, node, staged), signature)) return null;
  return `its confirmation is not signed by the agent of ${node}`;
}

/** Why it is not proved that the agent of its node collected a bundle; null if it is. */
export function problemOfBundle(publicKey: string | undefined, cluster: string, bundle: ConfigBundle): string | null {
  const { node, signature } = bundle;
  if (publicKey === undefined) return `the configuration has no agentPublicKey for ${node}`;
  if (signature === undefined) return `the agent of ${node} has not signed it`;
  if (holds(publicKey, bundleStatement(cluster, bundle), signature)) return null;
  return `its signature does not match the key configured for the agent of ${node}`;
}

/** Signs the contents of the archive of this node's data. */
export function signCopied(privateKeyPem: string, cluster: string, copied: CopiedData): string {
  return signStatement(privateKeyPem, copiedStatement(cluster, copied));
}

/** Why it is not proved that the agent of its node made a copy; null if it is. */
export function problemOfCopied(publicKey: string | undefined, cluster: string, copied: CopiedData): string | null {
  if (publicKey === undefined) return `the configuration has no agentPublicKey for ${copied.node}`;
  if (holds(publicKey, copiedStatement(cluster, copied), copied.signature)) return null;
  return `its signature does not match the key configured for the agent of ${copied.node}`;
}

type SecretsAbout = Parameters<typeof secretsReadStatement>[0];

/** Signs what this sandbox host has read. */
export function signSecretsRead(
  privateKeyPem: string,
  about: SecretsAbout,
  read: Omit<SecretsRead, 'signature'>,
): string {
  return signStatement(privateKeyPem, secretsReadStatement(about, read));
}

/** @throws DrError RecipientNotAuthentic unless the named sandbox host has read it for this plan. */
export function verifySecretsRead(publicKey: string | undefined, about: SecretsAbout, read: SecretsRead): void {
  if (publicKey !== undefined && holds(publicKey, secretsReadStatement(about, read), read.signature)) return;
  const why =
    publicKey === undefined ? 'the configuration has no publicKey in sandboxHosts for it' : 'it has not signed this';
  throw new DrError(
    'RecipientNotAuthentic',
    `What the run says that ${about.host} has read can't be trusted: ${why}.`,
    {
      where: about.host,
      advice:
        'Nothing was written. Compare publicKey in sandboxHosts with `vault-dr sandbox-key` on that host; if they are equal, the run has been tampered with: involve your security team.',
    },
  );
}

function signStatement(privateKeyPem: string, statement: string): string {
  return sign(null, Buffer.from(statement), createPrivateKey(privateKeyPem)).toString('base64');
}

/** As `expectSigned`. */
export function verifyRecipients(
  recipients: readonly RunRecipient[],
  run: { cluster: string; run: string },
  keyOf: (node: string) => string | undefined,
  names = AGENT_KEY,
): void {
  expectSigned(recipients, run, keyOf, holds, names);
}

function holds(publicKey: string, statement: string, signature: string): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), type: 'spki', format: 'der' });
    return verify(null, Buffer.from(statement), key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}
