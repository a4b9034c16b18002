import { createHash, createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { clusterOf, repositoryConfigOf } from '../config/load';
import { type NamedKey, publicKeysOf } from '../config/public-keys';
import type { Config, NodeConfig, RepositoryConfig, SecretSource } from '../config/schema';
import { DrError } from '../contract/failures';
import { formatTime } from '../contract/format';
import type { Encryption, Manifest, SealConfig } from '../contract/generation';
import { evaluateRollCall, type RollCalled } from '../contract/roll-call';
import { quoted, shellWord } from '../contract/shell-word';
import { encryptionOf } from '../crypto/encryption';
import { certificatesIn } from '../vault/reach/certificate';

/** What an earlier one says of holders is out of date. */
const MOST_ROLL_CALLS = 100;

/** What is read elsewhere, and needed to make a kit. */
export interface KitSources {
  config: Config;
  cluster: string;
  /** PEM, of the configured file. */
  signingKey: string;
  /** PEM, of the cluster's `tls.caFile`; null if it has none. */
  authorities: string | null;
  /** The newest backup that can be read. */
  backup: Manifest | null;
  rollCalls: readonly RollCalled[];
  /** SHA-256 of the page for key holders that this version makes; null without agents, or where nobody looked. */
  holderPage: string | null;
}

/** Everything that a kit says. Contains no secret. */
export interface KitFacts {
  cluster: string;
  repositories: KitRepository[];
  nodes: KitNode[];
  /** Where Vault stores in it. */
  consul: string | null;
  signing: { pem: string; sha256: string };
  authorities: { file: string; certificates: { subject: string; sha256: string; validTo: string }[] } | null;
  encryption: Encryption;
  identities: string[];
  seal: { seal: SealConfig; recovery: SealConfig | null } | null;
  /** As configured, and as roll-calls have seen them. */
  holders: { name: string; provenAt: string | null }[];
  approvers: { names: { name: string; key: string }[]; approvals: number } | null;
  servers: { product: Manifest['product']; version: string | null } | null;
  /** Of agents and sandbox hosts, which the page trusts. */
  holderPage: { sha256: string | null; keys: NamedKey[] };
  /** An example: there will be a newer one. */
  backup: Manifest | null;
}

export interface KitRepository {
  name: string;
  kind: RepositoryConfig['type'];
  /** A path, or s3://bucket/prefix. */
  place: string;
  /** Controller that has the directory. */
  host: string | null;
  region: string | null;
  endpoint: string | null;
  kmsKey: string | null;
}

export interface KitNode {
  name: string;
  address: string;
  clusterAddress: string;
  nodeId: string;
  /** Null where no agent was ever to touch the host. */
  dataDir: string | null;
  /** Of systemd; null if something else starts it. */
  unit: string | null;
  /** Commands of another way to start and stop it. */
  commands: { start: string; stop: string } | null;
}

/** @throws DrError InvalidConfiguration if the signing key is no key */
export function kitFacts(sources: KitSources): KitFacts {
  const { config, cluster, signingKey, authorities, backup, rollCalls } = sources;
  const settings = clusterOf(config, cluster);
  const { method, recipients } = encryptionOf(settings.backup.encryption);
  const key = publicKeyIn(signingKey);
  const { approvers, approvals } = settings.restore;
  const known = publicKeysOf(config, cluster);
  return {
    cluster,
    repositories: settings.repositories.map((name) => repositoryFacts(name, repositoryConfigOf(config, name))),
    nodes: settings.nodes.map(nodeFacts),
    consul: settings.consul === undefined ? null : withoutLogin(settings.consul.addresses[0] ?? ''),
    // Made from the key, so that nothing else in the file is printed.
    signing: {
      pem: key.export({ type: 'spki', format: 'pem' }).toString().trim(),
      sha256: sha256(key.export({ type: 'spki', format: 'der' })),
    },
    authorities:
      authorities === null
        ? null
        : { file: settings.tls?.caFile ?? '', certificates: certificatesIn(authorities).map(certificateFacts) },
    encryption: { method, recipients: recipients.toSorted() },
    identities: whereIdentities(config, cluster),
    seal: backup && { seal: backup.seal, recovery: backup.recovery },
    holders: holdersOf(settings.rollCall, rollCalls, backup),
    approvers:
      approvers === undefined
        ? null
        : { approvals, names: approvers.map(({ name, key: line }) => ({ name, key: sshFingerprint(line) })) },
    holderPage: { sha256: sources.holderPage, keys: [...known.nodes, ...known.sandboxHosts] },
    servers: backup && { product: backup.product, version: backup.serverVersion },
    backup,
  };
}

function publicKeyIn(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw new DrError('InvalidConfiguration', 'signing.publicKeyFile is not a public key in PEM.', {
      advice: 'Make it from the private one: `openssl pkey -pubout`.',
      cause: error,
    });
  }
}

