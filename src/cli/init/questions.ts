import { dirname, join, resolve } from 'node:path';
import { DrError } from '../../contract/failures';
import type { Settings } from '../../init/configuration';
import { checkConsul } from '../../init/consul-check';
import { recipientsIn } from '../../init/files';
import { adviseFlags } from '../../init/flags';
import { type Places, placesIn } from '../../init/places';
import { type Access, clientFor, guessAddress, inWords, problemAt, type Survey, survey } from '../../init/survey';
import * as wish from '../../init/wishes';
import type { VaultClient } from '../../vault/client';
import { readPem } from '../../vault/connect-node';
import { refuseIfReadByAll } from '../../config/exposures';
import { renderTable, style } from '../../terminal';
import { note } from '../output';
import { answersTo, answerTo, type Asker } from './asker';
import { missingFlags, type Options } from './options';

const DEFAULT_ADDRESS = 'https://127.0.0.1:8200';
const DEFAULT_STATE = '/var/lib/vault-dr';
/** Stands for the recipient of an identity that is not made yet. */
export const FUTURE_RECIPIENT = 'age1-of-the-identity-that-is-made-here';

/** Everything that is asked and found, before anything is written. */
export interface Interview {
  file: string;
  places: Places;
  access: Access;
  vault: VaultClient;
  found: Survey;
  settings: Settings;
  every: string;
  role: string;
  /** PEM, to be copied. */
  caPem: string | null;
}

/** @throws DrError InvalidInput with all that is missing, where nobody can be asked */
export async function interview(options: Options, asker: Asker | null): Promise<Interview> {
  if (asker === null) refuseIfMissing(options);
  const file = resolve(options.config);
  const access = await accessOf(options, asker);
  const caPem = access.caPem ?? null;
  const vault = clientFor(access);
  note(`Asking ${access.address} …`);
  const found = await survey(vault).catch(adviseFlags);
  note(`  ${inWords(found)}`);
  note(`  Method of backup: ${found.method} (${found.why}).`);
  const nodes = await nodesOf(found, access, options, asker);
  const cluster = await answerTo(asker, options.cluster, {
    text: 'Name of this cluster in vault-dr',
    preset: 'prod',
    parse: wish.clusterName,
  });
  const places = placesIn(dirname(file), cluster);
  const repositories = await repositoriesOf(options, asker, places);
  const recipients = await recipientsOf(options, asker, places);
  const approvers = await approversOf(options, asker);
  const every = await answerTo(asker, options.every, {
    text: 'Time between two backups: the most that a restore loses',
    preset: '6h',
    parse: wish.every,
  });
  const settings: Settings = {
    cluster,
    method: found.method,
    nodes,
    hasCa: caPem !== null,
    clientCertificate: clientFiles(options),
    mount: wish.mountPath(options.mount),
    recipients,
    ownIdentity: options.identity,
    repositories,
    approvers,
    consul: found.method === 'consul' ? await consulOf(options, asker) : null,
    window: found.method === 'filesystem' ? await windowOf(options, asker) : null,
    stateDir: stateDirOf(options, places),
  };
  return { file, places, access, vault, found, settings, every, role: wish.roleName(options.role), caPem };
}

function refuseIfMissing(options: Options): void {
  const missing = missingFlags(options, process.env);
  if (missing.length === 0) return;
  throw new DrError('InvalidInput', `Nobody can be asked, and this is missing:\n${list(missing)}`, {
    advice: 'Add these flags, or run it in a terminal without --yes.',
  });
}

function list(items: readonly string[]): string {
  return items.map((item) => `  - ${item}`).join('\n');
}

async function authorityOf(options: Options, asker: Asker | null): Promise<string | null> {
  return answerTo(asker, options.caFile, {
    text: "File with the authority of Vault's certificates, PEM; Enter: those that this system trusts",
    preset: '',
    parse: async (text) => (text === '' ? null : wish.authority(resolve(text))),
  });
}

