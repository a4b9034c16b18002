import type { Manifest } from '../contract/generation';
import type { MigrationSource } from '../contract/method';
import type { NodePlan, RecoveryPlan, RecoverySettings } from '../contract/plan';
import { formatMinutes } from './lease-grace';
import { fenceStep } from './quiet';
import { storageOf } from './consul-findings';

type Steps = RecoveryPlan['steps'];

/** The steps of a restore, in the words of the runbook. */
export function restoreSteps(
  settings: RecoverySettings,
  manifest: Manifest,
  { grace, quiet = false }: { grace?: number | undefined; quiet?: boolean | undefined } = {},
): Steps {
  const { nodes, setAside } = settings;
  const [first] = nodes;
  const fence = quiet ? [fenceStep(settings)] : [];
  const live = quiet ? ['wait for go-live, then take the fence away'] : [];
  const away = (node: NodePlan) => awayStep(node, setAside);
  const open = unsealStep(manifest.seal.type, (manifest.recovery ?? manifest.seal).secretThreshold);
  if (manifest.content?.method === 'consul') return consulSteps(nodes, manifest.content.path, open);
  const verify =
    storageOf(manifest) === 'file'
      ? 'verify: cluster id, numbers of shares, canary'
      : 'verify: only peer, cluster id, numbers of shares, canary, key counts';
  return stepsFrom(
    nodes,
    (node) => [
      FETCH,
      'stop Vault',
      away(node),
      ...fence,
      installStep(manifest),
      ...graceSteps(grace),
      open,
      ...live,
      verify,
    ],
    (node) => ['stop Vault', away(node), `start blank, join ${first?.name}`, open],
  );
}

function graceSteps(minutes: number | undefined): string[] {
  if (minutes === undefined) return [];
  return [`start in recovery mode, open with the shares, give leases at least ${formatMinutes(minutes)}, restart`];
}

const FETCH = 'fetch the backup, decrypt it and verify it on its own disk';

/** Of the node that is restored, and of each of the others. */
function stepsFrom(
  nodes: readonly NodePlan[],
  ofFirst: (node: NodePlan) => string[],
  ofOther: (node: NodePlan) => string[],
): Steps {
  return nodes.map((node, index) => ({ node: node.name, steps: index === 0 ? ofFirst(node) : ofOther(node) }));
}

function installStep({ content }: Manifest): string {
  if (content?.method !== 'filesystem') {
    return 'start blank, initialise with throwaway keys, load the snapshot, restart';
  }
  const { node, storage } = content;
  return storage === 'file'
    ? `unpack the data directory of ${node}, start`
    : `unpack the data directory of ${node}, make it the only peer (raft/peers.json), start`;
}

function consulSteps(nodes: readonly NodePlan[], path: string, open: string): Steps {
  const [first] = nodes;
  return stepsFrom(
    nodes,
    () => [
      FETCH,
      'stop Vault',
      'keep a snapshot of what is in Consul now, encrypted, on its own disk',
      `restore Consul, and delete the lock of the last leader (${path}core/lock)`,
      'start Vault',
      open,
      'verify: leads, cluster id, numbers of shares, canary',
    ],
    () => ['stop Vault', `start Vault once ${first?.name} is verified`, open],
  );
}

export function inPlaceSteps(leader: string): Steps {
  return [
    {
      node: leader,
      steps: [
        FETCH,
        'load the snapshot into the running cluster; the others follow by Raft',
        'verify: cluster id, canary, key counts',
      ],
    },
  ];
}

export function recoverQuorumSteps(nodes: readonly NodePlan[], survivor: NodePlan, sealType: string, t: number): Steps {
  const open = unsealStep(sealType, t);
  return nodes.map((node) => ({
    node: node.name,
    steps:
      node === survivor
        ? [
            'stop Vault',
            node.layout === 'inside'
              ? `copy the contents of ${node.dataDir} into ${node.dataDir}/.pre-restore-…`
              : `copy ${node.dataDir} next to itself`,
            'make it the only peer (raft/peers.json), start',
            open,
            'verify: only peer',
          ]
        : ['stop Vault', awayStep(node, 'rename'), `start blank, join ${survivor.name}`, open],
  }));
}

export function migrationSteps(
  nodes: readonly NodePlan[],
  first: NodePlan,
  from: MigrationSource,
  sealType: string,
  t: number,
): Steps {
  const source = from === 'consul' ? 'Consul' : 'the files that were set aside';
  const open = unsealStep(sealType, t);
  return nodes.map((node) => ({
    node: node.name,
    steps:
      node === first
        ? [
            'stop Vault',
            awayStep(node, 'rename'),
            `copy every key from ${source} (\`vault operator migrate\`), count them`,
            'put the prepared configuration in place, start',
            open,
            'verify: only peer, cluster id, numbers of shares',
          ]
        : [
            'stop Vault',
            awayStep(node, 'rename'),
            'put the prepared configuration in place',
            `start blank, join ${first.name}`,
            open,
          ],
  }));
}

export function rebuildSteps(node: NodePlan, sealType: string, t: number): Steps {
  return [
    {
      node: node.name,
      steps: ['stop Vault', awayStep(node, 'rename'), 'start blank, join the leader', unsealStep(sealType, t)],
    },
  ];
}

export function copySteps({ name, dataDir }: NodePlan, sealType: string, t: number, stepDown: boolean): Steps {
  return [
    {
      node: name,
      steps: [
        ...(stepDown ? ['let another node lead'] : []),
        'stop Vault',
        `archive ${dataDir}, verified and encrypted, on its own disk`,
        'start Vault',
        unsealStep(sealType, t),
        'store the archive in a repository',
      ],
    },
  ];
}

function awayStep({ dataDir, layout }: NodePlan, setAside: 'rename' | 'delete'): string {
  if (layout === 'inside') {
    return setAside === 'rename'
      ? `move the contents of ${dataDir} into ${dataDir}/.pre-restore-…`
      : `DELETE what is in ${dataDir}`;
  }
  return setAside === 'rename' ? `rename ${dataDir} to ${dataDir}.pre-restore-…` : `DELETE ${dataDir}`;
}

function unsealStep(sealType: string, threshold: number): string {
  return sealType === 'shamir'
    ? `unseal with the shares of ${threshold} key holders`
    : `unseals by itself (${sealType})`;
}

/** Dead peers are removed first, through the leader: afterwards they no longer count. */
export function withRemovals(steps: Steps, leader: string, peers: readonly string[]): Steps {
  if (peers.length === 0) return steps;
  return [{ node: leader, steps: peers.map((id) => `remove the dead peer ${id} from the cluster`) }, ...steps];
}