function repositoryFacts(name: string, repository: RepositoryConfig): KitRepository {
  const none = { host: null, region: null, endpoint: null, kmsKey: null };
  if (repository.type === 'directory')
    return { ...none, name, kind: 'directory', place: repository.path, host: repository.host ?? null };
  const { bucket, prefix, region, endpoint, kmsKeyId } = repository;
  return {
    ...none,
    name,
    kind: 's3',
    place: `s3://${bucket}/${prefix}`,
    region,
    endpoint: endpoint === undefined ? null : withoutLogin(endpoint),
    kmsKey: kmsKeyId ?? null,
  };
}

/** Nobody should, but somebody may have written a password into it. */
function withoutLogin(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}

function nodeFacts({ name, address, clusterAddress, nodeId = name, dataDir = '', service }: NodeConfig): KitNode {
  const words = (command: readonly string[]) => command.map(shellWord).join(' ');
  const base = { name, address, clusterAddress, nodeId, dataDir: dataDir || null, unit: null, commands: null };
  switch (service?.driver) {
    case 'systemd':
      return { ...base, unit: service.unit };
    case 'command':
      return { ...base, commands: { start: words(service.start), stop: words(service.stop) } };
    case 'process':
      return {
        ...base,
        commands: {
          start: `${words(service.command)} &`,
          stop: `kill $(pgrep -fx ${quoted(asRegex(service.command))})`,
        },
      };
    case undefined:
      return base;
  }
}

/** Where they are, never what they are. Arguments of a command are left out: one may be a token. */
function whereIdentities(config: Config, cluster: string): string[] {
  const { restore, nodes } = clusterOf(config, cluster);
  const host = nodes[0]?.name ?? '';
  const where = (source: SecretSource) => {
    if ('file' in source) return `file ${source.file} on ${host}`;
    if ('env' in source) return `environment variable ${source.env} of the agent on ${host}`;
    if ('credential' in source) return `systemd credential ${source.credential} on ${host}`;
    return `what the command ${programOf(source.command)} of restore.identities prints on ${host}`;
  };
  const home = restore.openpgp?.home;
  return [...restore.identities.map(where), ...(home === undefined ? [] : [`GnuPG home ${home} on ${host}`])];
}

function holdersOf(
  policy: Parameters<typeof evaluateRollCall>[1],
  rollCalls: readonly RollCalled[],
  backup: Manifest | null,
): KitFacts['holders'] {
  if (backup === null) return policy.holders.map((name) => ({ name, provenAt: null }));
  const newest = rollCalls
    .toSorted((left, right) => Date.parse(right.at) - Date.parse(left.at))
    .slice(0, MOST_ROLL_CALLS);
  const { holders } = evaluateRollCall(newest, policy, backup.recovery ?? backup.seal, new Date(backup.capturedAt));
  return holders.map(({ holder, provenAt }) => ({ name: holder, provenAt }));
}

function certificateFacts({ subject, raw, validTo }: X509Certificate) {
  return { subject, sha256: sha256(raw), validTo: formatTime(validTo) };
}

/** As `ssh-keygen -l` prints it. */
function sshFingerprint(line: string): string {
  const [, body = ''] = line.trim().split(/\s+/);
  const digest = createHash('sha256').update(Buffer.from(body, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

/** Of the command line of a process that runs. */
function asRegex(command: readonly string[]): string {
  return command.join(' ').replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

function programOf([program = '']: readonly string[]): string {
  return program.split('/').at(-1) ?? program;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
