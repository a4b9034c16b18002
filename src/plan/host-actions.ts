import type { Layout } from '../contract/host';
import type { Method, MigrationSource } from '../contract/method';
import type { ConfigSwitch, RecoveryPlan } from '../contract/plan';
import { lostRunOn } from './lost-runs';

/** What an agent may do to its host in a recovery. */
export type HostAction =
  | { kind: 'stage'; source: string; generation: string; manifestSha256: string }
  | { kind: 'stop' }
  /** For a backup: these three are allowed by the host's own configuration, and by no plan. */
  | { kind: 'stop for backup' }
  | { kind: 'archive' }
  | { kind: 'publish' }
  /** `staged`: the statement of the first node's agent that the backup is on its disk. */
  /** `lost`: the run that never ended, whose data is put back first. */
  | {
      kind: 'set aside';
      how: 'rename' | 'delete';
      otherCluster: boolean;
      layout: Layout;
      staged: string | null;
      lost: string | null;
    }
  | { kind: 'copy aside' }
  /** `archive`: what is installed. */
  /** `quiet`: behind a fence, until somebody lifts it. */
  | { kind: 'install'; archive: Method; quiet?: boolean }
  | { kind: 'lift the fence' }
  /** Of the Consul that Vault stores in, instead of a data directory. */
  | { kind: 'save consul' }
  /** `lost`: the run that never ended, and has kept it. */
  | { kind: 'put back consul'; lost: string | null }
  | { kind: 'install in place' }
  | { kind: 'recover peers' }
  | { kind: 'migrate'; from: MigrationSource }
  | { kind: 'switch configuration'; files: ConfigSwitch[] }
  | { kind: 'join'; nonVoter?: boolean }
  | { kind: 'blank' }
  | { kind: 'put back'; lost: string | null }
  | { kind: 'start' }
  | { kind: 'restart' }
  | { kind: 'unseal' }
  | { kind: 'extend leases'; minutes: number }
  /** `isYoung`: the grace period of the host's own configuration is not over. */
  | { kind: 'remove'; of: string; isYoung: boolean };

/** The host itself, by its own configuration. */
export interface OwnNode {
  cluster: string;
  name: string;
  dataDir: string;
}

/**
 * Why a plan does not allow an action on a host; null if it does. Only what a plan lists is allowed.
 * @param plan an approved one
 */
export function whyNotAllowed(plan: RecoveryPlan, own: OwnNode, action: HostAction): string | null {
  const node = plan.nodes.find(({ name }) => name === own.name);
  if (plan.cluster !== own.cluster) return `the plan is for the cluster ${plan.cluster}`;
  if (!node) return `the plan has no node ${own.name}`;
  if (node.dataDir !== own.dataDir) {
    return `the plan has ${node.dataDir} as the data directory of ${own.name}, but its own configuration has ${own.dataDir}`;
  }
  return whyNotPlanned(plan, own.name, action);
}

/** The host's own consent to be stopped for a backup. */
export interface CopyConsent {
  method: Method;
  filesystem: { node?: string | undefined };
}

/** Why the configuration of a host does not allow an action of a backup; null when it does. No plan, and nobody's word, is asked. */
export function whyNotForBackup({ method, filesystem }: CopyConsent, name: string, action: HostAction): string | null {
  const { kind } = action;
  if (method !== 'filesystem') return `its configuration has the method '${method}', by which no node is stopped`;
  const { node = name } = filesystem;
  if (node !== name) return `its configuration has ${node} stopped for backups, not ${name}`;
  switch (kind) {
    case 'stop for backup':
    case 'archive':
    case 'publish':
    case 'start':
    case 'unseal':
      return null;
    default:
      return `a backup does not ${kind}`;
  }
}

