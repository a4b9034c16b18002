import { repositoryConfigOf } from '../config/load';
import { isDrError } from '../contract/failures';
import { formatBytes, formatCount, formatNumber, formatTime } from '../contract/format';
import type { GenerationCopy } from '../contract/generation';
import { methodOf } from '../contract/method';
import { methodText } from '../contract/voice/content-text';
import { type GenerationFiles, hasManifest, readGenerations } from '../repository/generations';
import type { DrillHistory } from '../repository/keep/drills';
import { type Mark, type MarkMeaning, meaningOf, readMarks, withRestored } from '../repository/keep/marks';
import { findStrays, type Stray } from '../repository/strays';
import type { Repository } from '../repository/types';
import { style, tableInParts } from '../terminal';
import {
  type BackupOptions,
  findWanted,
  idsOf,
  type Listing,
  openPlaces,
  type Places,
  reportTrouble,
} from './backups-listing';
import { noticesIn, noticesOfTrouble } from './notices';
import { note, print, printJson } from './output';

const SHOWN_STRAYS = 10;
/** Read and printed at a time: what is printed need not be kept. */
const BLOCK = 250;

export interface ListOptions extends BackupOptions {
  limit: number;
  all?: boolean;
}

type Trouble = Pick<Listing, 'unreadable' | 'unanswered' | 'warnings'>;

/** A repository that answered, and which backups it has. */
interface Shelf {
  repository: Repository;
  found: Map<string, GenerationFiles>;
}

interface Contents {
  shelves: Shelf[];
  /** Of the backups to show, newest first. */
  ids: string[];
  /** Whether there are no older ones. */
  complete: boolean;
  marks: MarkMeaning;
}

/** Shows the newest backups, or all. */
export async function runList(options: ListOptions): Promise<void> {
  const places = await openPlaces(options);
  const trouble: Trouble = { unreadable: [], unanswered: places.unanswered, warnings: [] };
  const contents = await look(places, options, trouble);
  const blocks = blocksOf(contents, options.cluster, places.publicKey, trouble);
  // Strays are found by listing everything, of which there may be much.
  const strays = contents.complete ? await straysOf(places, contents, options.cluster) : [];
  if (options.json) {
    const copies: GenerationCopy[] = [];
    for await (const block of blocks) copies.push(...block);
    const hashes = new Map(copies.map((copy) => [copy.manifestSha256, copy.generation]));
    const pinned = [...contents.marks.pinned].flatMap(([manifestSha256, pin]) => {
      const generation = hashes.get(manifestSha256);
      return generation === undefined ? [] : [{ generation, ...pin }];
    });
    const drills = [...hashes.keys()].flatMap((sha256) => contents.marks.drills.get(sha256)?.last ?? []);
    const notices = [...noticesOfTrouble(trouble), ...noticesIn(copies.flatMap(({ manifest }) => manifest.warnings))];
    const { complete } = contents;
    printJson('backups-list', { copies, complete, pinned, drills, strays, ...trouble, notices });
  } else {
    await printBlocks(blocks, contents, options.cluster);
    noteStrays(strays, options.cluster);
  }
  reportTrouble(trouble);
}

/** Which backups each repository has; of several, the newest of all are among the newest of each. */
async function look(
  { repositories, publicKey }: Places,
  { cluster, limit, all }: ListOptions,
  trouble: Trouble,
): Promise<Contents> {
  const shelves: Shelf[] = [];
  const marks: Mark[] = [];
  let complete = true;
  for (const repository of repositories) {
    try {
      const wanted = await findWanted(repository, cluster, all === true ? {} : { newest: limit });
      const own = await readMarks(repository, cluster, publicKey);
      const found = new Map(wanted.found.filter(hasManifest).map((item) => [item.generation, item]));
      shelves.push({ repository, found });
      complete &&= wanted.complete;
      marks.push(...own.marks);
      trouble.warnings.push(...own.problems);
    } catch (error) {
      if (!isDrError(error)) throw error;
      trouble.unanswered.push({ repository: repository.name, problem: error.message });
    }
  }
  const ids = idsOf(shelves.flatMap(({ found }) => [...found.values()]));
  const shown = all === true ? ids : ids.slice(0, limit);
  return { shelves, ids: shown, complete: complete && shown.length === ids.length, marks: meaningOf(marks) };
}

