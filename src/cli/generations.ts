import { Command } from 'commander';
import { clusterOf, loadConfig, readPublicKey, repositoryConfigOf } from '../config/load';
import type { Config } from '../config/schema';
import { DrError, isDrError } from '../contract/failures';
import { formatBytes } from '../contract/format';
import type { GenerationCopy } from '../contract/generation';
import { listGenerations, type UnreadableGeneration, verifyCopy } from '../repository/generations';
import { openRepository } from '../repository/open';
import { note, print, printJson, renderTable, style } from './output';
import { type CommonOptions, EXIT, verb, withConfig, withJson } from './program';

interface Options extends CommonOptions {
  cluster: string;
}

interface Listing {
  config: Config;
  copies: GenerationCopy[];
  unreadable: (UnreadableGeneration & { repository: string })[];
  unanswered: { repository: string; problem: string }[];
}

/** Works on the repositories alone: needs neither Temporal nor Vault. */
export function generationsCommand(): Command {
  const list = verb('list', 'List the generations of a cluster', 'vault-dr generations list --cluster prod').action(
    runList,
  );
  const show = verb('show', 'Show the manifest of one generation', 'vault-dr generations show latest --cluster prod')
    .argument('<generation>', 'its id, or latest')
    .action(runShow);
  const verify = verb(
    'verify',
    'Read copies end to end and compare them with their signed manifests',
    'vault-dr generations verify latest --cluster prod',
  )
    .argument('[generation]', 'its id, or latest, or all', 'latest')
    .action(runVerify);
  const parent = new Command('generations').description('The backups there are, and whether they are good');
  for (const command of [list, show, verify]) {
    parent.addCommand(withJson(withConfig(command.requiredOption('--cluster <name>', 'cluster of the configuration'))));
  }
  return parent;
}

async function runList(options: Options): Promise<void> {
  const { copies, unreadable, unanswered } = await load(options);
  if (options.json) {
    printJson({ copies, unreadable, unanswered });
  } else {
    const ids = idsOf(copies);
    const rows = ids.map((id) => {
      const same = copies.filter((copy) => copy.generation === id);
      const manifest = same[0]?.manifest;
      return [
        id,
        manifest?.capturedAt ?? '',
        formatBytes(manifest?.stored.sizeBytes ?? 0),
        String(manifest?.keys.count ?? ''),
        manifest?.serverVersion ?? '',
        manifest?.encryption.method ?? '',
        same.map((copy) => copy.repository).join(', '),
      ];
    });
    if (ids.length === 0) print(`No generation of '${options.cluster}'.`);
    else {
      print(renderTable(['generation', 'captured', 'size', 'keys', 'Vault', 'encryption', 'listed in'], rows));
      note(
        style(
          'dim',
          'Listed: signed and in place, not read. `vault-dr generations verify` reads them.',
          process.stderr,
        ),
      );
    }
  }
  reportTrouble({ unreadable, unanswered });
}

async function runShow(generation: string, options: Options): Promise<void> {
  const { copies, unreadable, unanswered } = await load(options);
  const chosen = choose(copies, generation, options.cluster);
  const [copy] = chosen;
  if (options.json) printJson({ manifest: copy?.manifest, copies: chosen.map((item) => item.repository) });
  else {
    print(JSON.stringify(copy?.manifest, null, 2));
    note(`Listed in: ${chosen.map((item) => item.repository).join(', ')}`);
  }
  reportTrouble({ unreadable, unanswered });
}

async function runVerify(generation: string, options: Options): Promise<void> {
  const { config, copies, unreadable, unanswered } = await load(options);
  const chosen = generation === 'all' ? copies : choose(copies, generation, options.cluster);
  const results: { generation: string; repository: string; check: string; problem: string | null }[] = [];
  for (const copy of chosen) {
    const place = { generation: copy.generation, repository: copy.repository };
    try {
      const repository = await openRepository(copy.repository, repositoryConfigOf(config, copy.repository));
      const { check } = await verifyCopy(repository, copy);
      results.push({ ...place, check, problem: null });
    } catch (error) {
      if (!isDrError(error)) throw error;
      results.push({ ...place, check: copy.check, problem: error.message });
    }
  }
  if (options.json) printJson({ results, unreadable, unanswered });
  else {
    for (const { problem, ...result } of results) {
      const verdict = problem === null ? style('green', result.check) : style('red', `DAMAGED: ${problem}`);
      print(`${result.generation}  ${result.repository}  ${verdict}`);
    }
  }
  reportTrouble({ unreadable, unanswered });
  if (results.length === 0) {
    throw new DrError('UnknownGeneration', `There is nothing to verify for '${options.cluster}'.`);
  }
  if (results.some((result) => result.problem !== null)) process.exitCode = EXIT.damaged;
}

async function load(options: Options): Promise<Listing> {
  const config = await loadConfig(options.config);
  const cluster = clusterOf(config, options.cluster);
  const publicKey = await readPublicKey(config);
  const listing: Listing = { config, copies: [], unreadable: [], unanswered: [] };
  for (const name of cluster.repositories) {
    try {
      const repository = await openRepository(name, repositoryConfigOf(config, name));
      const found = await listGenerations(repository, options.cluster, publicKey);
      listing.copies.push(...found.copies);
      listing.unreadable.push(...found.unreadable.map((item) => ({ ...item, repository: name })));
    } catch (error) {
      if (!isDrError(error)) throw error;
      listing.unanswered.push({ repository: name, problem: error.message });
    }
  }
  return listing;
}

function choose(copies: GenerationCopy[], generation: string, cluster: string): GenerationCopy[] {
  const ids = idsOf(copies);
  const id = generation === 'latest' ? ids[0] : generation;
  const chosen = copies.filter((copy) => copy.generation === id);
  if (chosen.length > 0) return chosen;
  const newest = ids.slice(0, 5).join(', ') || 'none';
  throw new DrError('UnknownGeneration', `'${cluster}' has no generation '${generation}'. The newest are: ${newest}.`, {
    advice: 'See `vault-dr generations list`.',
  });
}

function idsOf(copies: GenerationCopy[]): string[] {
  return [...new Set(copies.map((copy) => copy.generation))].sort().reverse();
}

/** What is not as it should be never goes unsaid, and shows in the exit status. */
function reportTrouble({ unreadable, unanswered }: Pick<Listing, 'unreadable' | 'unanswered'>): void {
  for (const item of unreadable)
    note(style('red', `${item.repository}: ${item.generation}: ${item.problem}`, process.stderr));
  for (const item of unanswered) note(style('red', `${item.repository}: ${item.problem}`, process.stderr));
  if (unanswered.length > 0) process.exitCode = EXIT.failed;
  if (unreadable.length > 0) process.exitCode = EXIT.damaged;
}
