import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { clusterOf, loadConfig, nodeOf, readPublicKey } from '../config/load';
import { readSecret } from '../config/secret';
import { DrError } from '../contract/failures';
import type { GenerationCopy } from '../contract/generation';
import { problemOfBundle } from '../crypto/agent-key';
import { decryptStream } from '../crypto/encryption';
import { type ConfigEntry, unpackEntries } from '../host/config/config-files';
import { compareEntry, type EntryDifference, refusals, restoreEntry } from '../host/config/config-restore';
import { lineDiff } from '../host/config/text-diff';
import { copyBundle, findBundle } from './bundle-source';
import { readIdentityFile } from './inspect';
import { style } from '../terminal';
import { note, print, printJson } from './output';
import type { CommonOptions } from './program';

interface Options extends CommonOptions {
  cluster: string;
  node: string;
  identity: string[];
  apply?: boolean;
  unsigned?: boolean;
  from?: string;
}

interface FetchOptions extends CommonOptions {
  cluster: string;
  node: string;
  to: string;
}

export async function runBundle(generation: string, options: Options): Promise<void> {
  const { copy, entries, configFiles, unsigned } = await load(generation, options);
  const refused = refusals(entries, configFiles);
  if (options.apply) requireWritable(options, unsigned, refused);
  const compared = await Promise.all(entries.map(compareEntry));
  const differing = compared.filter(({ differences }) => differences.length > 0);
  if (!options.json) {
    for (const item of compared) print(render(item));
  }
  const kept = options.apply ? await apply(differing, copy.generation, configFiles) : [];
  if (options.json) {
    printJson('bundle', {
      generation: copy.generation,
      node: options.node,
      files: compared.map(({ entry: { path, type }, differences }) => ({ path, type, differences })),
      unsigned,
      refused,
      ...(options.apply === undefined ? {} : { written: differing.map(({ entry }) => entry.path), kept }),
    });
    return;
  }
  for (const path of kept) note(`kept: ${path}`);
  for (const problem of refused) note(`would be refused: ${problem}`);
  if (unsigned !== null) note(`not verified: ${unsigned}`);
  const count = `${differing.length} of ${compared.length} differ`;
  if (options.apply) print(style('green', `${differing.length} of ${compared.length} written`));
  else print(differing.length === 0 ? style('green', 'Nothing differs.') : `${count}; nothing was written.`);
}

export async function runFetch(
  generation: string,
  { cluster: name, node, to, json, config: file }: FetchOptions,
): Promise<void> {
  const config = await loadConfig(file);
  const cluster = clusterOf(config, name);
  nodeOf(cluster, node);
  const wanted = { cluster: name, node, generation, from: undefined };
  const found = await findBundle(wanted, config, cluster, await readPublicKey(config));
  await copyBundle(found, to);
  if (json)
    printJson('bundle-fetch', { generation: found.copy.generation, node, repository: found.repository.name, to });
  else {
    print(`Copied the configuration files of ${node} in ${found.copy.generation}, still encrypted, to ${to}`);
    note(
      `Copy that directory to the host. There: vault-dr bundle show latest --cluster ${name} --node ${node} --from ${to}`,
    );
  }
}

/** Otherwise, anyone who can put files into a bundle could have root write them. */
function requireWritable({ node, unsigned: allowed }: Options, unsigned: string | null, refused: string[]): void {
  if (refused.length > 0) {
    throw new DrError('InvalidInput', `Nothing was written: ${refused.join('; ')}.`, {
      where: node,
      advice:
        'Add the paths that may be written to configFiles of the node, in the configuration on this host. To get the others out of the bundle by hand, see RESTORE.md of the backup.',
    });
  }
  if (unsigned === null || allowed) return;
  throw new DrError('SignatureInvalid', `Nothing was written: ${unsigned}.`, {
    where: node,
    advice:
      'Files from an earlier version of vault-dr, or from a host that was replaced, cannot be verified. Read every line of `vault-dr bundle show`, then add --unsigned.',
  });
}

/** Files first: writing below a directory changes its times. */
async function apply(
  differing: EntryDifference[],
  generation: string,
  configFiles: readonly string[],
): Promise<string[]> {
  const files = differing.filter(({ entry }) => entry.type !== 'directory');
  const directories = differing.filter(({ entry }) => entry.type === 'directory').reverse();
  const kept: string[] = [];
  for (const item of [...files, ...directories]) {
    const path = await restoreEntry(item, `.pre-restore-${generation}`, configFiles);
    if (path !== null) kept.push(path);
  }
  return kept;
}

interface Bundle {
  copy: GenerationCopy;
  entries: ConfigEntry[];
  /** Of the node, in the configuration on this host. */
  configFiles: readonly string[];
  /** Why the signature of the node's agent does not prove it; null if it does. */
  unsigned: string | null;
}

async function load(generation: string, options: Options): Promise<Bundle> {
  const config = await loadConfig(options.config);
  const cluster = clusterOf(config, options.cluster);
  const wanted = { cluster: options.cluster, node: options.node, generation, from: options.from };
  const { copy, bundle, content } = await findBundle(wanted, config, cluster, await readPublicKey(config));
  const { configFiles, agentPublicKey } = nodeOf(cluster, options.node);
  const entries = await unpackEntries(await decrypt(content, copy));
  return { copy, entries, configFiles, unsigned: problemOfBundle(agentPublicKey, options.cluster, bundle) };

  async function decrypt(bytes: Buffer, { manifest }: GenerationCopy): Promise<Buffer> {
    const identities =
      options.identity.length > 0
        ? await Promise.all(options.identity.map(readIdentityFile))
        : await Promise.all(cluster.restore.identities.map((source) => readSecret(source, 'restore.identities')));
    const keys = { identities, gpgHome: cluster.restore.openpgp?.home };
    return buffer(await decryptStream(Readable.from([bytes]), manifest.encryption, keys, 'The bundle'));
  }
}

/** Shows the changed lines, except of files that only their owner may read. */
export function render({ entry, present, differences }: EntryDifference): string {
  if (differences.length === 0) return `${style('green', '=')} ${entry.path}`;
  const head = `${style('yellow', present ? '~' : '+')} ${entry.path}: ${differences.join(', ')}`;
  if (!present || !differences.includes('content')) return head;
  if ((entry.mode & 0o077) === 0 || [entry.content, present.content].some((text) => text.includes('PRIVATE KEY'))) {
    return `${head} (not shown)`;
  }
  const lines = lineDiff(present.content, entry.content);
  return [head, ...(lines ?? ['(not text)']).map((line) => `    ${line}`)].join('\n');
}
