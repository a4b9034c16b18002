import { Command } from 'commander';
import { formatBytes } from '../contract/format';
import { parseReason, pinRunner, runPrune } from './generations-keep';
import { chooseCopies, type GenerationOptions, idsOf, loadListing, reportTrouble } from './generations-listing';
import { runVerify } from './generations-verify';
import { renderTable, style } from '../terminal';
import { note, print, printJson } from './output';
import { verb, withConfig, withJson, withOperator } from './program';

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
  for (const command of [pin, unpin]) withOperator(command);
  const parent = new Command('generations').description('The backups there are, and whether they are good');
  for (const command of [list, show, verify, prune, pin, unpin]) {
    parent.addCommand(withJson(withConfig(command.requiredOption('--cluster <name>', 'cluster of the configuration'))));
  }
  return parent;
}

async function runList(options: GenerationOptions): Promise<void> {
  const { copies, unreadable, unanswered, warnings, marks } = await loadListing(options);
  if (options.json) {
    const hashes = new Map(copies.map((copy) => [copy.manifestSha256, copy.generation]));
    const pinned = [...marks.pinned].flatMap(([manifestSha256, pin]) => {
      const generation = hashes.get(manifestSha256);
      return generation === undefined ? [] : [{ generation, ...pin }];
    });
    printJson({ copies, pinned, unreadable, unanswered, warnings });
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
        [
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
  }
  reportTrouble({ unreadable, unanswered, warnings });
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