async function accessOf(options: Options, asker: Asker | null): Promise<Access> {
  const address = await answerTo(asker, options.address, {
    text: 'API address of a node that serves',
    preset: DEFAULT_ADDRESS,
    parse: wish.address,
  });
  const caPem = address.startsWith('https:') ? await authorityOf(options, asker) : null;
  const client = clientFiles(options);
  if (client) await refuseIfReadByAll(client.keyFile, '--client-key');
  return {
    address,
    ...(caPem === null ? {} : { caPem }),
    ...(client && {
      clientCertificate: {
        certificatePem: await readPem(client.certificateFile, '--client-cert'),
        keyPem: await readPem(client.keyFile, '--client-key'),
      },
    }),
    token: await tokenOf(options, asker),
  };
}

function clientFiles({ clientCert, clientKey }: Options): Settings['clientCertificate'] {
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new DrError('InvalidInput', '--client-cert and --client-key must be given together.');
  }
  return clientCert === undefined || clientKey === undefined
    ? null
    : { certificateFile: resolve(clientCert), keyFile: resolve(clientKey) };
}

/** Kept nowhere, and never an argument: others on this host see those. */
async function tokenOf({ tokenFile }: Options, asker: Asker | null): Promise<string> {
  if (tokenFile !== undefined) {
    await refuseIfReadByAll(resolve(tokenFile), '--token-file');
    return (await wish.readText(resolve(tokenFile))).trim();
  }
  const { VAULT_TOKEN: token = '' } = process.env;
  if (token !== '') return token;
  return ((await asker?.hidden('Token of an administrator (not shown, not kept): ')) ?? '').trim();
}

async function nodesOf(
  found: Survey,
  access: Access,
  options: Options,
  asker: Asker | null,
): Promise<Settings['nodes']> {
  const given = options.node.map((item) => wish.namedAddress(item));
  const unknown = given.find(({ name }) => !found.nodes.some((node) => node.name === name));
  if (unknown) {
    throw new DrError('InvalidInput', `The cluster has no node '${unknown.name}'.`, {
      advice: `It has: ${found.nodes.map(({ name }) => name).join(', ')}.`,
    });
  }
  const nodes: Settings['nodes'] = [];
  for (const node of found.nodes) {
    const wished = given.find(({ name }) => name === node.name)?.address ?? node.address ?? undefined;
    const address = await answerTo(asker, wished, {
      text: `API address of ${node.name}, which Vault does not say`,
      preset: guessAddress(node, access.address),
      parse: wish.nodeAddress,
    });
    nodes.push({ ...node, address });
  }
  await showNodes(nodes, access);
  return nodes;
}

async function showNodes(nodes: Settings['nodes'], access: Access): Promise<void> {
  const problems = await Promise.all(nodes.map(({ name, address }) => problemAt(address, name, access)));
  const rows = nodes.map(({ name, address, clusterAddress }, index) => [
    name,
    address,
    clusterAddress,
    problems[index] === null ? 'serves' : style('yellow', problems[index] ?? '', process.stderr),
  ]);
  note(renderTable(['node', 'API address', 'cluster address', 'from here'], rows));
}

async function repositoriesOf(
  options: Options,
  asker: Asker | null,
  { directory }: Places,
): Promise<Settings['repositories']> {
  const { region, endpoint, kmsKeyId, s3AccessKeyFile: accessKeyFile, s3SecretKeyFile: secretKeyFile } = options;
  if ((accessKeyFile === undefined) !== (secretKeyFile === undefined)) {
    throw new DrError('InvalidInput', '--s3-access-key-file and --s3-secret-key-file must be given together.');
  }
  const bucket: wish.BucketOptions = {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    ...(options.objectLock === undefined ? {} : { objectLock: wish.objectLock(options.objectLock) }),
    ...(accessKeyFile === undefined || secretKeyFile === undefined ? {} : { accessKeyFile, secretKeyFile }),
  };
  const parse = (text: string) => wish.repository(text, bucket);
  if (options.repository.length > 0) return wish.namedRepositories(options.repository.map(parse));
  const preset = isRoot() ? '/var/backups/vault' : join(directory, 'backups');
  const first = await answerTo(asker, undefined, {
    text: 'Where to keep backups: a directory, or s3://BUCKET/PREFIX/',
    preset,
    parse,
  });
  const more = await answersTo(asker, [], 'A second place, far away (s3://BUCKET/PREFIX/), or Enter', parse);
  return wish.namedRepositories([first, ...more]);
}

