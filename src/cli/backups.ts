import { repositoryConfigOf } from '../config/load';
import { findStrays, type Stray } from '../repository/strays';
import { formatBytes, formatNumber, formatTime } from '../contract/format';
import { methodOf } from '../contract/method';
import { printable } from '../contract/printable';
import { describeContent, methodText } from '../contract/voice/content-text';
import { chooseCopies, type BackupOptions, idsOf, type Listing, loadListing, reportTrouble } from './backups-listing';
import { renderTable, style } from '../terminal';
import { noticesIn, noticesOfTrouble } from './notices';
import { note, print, printJson } from './output';

const SHOWN_STRAYS = 10;

export async function runList(options: BackupOptions): Promise<void> {
  const listing = await loadListing(options);
  const { copies, unreadable, unanswered, warnings, marks } = listing;
  const strays = await straysOf(listing, options.cluster);
  if (options.json) {
    const hashes = new Map(copies.map((copy) => [copy.manifestSha256, copy.generation]));
    const pinned = [...marks.pinned].flatMap(([manifestSha256, pin]) => {
      const generation = hashes.get(manifestSha256);
      return generation === undefined ? [] : [{ generation, ...pin }];
    });
    const notices = noticesOfTrouble({ unreadable, unanswered, warnings });
    printJson('backups-list', { copies, pinned, strays, unreadable, unanswered, warnings, notices });
  } else {
    const ids = idsOf(copies);
    const isAny = copies.some(({ manifest }) => methodOf(manifest) !== 'raft');
    const rows = ids.map((id) => {
      const same = copies.filter((copy) => copy.generation === id);
      const manifest = same[0]?.manifest;
      return [
        id,
        formatBytes(manifest?.stored.sizeBytes ?? 0),
        manifest === undefined ? '' : formatNumber(manifest.keys.count),
        manifest?.serverVersion ?? 'not known',
        ...(isAny ? [methodText(manifest ?? {})] : []),
        same.map((copy) => copy.repository).join(', '),
        [
          ...(manifest?.encryption.method === 'none' ? ['not encrypted'] : []),
          ...(manifest?.imported ? ['imported'] : []),
          ...(same.some((copy) => copy.check === 'restored') ? ['restored'] : []),
          ...(same.some((copy) => marks.pinned.has(copy.manifestSha256)) ? ['pinned'] : []),
        ].join(', '),
      ];
    });
    if (ids.length === 0) print(`There is no backup of ${options.cluster}.`);
    else {
      print(renderTable(['backup', 'size', 'keys', 'version', ...(isAny ? ['method'] : []), 'listed in', ''], rows));
      note(
        style(
          'dim',
          'Listed: signed and in place, but not read. To read them: vault-dr backups verify',
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

/** One of them may be the only snapshot there is. */
function noteStrays(strays: readonly Stray[], cluster: string): void {
  for (const { place, sizeBytes, storedAt } of strays.slice(0, SHOWN_STRAYS)) {
    note(
      style(
        'yellow',
        `${place} (${formatBytes(sizeBytes)}, ${formatTime(storedAt)}) has no manifest, so vault-dr did not make it`,
        process.stderr,
      ),
    );
  }
  if (strays.length === 0) return;
  const more = strays.length > SHOWN_STRAYS ? `${strays.length - SHOWN_STRAYS} more files have no manifest. ` : '';
  note(
    style(
      'yellow',
      `${more}To store a snapshot among them as a backup: vault-dr backups import FILE --cluster ${cluster}`,
      process.stderr,
    ),
  );
}

export async function runShow(generation: string, options: BackupOptions): Promise<void> {
  const { copies, unreadable, unanswered, warnings } = await loadListing(options);
  const chosen = chooseCopies(copies, generation, options.cluster);
  const { manifest } = chosen[0]!;
  const what = describeContent(manifest);
  if (options.json)
    printJson('backups-show', {
      method: methodOf(manifest),
      manifest,
      copies: chosen.map((item) => item.repository),
      notices: noticesIn(manifest.warnings),
    });
  else {
    print(JSON.stringify(manifest, null, 2));
    if (what !== null) note(printable(`A ${what}.`));
    note(`Listed in: ${chosen.map((item) => item.repository).join(', ')}`);
  }
  reportTrouble({ unreadable, unanswered, warnings });
}
