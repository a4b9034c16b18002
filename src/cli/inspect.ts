import { readFile } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { DrError, isDrError } from '../contract/failures';
import { formatBytes } from '../contract/format';
import type { LeaseCount } from '../contract/generation';
import { printable } from '../contract/printable';
import { type DataDirectory, type Inspection, inspectSnapshot } from '../vault/snapshot/inspect-snapshot';
import { renderTable, style } from '../terminal';
import { print, printJson } from './output';

interface Options {
  json?: boolean;
  identity: string[];
}

export async function runInspect(file: string, options: Options): Promise<void> {
  const identities = await Promise.all(options.identity.map(readIdentityFile));
  const source = file === '-' ? process.stdin : createReadStream(file);
  const inspection = await inspect(source, identities, file === '-' ? 'The snapshot' : file);
  if (options.json) printJson('inspect', { file, ...inspection });
  else print(render(file, inspection));
}

/** A snapshot that is incomplete is damaged. */
async function inspect(source: Readable, identities: string[], where: string): Promise<Inspection> {
  try {
    return await inspectSnapshot(source, { identities }, where);
  } catch (error) {
    if (isDrError(error) && (error.code === 'SnapshotIncomplete' || error.code === 'SnapshotCorrupt')) {
      throw new DrError('CopyDamaged', `${where} is damaged or incomplete. ${error.message}`, {
        where,
        advice: 'Take a new snapshot, or use another copy, but not this one.',
        cause: error,
      });
    }
    throw unreadable(error, where);
  }
}

export async function readIdentityFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unreadable(error, file);
  }
}

function unreadable(error: unknown, file: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (isDrError(error) || syscall === undefined) return error;
  return new DrError('InvalidInput', `${file} can't be read (${code}).`, { cause: error });
}

export function render(file: string, inspection: Inspection): string {
  const { archive, encryption, raft, seal, recoveryConfig, keys, leases, ownSeals, requiredKeys } = inspection;
  const { dataDirectory } = inspection;
  const count = raft.peers.length;
  const kind = dataDirectory ? 'a complete copy of a data directory' : 'a complete snapshot';
  return [
    `${file}: ${style('green', kind)}${encryption === 'none' ? '' : `, encrypted with ${encryption}`}`,
    `  archive     ${formatBytes(archive.sizeBytes)}, sha256 ${archive.sha256}`,
    ...(dataDirectory ? renderDirectory(dataDirectory) : []),
    ...(dataDirectory?.storage === 'file' ? [] : [`  raft        index ${raft.index}, term ${raft.term}`]),
    `  seal        ${seal.type}, ${seal.secretThreshold} of ${seal.secretShares} shares`,
    ...(recoveryConfig
      ? [`  recovery    ${recoveryConfig.secretThreshold} of ${recoveryConfig.secretShares} keys`]
      : []),
    `  needed keys ${requiredKeys.join(', ')}`,
    ...(ownSeals.length === 0
      ? []
      : [`  namespaces  ${ownSeals.length} with their own seal: ${ownSeals.map(printable).join(', ')}`]),
    ...(count === 0
      ? []
      : [
          '',
          renderTable(
            [count === 1 ? '1 peer' : `${count} peers`, 'address', ''],
            raft.peers.map(({ id, address, suffrage }) => [id, address, suffrage]),
          ),
        ]),
    ...(leases.total === 0 ? [] : ['', renderLeases(leases)]),
    '',
    renderTable(
      ['keys by prefix', 'count', 'bytes'],
      [
        ...Object.entries(keys.byPrefix)
          .toSorted(([, left], [, right]) => right.bytes - left.bytes)
          .map(([prefix, item]) => [prefix, String(item.count), formatBytes(item.bytes)]),
        ['total', String(keys.count), formatBytes(keys.bytes)],
      ],
    ),
  ].join('\n');
}

function renderDirectory({ storage, nodeId, files, bytes, leftOut, lastLogIndex }: DataDirectory): string[] {
  return [
    `  storage     ${storage}${nodeId === null ? '' : `, of node ${printable(nodeId)}`}`,
    `  files       ${files}, ${formatBytes(bytes)}`,
    ...(lastLogIndex === null ? [] : [`  log         to index ${lastLogIndex}`]),
    ...(leftOut.length === 0 ? [] : [`  left out    ${leftOut.map(printable).join(', ')}`]),
  ];
}

/** A cluster restored from it revokes the expired ones as soon as it is active. */
function renderLeases({ total, byMount }: LeaseCount): string {
  return renderTable(
    ['leases by mount', 'count'],
    [
      ...Object.entries(byMount)
        .toSorted(([, left], [, right]) => right - left)
        .map(([mount, count]) => [mount, String(count)]),
      ['total', String(total)],
    ],
  );
}