/** The copies, newest first; what can't be read or trusted becomes trouble. */
async function* blocksOf(
  { shelves, ids, marks }: Contents,
  cluster: string,
  publicKey: string,
  trouble: Trouble,
): AsyncGenerator<GenerationCopy[]> {
  const silent = new Set<Shelf>();
  for (let at = 0; at < ids.length; at += BLOCK) {
    const block: GenerationCopy[] = [];
    for (const shelf of shelves.filter((one) => !silent.has(one))) {
      const { repository, found } = shelf;
      const entries = ids.slice(at, at + BLOCK).flatMap((id) => found.get(id) ?? []);
      try {
        const { copies, unreadable } = await readGenerations(repository, cluster, entries, publicKey);
        block.push(...withRestored(copies, marks));
        trouble.unreadable.push(...unreadable.map((item) => ({ ...item, repository: repository.name })));
      } catch (error) {
        if (!isDrError(error)) throw error;
        silent.add(shelf);
        trouble.unanswered.push({ repository: repository.name, problem: error.message });
      }
    }
    yield block;
  }
}

async function printBlocks(
  blocks: AsyncIterable<GenerationCopy[]>,
  { marks, complete }: Contents,
  cluster: string,
): Promise<void> {
  let table: ReturnType<typeof tableInParts> | undefined;
  let withMethod = false;
  for await (const block of blocks) {
    if (block.length === 0) continue;
    if (!table) {
      withMethod = block.some(({ manifest }) => methodOf(manifest) !== 'raft');
      const method = withMethod ? ['method'] : [];
      table = tableInParts(['backup', 'size', 'keys', 'version', ...method, 'listed in', '']);
    }
    print(
      table(
        idsOf(block).map((id) =>
          rowOf(
            block.filter((copy) => copy.generation === id),
            marks,
            withMethod,
          ),
        ),
      ),
    );
  }
  if (!table) return print(`There is no backup of ${cluster}.`);
  const advice = 'Listed: signed and in place, but not read. To read them: vault-dr backups verify';
  note(style('dim', advice, process.stderr));
  if (!complete) note(style('dim', 'There are older ones: --limit COUNT, or --all', process.stderr));
}

/** @param copies of one backup */
function rowOf(copies: readonly GenerationCopy[], marks: MarkMeaning, withMethod: boolean): string[] {
  const { generation, manifest } = copies[0]!;
  const method = methodText(manifest);
  return [
    generation,
    formatBytes(manifest.stored.sizeBytes),
    formatNumber(manifest.keys.count),
    manifest.serverVersion ?? 'not known',
    ...(withMethod ? [method] : []),
    copies.map((copy) => copy.repository).join(', '),
    [
      ...(!withMethod && methodOf(manifest) !== 'raft' ? [method] : []),
      ...(manifest.encryption.method === 'none' ? ['not encrypted'] : []),
      ...(manifest.imported ? ['imported'] : []),
      ...(copies.some((copy) => copy.check === 'restored') ? ['restored'] : []),
      ...drillFlag(marks.drills.get(copies[0]!.manifestSha256)),
      ...(copies.some((copy) => marks.pinned.has(copy.manifestSha256)) ? ['pinned'] : []),
      ...(manifest.warnings.length > 0 ? [formatCount(manifest.warnings.length, 'warning')] : []),
    ].join(', '),
  ];
}

/** The last drill; one that speaks against the backup is said as long as it stands. */
function drillFlag(history: DrillHistory | undefined): string[] {
  if (!history) return [];
  const { at, level, failed } = history.bad ?? history.last;
  const day = formatTime(at).slice(0, 10);
  return failed === null ? [`drilled ${day}: ${level}`] : [style('red', `drill failed ${day}: ${failed.code}`)];
}

async function straysOf({ config }: Places, { shelves }: Contents, cluster: string): Promise<Stray[]> {
  const found = shelves.map(({ repository }) =>
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