function whyNotPlanned(plan: RecoveryPlan, name: string, action: HostAction): string | null {
  const { method, firstNode } = plan;
  if (method === 'copy') return unplanned('is for a backup, which only the configuration of the host allows');
  const isFirst = name === firstNode;
  const isRebuilt = method !== 'rebuild' || name === plan.node;
  // A roll-back sets nothing aside and writes no data.
  const makes = method !== 'rollBack';
  const stops = method !== 'inPlace' && method !== 'remove' && isRebuilt;
  const renames = plan.setAside === 'rename';
  const joins = plan.storage === undefined;
  const changesConsul = method === 'snapshot' && plan.archive === 'consul' && isFirst;
  switch (action.kind) {
    case 'unseal':
      return method === 'remove' ? unplanned('takes no shares') : null;
    case 'extend leases':
      return method === 'snapshot' && isFirst && plan.leaseGraceMinutes === action.minutes
        ? null
        : unplanned(`gives leases no ${action.minutes} more minutes on ${name}`);
    case 'remove':
      if (method !== 'remove' || plan.of !== action.of) return unplanned(`does not remove what ${action.of} set aside`);
      return action.isYoung && !plan.accepted.includes('grace')
        ? unplanned('requires the grace period to be over')
        : null;
    case 'restart':
      return plan.rollingRestart && isRebuilt ? null : unplanned('restarts no follower');
    case 'stage':
      return 'generation' in plan && isFirst ? otherBackup(plan, action) : unplanned(`stages nothing on ${name}`);
    case 'stop for backup':
    case 'archive':
    case 'publish':
      return unplanned(`makes no backup on ${name}`);
    case 'stop':
      return stops ? null : unplanned(`does not stop ${name}`);
    case 'set aside':
      if (!stops || !makes || plan.storage === 'consul' || (method === 'peers' && isFirst))
        return unplanned(`does not set the data of ${name} aside`);
      if (action.lost !== lostRunOn(plan, name)) return otherLost(action.lost);
      if (action.layout !== layoutIn(plan, name))
        return unplanned(`sets the data aside '${layoutIn(plan, name)}', not '${action.layout}'`);
      if (action.how !== plan.setAside) return unplanned(`says ${plan.setAside}, not ${action.how}`);
      return action.otherCluster && !plan.accepted.includes('other-cluster')
        ? unplanned('does not accept data of another cluster')
        : null;
    case 'copy aside':
    case 'recover peers':
      return method === 'peers' && isFirst ? null : unplanned(`does not make ${name} the only peer`);
    case 'install':
      if (method !== 'snapshot' || !isFirst) return unplanned(`does not install on ${name}`);
      if (action.archive !== (plan.archive ?? 'raft'))
        return unplanned(`installs a backup by the method ${plan.archive ?? 'raft'}, not ${action.archive}`);
      return (action.quiet ?? false) === (plan.quiet ?? false)
        ? null
        : unplanned(`installs ${action.quiet ? 'without' : 'behind'} a fence`);
    case 'lift the fence':
      return method === 'snapshot' && isFirst && plan.quiet ? null : unplanned(`has no fence on ${name}`);
    case 'save consul':
      return changesConsul ? null : otherConsul(name);
    case 'put back consul':
      if (!changesConsul && !(method === 'rollBack' && plan.storage === 'consul')) return otherConsul(name);
      return action.lost === lostRunOn(plan, name) ? null : otherLost(action.lost);
    case 'migrate':
      return method === 'migrate' && isFirst && plan.from === action.from
        ? null
        : unplanned(`does not migrate '${action.from}' on ${name}`);
    case 'switch configuration':
      return method === 'migrate' && isSwitchOf(plan.configs, name, action.files)
        ? null
        : unplanned(`does not put these files of configuration in place on ${name}`);
    case 'install in place':
      return method === 'inPlace' && isFirst ? null : unplanned(`does not restore in place on ${name}`);
    case 'join':
      if ((action.nonVoter ?? false) !== (plan.nonVoters?.includes(name) ?? false)) {
        return unplanned(`lets ${name} join as a ${action.nonVoter ? 'voter' : 'non-voter'} only`);
      }
      return stops && makes && joins && !isFirst ? null : unplanned(`does not let ${name} join`);
    case 'blank':
      return stops && makes && joins && !isFirst ? null : unplanned(`does not let ${name} join`);
    case 'put back':
      if (method === 'rollBack' && !joins) return unplanned('puts no data directory back');
      if (action.lost !== lostRunOn(plan, name)) return otherLost(action.lost);
      return stops && method !== 'rebuild' && renames ? null : unplanned('has no way back');
    case 'start':
      return stops && method !== 'rebuild' && (renames || !joins) ? null : unplanned('has no way back');
  }
}

function otherBackup(
  plan: Extract<RecoveryPlan, { generation: string }>,
  { source, generation, manifestSha256 }: Extract<HostAction, { kind: 'stage' }>,
): string | null {
  const same = plan.source === source && plan.generation === generation && plan.manifestSha256 === manifestSha256;
  return same ? null : unplanned(`restores ${plan.generation} of ${plan.source}, not ${generation} of ${source}`);
}

function layoutIn({ nodes }: RecoveryPlan, name: string): Layout {
  return nodes.find((node) => node.name === name)?.layout ?? 'beside';
}

/** Exactly those files, with exactly that content. */
function isSwitchOf(
  configs: readonly { node: string; files: ConfigSwitch[] }[],
  name: string,
  files: readonly ConfigSwitch[],
): boolean {
  const planned = configs.find(({ node }) => node === name)?.files ?? [];
  const keyOf = ({ path, prepared, sha256 }: ConfigSwitch) => JSON.stringify([path, prepared, sha256]);
  return planned.map(keyOf).sort().join('\n') === files.map(keyOf).sort().join('\n');
}

function otherConsul(name: string): string {
  return unplanned(`does not change the Consul of ${name}`);
}

/** The original data is what the plan names; nothing else may be used as such. */
function otherLost(run: string | null): string {
  return unplanned(
    run === null ? 'puts the data of a lost run back first' : `does not put back what run ${run} set aside`,
  );
}

function unplanned(what: string): string {
  return `the approved plan ${what}`;
}
