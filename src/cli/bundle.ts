import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Command } from 'commander';
import { clusterOf, loadConfig, nodeOf, readPublicKey, repositoryConfigOf } from '../config/load';
import { readSecret } from '../config/secret';
import { DrError, isDrError } from '../contract/failures';
import type { ConfigBundle, GenerationCopy } from '../contract/generation';
import { problemOfBundle } from '../crypto/agent-key';
import { decryptStream } from '../crypto/encryption';
import { type ConfigEntry, unpackEntries } from '../host/config/config-files';
import { compareEntry, type EntryDifference, refusals, restoreEntry } from '../host/config/config-restore';
import { lineDiff } from '../host/config/text-diff';
import { listGenerations, readBundle } from '../repository/generations';
import { openRepository } from '../repository/open';
import { readIdentityFile } from './inspect';
import { style } from '../terminal';
import { note, print, printJson } from './output';
import { type CommonOptions, verb, withConfig, withJson } from './program';

interface Options extends CommonOptions {
  cluster: string;
  node: string;
  identity: string[];
  apply?: boolean;
  unsigned?: boolean;
}

/** Works on the repositories and this host alone: needs neither Temporal nor Vault. */
export function bundleCommand(): Command {
  const show = verb(
    'show',
    'Compare the configuration files of a node in a backup with those of this host; changes nothing',
    'vault-dr bundle show latest --cluster prod --node vault-1 --identity backup-identity.txt',
  ).action((generation: string, options: Options) => run(generation, options));
  const restore = verb(
    'restore',
    'Write the configuration files of a node back, on its host; without --apply only the differences are shown',
    'vault-dr bundle restore latest --cluster prod --node vault-1 --identity backup-identity.txt --apply',
  )
    .option('--apply', 'write what differs; what stands there is kept as FILE.pre-restore-GENERATION')
    .option(
      '--unsigned',
      'write also what is not signed by the agent of the node that the configuration names, as after its host was replaced',
    )
    .action((generation: string, options: Options) => run(generation, options));
  const parent = new Command('bundle').description('Configuration files of the nodes, which no snapshot holds');
  for (const command of [show, restore]) {
    command
      .argument('<generation>', 'its id, or latest')
      .requiredOption('--cluster <name>', 'cluster of the configuration')
      .requiredOption('--node <name>', 'node whose files they are')
      .option(
        '--identity <file>',
        'age identity or OpenSSH private key; may be repeated; default: restore.identities of the configuration',
        (file: string, files: string[]) => [...files, file],
        [],
      );
    parent.addCommand(withJson(withConfig(command)));
  }
  return parent;
}

async function run(generation: string, options: Options): Promise<void> {
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
    printJson({
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
  for (const problem of refused) note(`would not be written: ${problem}`);
  if (unsigned !== null) note(`not verified: ${unsigned}`);
  const count = `${differing.length} of ${compared.length} differ`;
  if (options.apply) print(style('green', `${differing.length} of ${compared.length} written`));
  else print(differing.length === 0 ? style('green', 'Nothing differs.') : `${count}; nothing was written.`);
}

/** Whoever could put files into a bundle could otherwise have root write them. */
function requireWritable({ node, unsigned: allowed }: Options, unsigned: string | null, refused: string[]): void {
  if (refused.length > 0) {
    throw new DrError('InvalidInput', `Nothing was written: ${refused.join('; ')}.`, {
      where: node,
      advice:
        'Name what this host may get under configFiles of the node, in the configuration on this host. What can not be named there is taken out of the bundle by hand: see RESTORE.md of the generation.',
    });
  }
  if (unsigned === null || allowed) return;
  throw new DrError('SignatureInvalid', `Nothing was written: ${unsigned}.`, {
    where: node,
    advice:
      'A generation of before, or of a host that was replaced, can not be verified: read what `bundle show` prints, every line, and add --unsigned if that is what is wanted.',
  });
}

/** Files first: what is written below a directory changes the directory's times. */
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
  /** Why it is not known that the node's agent has collected it; null when it is. */
  unsigned: string | null;
}

async function load(generation: string, options: Options): Promise<Bundle> {
  const config = await loadConfig(options.config);
  const cluster = clusterOf(config, options.cluster);
  const publicKey = await readPublicKey(config);
  const problems: string[] = [];
  for (const name of cluster.repositories) {
    try {
      const repository = await openRepository(name, repositoryConfigOf(config, name));
      const { copies, unreadable } = await listGenerations(repository, options.cluster, publicKey);
      const isWanted = (item: { generation: string }) => generation === 'latest' || item.generation === generation;
      const copy = copies.find(isWanted);
      // Another repository may have the one that is meant.
      const unread = unreadable.find((item) => item.retryable && isWanted(item));
      if (unread && unread.generation > (copy?.generation ?? '')) {
        throw new DrError('RepositoryUnavailable', `${unread.generation}: ${unread.problem}`);
      }
      if (!copy) throw new DrError('UnknownGeneration', `${name} has no such generation.`);
      const bundle = bundleOf(copy, options.node);
      const { configFiles, agentPublicKey } = nodeOf(cluster, options.node);
      const entries = await unpackEntries(await decrypt(await readBundle(repository, copy, bundle), copy));
      const unsigned = problemOfBundle(agentPublicKey, options.cluster, bundle);
      return { copy, entries, configFiles, unsigned };
    } catch (error) {
      if (!isDrError(error) || error.code === 'DecryptionFailed' || error.code === 'InvalidInput') throw error;
      problems.push(error.message);
    }
  }
  throw new DrError(
    'UnknownGeneration',
    `No repository gives the configuration files of ${options.node} in ${generation}: ${problems.join(' ')}`,
    { advice: 'See `vault-dr generations list`.' },
  );

  async function decrypt(bytes: Buffer, { manifest }: GenerationCopy): Promise<Buffer> {
    const identities =
      options.identity.length > 0
        ? await Promise.all(options.identity.map(readIdentityFile))
        : await Promise.all(cluster.restore.identities.map((source) => readSecret(source, 'restore.identities')));
    const keys = { identities, gpgHome: cluster.restore.openpgp?.home };
    return buffer(await decryptStream(Readable.from([bytes]), manifest.encryption, keys, 'The bundle'));
  }
}

function bundleOf({ generation, manifest }: GenerationCopy, node: string): ConfigBundle {
  const found = manifest.bundles.find((bundle) => bundle.node === node);
  if (found) return found;
  const nodes = manifest.bundles.map((bundle) => bundle.node).join(', ') || 'no node';
  throw new DrError('InvalidInput', `${generation} has configuration files of ${nodes}, not of '${node}'.`, {
    advice: 'Name what is to be backed up under configFiles of the node.',
  });
}

/** Shows the lines that change, unless they belong to a file that only its owner may read. */
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
