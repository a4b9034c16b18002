import { Command } from 'commander';
import { repositoryConfigOf } from '../config/load';
import { findStrays, type Stray } from '../repository/strays';
import { formatBytes } from '../contract/format';
import { parseReason, pinRunner, runPrune } from './generations-keep';
import {
  chooseCopies,
  type GenerationOptions,
  idsOf,
  type Listing,
  loadListing,
  reportTrouble,
} from './generations-listing';
import { importCommand } from './import/command';
import { runVerify } from './generations-verify';
import { renderTable, style } from '../terminal';
import { note, print, printJson } from './output';
import { verb, withConfig, withJson, withOperator } from './program';

const SHOWN_STRAYS = 10;
const PIN_EXAMPLE = "vault-dr generations pin latest --cluster prod --reason 'before the migration'";

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
    .option('--chain', 'follow the chain of manifests only; read no snapshot')
    .option('--repair', 'bring good copies where they are missing; nothing is ever overwritten')
    .action(runVerify);
  const pin = verb('pin', 'Keep a generation whatever the retention says', PIN_EXAMPLE)
    .argument('<generation>', 'its id, or latest')
    .requiredOption('--reason <text>', 'why', parseReason)
    .action(pinRunner('pinned'));

  const unpin = verb('unpin', 'End that; retention decides again', PIN_EXAMPLE.replace(' pin ', ' unpin '))
    .argument('<generation>', 'its id, or latest')
    .requiredOption('--reason <text>', 'why', parseReason)
    .action(pinRunner('unpinned'));
  const prune = verb(
    'prune',
    'Apply the retention now, as each backup does',
    'vault-dr generations prune --cluster prod --dry-run',
  )
    .option('--dry-run', 'show what would stay and what would go, and why')
    .action(runPrune);
  const importing = importCommand();
  for (const command of [pin, unpin, importing]) withOperator(command);
  const parent = new Command('generations')
    .alias('backups')
    .description('The backups there are, and whether they are good');
  for (const command of [list, show, verify, importing, prune, pin, unpin]) {
    parent.addCommand(withJson(withConfig(command.requiredOption('--cluster <name>', 'cluster of the configuration'))));
  }
  return parent;
}

async function runList(options: GenerationOptions): Promise<void> {
  const listing = await loadListing(options);
  const { copies, unreadable, unanswered, warnings, marks } = listing;
  const strays = await straysOf(listing, options.cluster);
  if (options.json) {
    const hashes = new Map(copies.map((copy) => [copy.manifestSha256, copy.generation]));
    const pinned = [...marks.pinned].flatMap(([manifestSha256, pin]) => {
      const generation = hashes.get(manifestSha256);
      return generation === undefined ? [] : [{ generation, ...pin }];
    });
    printJson({ copies, pinned, strays, unreadable, unanswered, warnings });
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
        manifest?.serverVersion ?? 'not known',
        manifest?.encryption.method ?? '',
        same.map((copy) => copy.repository).join(', '),
        [
          ...(manifest?.imported ? ['imported'] : []),
          ...(same.some((copy) => copy.check === 'restored') ? ['restored'] : []),
          ...(same.some((copy) => marks.pinned.has(copy.manifestSha256)) ? ['pinned'] : []),
        ].join(', '),
      ];
    });
    if (ids.length === 0) print(`No generation of '${options.cluster}'.`);
    else {
      print(renderTable(['generation', 'captured', 'size', 'keys', 'Vault', 'encryption', 'listed in', ''], rows));
      note(
        style(
          'dim',
          'Listed: signed and in place, not read. `vault-dr generations verify` reads them.',
          process.stderr,
        ),
      );
    }
    noteStrays(strays, options.cluster);
  }
  reportTrouble({ unreadable, unanswered, warnings });
}

async function straysOf({ config, repositories }: Listing, cluster: string): Promise<Stray[]> {
  const found = repositories.map((repository) =>
    findStrays(repository, repositoryConfigOf(config, repository.name), cluster),
  );
  return (await Promise.all(found)).flat();
}

/** A snapshot may be among them that is all that there is. */
function noteStrays(strays: readonly Stray[], cluster: string): void {
  for (const { place, sizeBytes, storedAt } of strays.slice(0, SHOWN_STRAYS)) {
    note(
      style(
        'yellow',
        `${place} (${formatBytes(sizeBytes)}, ${storedAt}) has no manifest: no backup of vault-dr`,
        process.stderr,
      ),
    );
  }
  if (strays.length === 0) return;
  const more = strays.length > SHOWN_STRAYS ? `${strays.length - SHOWN_STRAYS} more files have no manifest. ` : '';
  note(style('yellow', `${more}Is one a snapshot? vault-dr backups import FILE --cluster ${cluster}`, process.stderr));
}

async function runShow(generation: string, options: GenerationOptions): Promise<void> {
  const { copies, unreadable, unanswered, warnings } = await loadListing(options);
  const chosen = chooseCopies(copies, generation, options.cluster);
  const [copy] = chosen;
  if (options.json) printJson({ manifest: copy?.manifest, copies: chosen.map((item) => item.repository) });
  else {
    print(JSON.stringify(copy?.manifest, null, 2));
    note(`Listed in: ${chosen.map((item) => item.repository).join(', ')}`);
  }
  reportTrouble({ unreadable, unanswered, warnings });
}
