import type { Manifest } from '../contract/generation';
import { formatBytes, formatNumber, formatSeconds } from '../contract/format';
import { printable } from '../contract/printable';
import { methodText } from '../contract/voice/content-text';
import { renderTable } from '../terminal';
import { type BackupOptions, chooseCopies, loadChosen, reportTrouble } from './backups-listing';
import { note, print, printJson } from './output';

/** What may differ between two backups, with its name on screen. */
const SUBJECTS = {
  capturedAt: 'captured',
  method: 'method',
  serverVersion: 'version',
  product: 'product',
  clusterId: 'cluster id',
  clusterName: 'cluster name',
  leader: 'leader',
  raftIndex: 'raft index',
  raftTerm: 'raft term',
  member: 'member',
  seal: 'seal',
  recovery: 'recovery keys',
  sealedNamespace: 'sealed namespace',
  archiveBytes: 'snapshot size',
  storedBytes: 'stored size',
  encryption: 'encryption',
  recipient: 'recipient',
  keys: 'keys',
  leases: 'leases',
  login: 'login of the backup',
  bundle: 'configuration of',
} as const;
type Subject = keyof typeof SUBJECTS;

export interface Change {
  what: Subject;
  /** Which of several: a member, a prefix of keys, a mount, a node. */
  item: string | null;
  /** Null if one of the two lacks it. */
  from: string | number | null;
  to: string | number | null;
  /** Of numbers and times; times in seconds. */
  difference: number | null;
}

/** Compares two signed manifests; reads no snapshot. */
export async function runDiff(from: string, to: string, options: BackupOptions): Promise<void> {
  const { copies, unreadable, unanswered, warnings } = await loadChosen(options, [from, to]);
  const [older, newer] = [from, to].map((id) => chooseCopies(copies, id, options.cluster)[0]!.manifest) as [
    Manifest,
    Manifest,
  ];
  const changes = compareManifests(older, newer);
  const sideOf = ({ generation, capturedAt }: Manifest) => ({ generation, capturedAt });
  if (options.json) {
    printJson('backups-diff', { cluster: options.cluster, from: sideOf(older), to: sideOf(newer), changes });
  } else {
    const rows = changes.map((change) => [nameOf(change), ...cellsOf(change)]);
    if (rows.length === 0) print('Nothing differs.');
    else print(renderTable(['', older.generation, newer.generation, 'difference'], rows));
    note('Compared by their signed manifests; no snapshot was read.');
  }
  reportTrouble({ unreadable, unanswered, warnings });
}

/** Omits what is equal. */
export function compareManifests(from: Manifest, to: Manifest): Change[] {
  const changes: Change[] = [];
  const compare = (what: Subject, item: string | null, left: Change['from'], right: Change['to']): void => {
    if (left === right) return;
    const difference = typeof left === 'number' && typeof right === 'number' ? right - left : null;
    changes.push({ what, item, from: left, to: right, difference });
  };
  const compareEach = (what: Subject, left: Table, right: Table): void => {
    for (const item of new Set([...Object.keys(left), ...Object.keys(right)])) {
      compare(what, item, left[item] ?? null, right[item] ?? null);
    }
  };
  if (from.capturedAt !== to.capturedAt) {
    const difference = (Date.parse(to.capturedAt) - Date.parse(from.capturedAt)) / 1_000;
    changes.push({ what: 'capturedAt', item: null, from: from.capturedAt, to: to.capturedAt, difference });
  }
  compare('method', null, methodText(from), methodText(to));
  compare('serverVersion', null, from.serverVersion, to.serverVersion);
  compare('product', null, from.product ?? null, to.product ?? null);
  compare('clusterId', null, from.clusterId, to.clusterId);
  compare('clusterName', null, from.clusterName, to.clusterName);
  compare('leader', null, from.leader?.node ?? null, to.leader?.node ?? null);
  compare('raftIndex', null, from.raft.index, to.raft.index);
  compare('raftTerm', null, from.raft.term, to.raft.term);
  compareEach('member', membersOf(from), membersOf(to));
  compare('seal', null, sealText(from.seal), sealText(to.seal));
  compare('recovery', null, sealText(from.recovery), sealText(to.recovery));
  compareEach('sealedNamespace', sealedNamespacesOf(from), sealedNamespacesOf(to));
  compare('archiveBytes', null, from.archive.sizeBytes, to.archive.sizeBytes);
  compare('storedBytes', null, from.stored.sizeBytes, to.stored.sizeBytes);
  compare('encryption', null, from.encryption.method, to.encryption.method);
  compareEach('recipient', presence(from.encryption.recipients), presence(to.encryption.recipients));
  compare('keys', null, from.keys.count, to.keys.count);
  compareEach('keys', keysOf(from), keysOf(to));
  compare('leases', null, from.leases?.total ?? null, to.leases?.total ?? null);
  compareEach('leases', from.leases?.byMount ?? {}, to.leases?.byMount ?? {});
  compare('login', null, from.credential, to.credential);
  compareEach('bundle', bundlesOf(from), bundlesOf(to));
  return changes;
}

type Table = Record<string, string | number>;

function membersOf({ raft }: Manifest): Table {
  return Object.fromEntries(raft.peers.map(({ id, address, suffrage }) => [id, `${address}, ${suffrage}`]));
}

function sealText(seal: Manifest['recovery']): string | null {
  return seal === null ? null : `${seal.type}, ${seal.secretThreshold} of ${seal.secretShares}`;
}

function sealedNamespacesOf({ ownSeals = [] }: Manifest): Table {
  return presence(ownSeals.map(({ id, path }) => path ?? id));
}

function presence(items: readonly string[]): Table {
  return Object.fromEntries(items.map((item) => [item, 'present']));
}

function keysOf({ keys }: Manifest): Table {
  return Object.fromEntries(Object.entries(keys.byPrefix).map(([prefix, { count }]) => [prefix, count]));
}

function bundlesOf({ bundles }: Manifest): Table {
  return Object.fromEntries(bundles.map(({ node, sha256 }) => [node, sha256]));
}

function nameOf({ what, item }: Change): string {
  return printable(item === null ? SUBJECTS[what] : `${SUBJECTS[what]} ${item}`);
}

function cellsOf({ what, from, to, difference }: Change): string[] {
  const show = (value: Change['from']) => (value === null ? '-' : printable(valueText(what, value)));
  if (difference === null) return [show(from), show(to), ''];
  const size = Math.abs(difference);
  const text = what === 'capturedAt' ? formatSeconds(size) : valueText(what, size);
  return [show(from), show(to), `${difference < 0 ? '-' : '+'}${text}`];
}

function valueText(what: Subject, value: string | number): string {
  // A hash only has to tell two apart, and is too long for a table.
  if (typeof value === 'string') return what === 'login' || what === 'bundle' ? value.slice(0, 12) : value;
  return what === 'archiveBytes' || what === 'storedBytes' ? formatBytes(value) : formatNumber(value);
}
