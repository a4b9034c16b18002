import { formatCount } from '../contract/format';
import type { JoinTarget, NodeReport, ServerDetails, VaultConfig } from '../contract/host';
import type { NodePlan } from '../contract/plan';
import type { Storage } from './consul-findings';
import { acceptable, type Finding } from './findings';

/** Why a server's own configuration does not allow its node to be changed. @param blank the node starts blank, or joins as such */
export function configFindings(
  report: NodeReport,
  own: NodePlan | undefined,
  blank: boolean,
  wanted: Storage = 'raft',
): Finding[] {
  const { config } = report;
  if (config === null) return [];
  const findings = [
    ...storageFindings(config, report.dataDir.path, wanted),
    ...(wanted === 'raft' ? nodeIdFindings(config, own) : []),
  ];
  const { server } = config;
  return [
    ...findings.map((finding) => (allSeen(config) ? finding : { ...finding, accept: 'server-config' as const })),
    ...(server && blank ? [...blankFindings(server), ...missingFindings(server)] : []),
  ];
}

function storageFindings({ storage, server }: VaultConfig, dataDir: string, wanted: Storage): Finding[] {
  if (storage === null) return [];
  if (storage.type !== wanted) {
    return [
      {
        code: 'storage-type',
        text: `its Vault stores its data in '${storage.type}', and this needs ${storageName(wanted)}`,
      },
    ];
  }
  if (wanted === 'consul') return [];
  const { path } = storage;
  if (!path || (server?.ownDataDir ?? isSamePath(path, dataDir))) return [];
  return [
    {
      code: 'data-dir-mismatch',
      text: `its Vault stores its data in ${path}, but \`dataDir\` is ${dataDir}: correct one of them`,
    },
  ];
}

function storageName(storage: Storage): string {
  return storage === 'raft' ? 'integrated storage (`storage "raft"`)' : `\`storage "${storage}"\``;
}

function nodeIdFindings({ storage, server }: VaultConfig, own: NodePlan | undefined): Finding[] {
  if (!own || !storage) return [];
  const { nodeId } = storage;
  if (!nodeId) return peerFindings(server?.clusterAddress ?? null, own);
  if (nodeId === own.nodeId) return [];
  return [
    {
      code: 'node-id-mismatch',
      text: `its Vault is configured as node '${nodeId}', not '${own.nodeId}': check that this is the right host, then correct \`nodeId\``,
    },
  ];
}

/** A node with an id that Vault generated is known among its peers by its address alone. */
function peerFindings(address: string | null, { clusterAddress }: NodePlan): Finding[] {
  if (address === null || address.toLowerCase() === clusterAddress.toLowerCase()) return [];
  return [
    {
      code: 'cluster-address-mismatch',
      text: `its Vault has no \`node_id\`, so only its \`cluster_addr\` identifies it, and that is ${address}, but \`clusterAddress\` is ${clusterAddress}: make both the same, or set \`node_id\``,
    },
  ];
}

function blankFindings({ initialize, retryJoin }: ServerDetails): Finding[] {
  return [
    ...(initialize === null
      ? []
      : [
          {
            code: 'initialize-stanza' as const,
            text: `${initialize} has an \`initialize\` stanza, with which a blank server creates its own cluster: remove it before a recovery`,
          },
        ]),
    ...retryJoin.filter(({ node }) => node === null).map(strayJoin),
  ];
}

function strayJoin({ text, file }: JoinTarget): Finding {
  const why = text.startsWith('auto_join')
    ? 'may discover servers outside this plan'
    : 'names none of the nodes of this plan';
  return acceptable(
    'retry-join',
    `\`${text}\` of \`retry_join\` in ${file} ${why}, and a blank node joins whatever cluster answers there: remove it, or name the nodes of the plan instead`,
  );
}

function missingFindings({ missing }: ServerDetails): Finding[] {
  return missing.map(({ path, setting }) => ({
    code: 'server-file-missing',
    text: `${path}, named by its Vault's configuration (${setting}), does not exist, so Vault will not start: put it there (\`vault-dr bundle restore\`, if a backup has it)`,
  }));
}

/** Whether nothing relevant was hidden: otherwise a setting that was not seen may override one that was. */
function allSeen({ problems, server }: VaultConfig): boolean {
  return server === undefined || (server.unseen.length === 0 && problems.length === 0);
}

/** Agents of earlier versions report paths that can only be compared as text. */
function isSamePath(left: string, right: string): boolean {
  const plain = (path: string) =>
    path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/');
  return plain(left) === plain(right);
}

/**
 * What people should know before a recovery, though it does not prevent it.
 * @param plugins external plugins in the backup, such as `database/oracle`
 */
export function configWarnings(report: NodeReport, blank: boolean, plugins: readonly string[] = []): string[] {
  const server = report.config?.server;
  return [
    ...(server && server.seals.length > 1
      ? [`not checked: whether each of its ${server.seals.length} seals (${server.seals.join(', ')}) can reach its key`]
      : []),
    ...(server && server.unseen.length > 0 && (blank || report.vault.sealType === null)
      ? [`not checked: ${server.unseen.join(', ')}`]
      : []),
    ...pluginWarnings(report, plugins),
  ];
}

/** The target of an audit device is encrypted in a backup; a Vault that can open none of them serves nobody. */
export function auditWarnings(devices: number): string[] {
  if (devices === 0) return [];
  const what = formatCount(devices, 'audit device');
  return [
    `not checked: whether ${what} of the backup can be opened on each host (the directory or socket it writes to): a restored Vault that can't open any does not become active`,
  ];
}

/** The snapshot has only the names of external plugins: a mount whose plugin is missing is skipped silently. */
export function pluginWarnings({ config }: NodeReport, plugins: readonly string[]): string[] {
  if (plugins.length === 0) return [];
  const found = config?.server?.plugins;
  const named = (list: readonly string[]) => list.map((plugin) => plugin.split('/').at(-1) ?? plugin).join(', ');
  if (found === undefined) return [`not checked: whether the external plugins ${named(plugins)} are installed`];
  const without = 'their mounts will be missing after a restore, without an error';
  if (found === null)
    return [`its configuration has no \`plugin_directory\` for the external plugins ${named(plugins)}: ${without}`];
  const { directory, files } = found;
  if (files === null)
    return [
      `${directory}, for the external plugins ${named(plugins)}, can't be read: if they are not installed, ${without}`,
    ];
  const missing = plugins.filter((plugin) => !files.some((file) => file.includes(plugin.split('/').at(-1) ?? '')));
  return missing.length === 0
    ? []
    : [
        `${directory} has no files named like the external plugins ${named(missing)}: if they are not installed, ${without}`,
      ];
}
