import { DrError, isDrError } from '../../contract/failures';
import { formatBytes, formatTime } from '../../contract/format';
import { printable } from '../../contract/printable';
import { style } from '../../terminal';
import { loadListing, reportTrouble } from '../backups-listing';
import { readIdentityFile } from '../inspect';
import { noticesIn } from '../notices';
import { note, print, printJson } from '../output';
import { EXIT } from '../program';
import type { ImportOptions } from './facts';
import { parseSaid } from './import-plan';
import { type FileResult, importKeys, importSnapshots, isStored, type StoredImport } from './import-snapshots';

export async function runImport(from: string, options: ImportOptions): Promise<void> {
  const { results, unanswered } = await importFrom(from, options);
  if (options.json) printJson('backups-import', { files: results.map(withNotices) });
  else for (const result of results) show(result);
  reportTrouble({ unreadable: [], unanswered, warnings: [] });
  if (results.every(({ outcome }) => outcome === 'no snapshot')) {
    throw new DrError('InvalidInput', `There is no snapshot in ${printable(from).slice(0, 300)}.`, {
      advice: 'A snapshot is a gzip archive, as `vault operator raft snapshot save` writes it; it may be encrypted.',
    });
  }
  const codes = results.flatMap((result) => (result.outcome === 'failed' ? [result.code] : []));
  if (codes.length > 0) process.exitCode = codes.every((code) => code === 'CopyDamaged') ? EXIT.damaged : EXIT.failed;
}

/** Imports one file and reports it. @returns the id of the backup. */
export async function importSnapshot(file: string, options: ImportOptions): Promise<string> {
  const { results } = await importFrom(file, options);
  const [result, second] = results;
  if (result === undefined || second !== undefined) {
    throw new DrError('InvalidInput', `${printable(file).slice(0, 300)} contains more than one file.`, {
      advice: 'Give the snapshot itself. To import them all: vault-dr backups import',
    });
  }
  if (!isStored(result)) {
    throw new DrError('InvalidInput', `${result.file}: ${result.problem}.`, {
      advice: 'To see what it is: vault-dr inspect FILE',
    });
  }
  note(describe(result));
  return result.generation;
}

async function importFrom(from: string, options: ImportOptions) {
  const said = parseSaid({
    ...(options.capturedAt === undefined ? {} : { capturedAt: options.capturedAt }),
    ...(options.serverVersion === undefined ? {} : { serverVersion: options.serverVersion }),
  });
  const named = await Promise.all(options.identity.map(readIdentityFile));
  const listing = await loadListing(options);
  const keys = await importKeys(listing, options, named);
  try {
    const results = await importSnapshots(listing, {
      cluster: options.cluster,
      from,
      said,
      by: options.as,
      keys,
      onFile: ({ place, sizeBytes }) => note(`Reading ${place} (${formatBytes(sizeBytes)})`),
    });
    return { results: results.map(asDamaged), unanswered: listing.unanswered };
  } catch (error) {
    throw isDrError(error) && isDamage(error.code) ? damaged(error) : error;
  }
}

/** A snapshot that is incomplete is damaged. */
function asDamaged(result: FileResult): FileResult {
  return result.outcome === 'failed' && isDamage(result.code) ? { ...result, code: 'CopyDamaged' } : result;
}

function isDamage(code: string): boolean {
  return code === 'SnapshotIncomplete' || code === 'SnapshotCorrupt';
}

function damaged(error: DrError): DrError {
  return new DrError('CopyDamaged', `Nothing was imported. ${error.message}`, {
    advice: 'Choose another file. To read one without storing it: vault-dr inspect FILE',
    cause: error,
  });
}

function show(result: FileResult): void {
  if (isStored(result)) print(describe(result));
  else if (result.outcome === 'no snapshot') print(`${result.file}: ${style('dim', 'skipped: not a snapshot')}`);
  else print(`${result.file}: ${style('red', `NOT IMPORTED: ${printable(result.problem)}`)}`);
}

const TIME_BY: Record<StoredImport['capturedAtBy'], string> = {
  operator: 'by --captured-at',
  name: 'by its name, which is no proof',
  file: 'or earlier, by the time of the file',
  'vault-dr': 'by vault-dr',
};

function withNotices(result: FileResult) {
  return isStored(result) ? { ...result, notices: noticesIn(result.warnings) } : result;
}

function describe({ file, outcome, maker, copies, missing, warnings, ...result }: StoredImport): string {
  const { generation, capturedAt, capturedAtBy, serverVersion } = result;
  const head = style('green', outcome === 'imported' ? 'imported as' : 'already stored as');
  return [
    `${file}: ${head} ${generation}, in ${copies.join(', ')}`,
    ...(maker === null ? [] : [`  named as by ${maker}`]),
    `  captured ${formatTime(capturedAt)} (${TIME_BY[capturedAtBy]})`,
    `  server version ${serverVersion ?? 'unknown'}`,
    ...missing.map(({ repository, problem }) =>
      style('yellow', `  not in ${repository}; the next backup copies it there: ${printable(problem)}`),
    ),
    ...warnings.map((warning) => style('yellow', `  ! ${printable(warning)}`)),
  ].join('\n');
}
