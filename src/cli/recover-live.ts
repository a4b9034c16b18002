import { clusterOf } from '../config/load';
import type { ClusterConfig, Config } from '../config/schema';
import { DrError } from '../contract/failures';
import { printable } from '../contract/printable';
import { formatCount } from '../contract/format';
import type { MissingItem, RecoveredItem, WriteChange } from '../contract/recovered';
import { LiveWriter } from '../recover/write-back';
import type { Wanted } from '../contract/wanted';
import { renderTable, style } from '../terminal';
import type { VaultClient } from '../vault/client';
import { connectToNode } from '../vault/connect-node';
import { findLeader } from '../vault/leader';
import { note } from './output';
import { promptHidden, promptYes } from './prompt';
import type { WriteBackRequest } from './recover-request';

const INTERRUPTED = 'Interrupted. Nothing was written.';

/** The running cluster, reached with the token of who runs this. */
export interface Live {
  writer: LiveWriter;
  clusterId: string;
  close: () => Promise<void>;
}

/**
 * Finds out before the ceremony what would make the write fail after it.
 * @throws DrError ClusterUnhealthy, PermissionDenied, PlanRefused, InvalidInput
 */
export async function openLive(
  { config, cluster: name }: { config: Config; cluster: string },
  wanted: readonly Wanted[],
  request: WriteBackRequest,
): Promise<Live> {
  const cluster = clusterOf(config, name);
  const { node, clusterId } = await leaderOf(cluster);
  const token = await readToken();
  const vault = await connectToNode(
    cluster,
    cluster.nodes.find((item) => item.name === node)!,
    { token },
  );
  const writer = new LiveWriter(vault);
  try {
    await vault.read('auth/token/lookup-self');
    for (const item of wanted) await assertWritable(vault, writer, item, request);
    return { writer, clusterId, close: () => vault.close() };
  } catch (error) {
    await vault.close();
    throw error;
  }
}

/** Of an imported backup the cluster is not known. @throws DrError PlanRefused */
export function assertSameCluster(live: Pick<Live, 'clusterId'>, ofBackup: string | null, name: string): void {
  if (ofBackup === null || live.clusterId === ofBackup) return;
  throw new DrError('PlanRefused', `The backup is of another cluster than the one that runs as ${name}.`, {
    advice: 'Get it with --recipient, and write it by hand if it belongs there.',
  });
}

async function leaderOf(cluster: ClusterConfig): Promise<{ node: string; clusterId: string }> {
  // Without the token: only the leader gets that.
  const clients = await Promise.all(cluster.nodes.map((node) => connectToNode(cluster, node)));
  try {
    const { leader, clusterId } = await findLeader(clients);
    return { node: leader.node, clusterId };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

async function readToken(): Promise<string> {
  const given = process.env['VAULT_TOKEN'] ?? '';
  if (given !== '') return given;
  const typed = process.stdin.isTTY ? (await promptHidden('Your Vault token: ', INTERRUPTED)).trim() : '';
  if (typed !== '') return typed;
  throw new DrError('InvalidInput', 'There is no token to write back with.', {
    advice: 'Set VAULT_TOKEN to a token of yours that may write there. The login of vault-dr is not used for it.',
  });
}

async function assertWritable(
  vault: VaultClient,
  writer: LiveWriter,
  wanted: Wanted,
  { to, withoutCheckAndSet, isPlan }: WriteBackRequest,
): Promise<void> {
  const path = to ?? wanted.path;
  const mount = wanted.kind === 'secret' ? await writer.mountOf(path) : null;
  if (isPlan) return;
  if (mount?.kv !== 2 && !withoutCheckAndSet) throw withoutGuard(path);
  if (path.endsWith('/')) return;
  const written = mount?.kv === 2 ? `${mount.path}data/${path.slice(mount.path.length)}` : path;
  const { [written]: may = [] } = await vault.capabilitiesSelf([written]);
  if (may.some((capability) => ['root', 'create', 'update'].includes(capability))) return;
  throw new DrError('PermissionDenied', `Your token may not write ${printable(path)}.`, {
    advice: 'Use a token whose policy has create and update there.',
  });
}

/** @returns what would be, or was, written. @throws DrError PlanRefused, Aborted */
export async function writeBack(
  { writer }: Live,
  items: readonly RecoveredItem[],
  missing: readonly MissingItem[],
  request: WriteBackRequest,
): Promise<{ written: boolean; changes: WriteChange[] }> {
  const steps = await writer.plan(items, request.to);
  const changes = steps.map(({ change }) => change);
  note(renderChanges(changes));
  const due = changes.filter(({ outcome }) => outcome !== 'equal');
  if (request.isPlan || due.length === 0) return { written: false, changes };
  if (missing.length > 0) {
    throw new DrError('NotInBackup', `Nothing was written, because a part is missing. ${problemsOf(missing)}`);
  }
  const unguarded = due.find(({ checkAndSet }) => !checkAndSet);
  if (unguarded !== undefined && !request.withoutCheckAndSet) throw withoutGuard(unguarded.to);
  if (!request.yes && !(await promptYes(`Write ${formatCount(due.length, 'item')} into the cluster?`))) {
    throw new DrError('Aborted', 'Nothing was written.');
  }
  await writer.write(steps, ({ change }) => note(`Written: ${printable(change.to)}`));
  return { written: true, changes };
}

export function problemsOf(missing: readonly MissingItem[]): string {
  return missing.map(({ problem }) => problem).join(' ');
}

const OUTCOMES: Record<WriteChange['outcome'], string> = {
  create: 'is not there: created',
  replace: 'differs: replaced',
  equal: 'equal: left alone',
  unknown: 'not readable with your token: replaced',
};

function renderChanges(changes: readonly WriteChange[]): string {
  const rows = changes.map(({ to, versions, liveVersion, outcome, checkAndSet }) => [
    printable(to),
    versions.length === 0 ? '-' : versions.join(', '),
    liveVersion === null ? '-' : String(liveVersion),
    style(outcome === 'equal' ? 'green' : 'yellow', OUTCOMES[outcome], process.stderr),
    checkAndSet ? 'yes' : 'no',
  ]);
  return renderTable(['path', 'backup version', 'live version', 'what happens', 'check-and-set'], rows);
}

function withoutGuard(path: string): DrError {
  return new DrError(
    'PlanRefused',
    `${printable(path)} can be changed by others while it is written: Vault has no check-and-set for it.`,
    {
      notice: 'no-check-and-set',
      advice: 'If nobody else writes there now, repeat the command with --without-check-and-set.',
    },
  );
}