async function recipientsOf(options: Options, asker: Asker | null, { identity }: Places): Promise<string[]> {
  const further = await answersTo(
    asker,
    options.recipient,
    'A second recipient of backups, whose identity lies in a safe (age1… or ssh-ed25519 …), or Enter',
    wish.recipient,
  );
  if (!options.identity) return further;
  return [...((await recipientsIn(identity)) ?? [FUTURE_RECIPIENT]), ...further];
}

async function approversOf(options: Options, asker: Asker | null): Promise<Settings['approvers']> {
  if (options.trust !== undefined) {
    if (options.approver.length === 0) return [];
    throw new DrError('InvalidInput', '--trust and --approver exclude each other.');
  }
  const text = 'Who may approve a restore: NAME=FILE.pub of their SSH key; Enter: nobody signs (for a trial)';
  return answersTo(asker, options.approver, text, wish.approver);
}

async function consulOf(options: Options, asker: Asker | null): Promise<Settings['consul']> {
  if (asker === null && options.consulAddress.length === 0) {
    throw new DrError('InvalidInput', 'Vault stores in Consul, and nobody can be asked where it is.', {
      advice: 'Add --consul-address URL, and --consul-token-file FILE if it has ACLs.',
    });
  }
  const given = options.consulAddress.map(wish.address);
  const addresses =
    given.length > 0
      ? given
      : [
          await answerTo(asker, undefined, {
            text: 'Address of a Consul server',
            preset: 'https://127.0.0.1:8501',
            parse: wish.address,
          }),
        ];
  const path = (text: string) => (text === '' ? null : resolve(text));
  const tokenFile = await answerTo(asker, options.consulTokenFile, {
    text: "File with Consul's ACL token, or Enter",
    preset: '',
    parse: path,
  });
  const caFile = await consulAuthorityOf(options, addresses, asker);
  const prefix = wish.consulPrefix(options.consulPath);
  await checkConsul({
    addresses,
    ...(caFile === null ? {} : { tls: { caFile } }),
    ...(tokenFile === null ? {} : { token: { file: tokenFile } }),
    path: prefix,
    consistency: 'default',
  });
  return { addresses, caFile, tokenFile, path: prefix };
}

async function consulAuthorityOf(options: Options, addresses: string[], asker: Asker | null): Promise<string | null> {
  if (!addresses.some((address) => address.startsWith('https:'))) return null;
  return answerTo(asker, options.consulCaFile, {
    text: "File with the authority of Consul's certificates, PEM; Enter: those that this system trusts",
    preset: '',
    parse: (text) => (text === '' ? null : resolve(text)),
  });
}

function windowOf(options: Options, asker: Asker | null): Promise<NonNullable<Settings['window']>> {
  return answerTo(asker, options.window, {
    text: 'When Vault may be stopped for a backup: UTC and minutes',
    preset: '02:30/60',
    parse: wish.windowOf,
  });
}

/** Null for the default, which only root can make. */
function stateDirOf({ stateDir }: Options, { directory }: Places): string | null {
  const wished = stateDir ?? (isRoot() ? DEFAULT_STATE : join(directory, 'state'));
  return resolve(wished) === DEFAULT_STATE ? null : resolve(wished);
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
