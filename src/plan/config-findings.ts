import type { JoinTarget, NodeReport, ServerDetails, VaultConfig } from '../contract/host';
import type { NodePlan } from '../contract/plan';
import type { Finding } from './findings';

/** What a server's own configuration has against changing its node. @param blank the node starts blank, or joins as such */
export function configFindings(report: NodeReport, own: NodePlan | undefined, blank: boolean): Finding[] {
  const { config } = report;
  if (config === null) return [];
  const findings = [...storageFindings(config, report.dataDir.path), ...nodeIdFindings(config, own)];
  const { server } = config;
  return [
    ...findings.map((finding) => (allSeen(config) ? finding : { ...finding, accept: 'server-config' as const })),
    ...(server && blank ? [...blankFindings(server), ...missingFindings(server)] : []),
  ];
}

function storageFindings({ storage, server }: VaultConfig, dataDir: string): Finding[] {
  if (storage === null) return [];
  if (storage.type !== 'raft') {
    return [
      {
        text: `its Vault keeps its data in '${storage.type}': only integrated storage (\`storage "raft"\`) is backed up and restored`,
      },
    ];
  }
  const { path } = storage;
  if (!path || (server?.ownDataDir ?? isSamePath(path, dataDir))) return [];
  return [{ text: `its Vault keeps its data in ${path}, yet \`dataDir\` is ${dataDir}: correct one of them` }];
}

function nodeIdFindings({ storage, server }: VaultConfig, own: NodePlan | undefined): Finding[] {
  if (!own || !storage) return [];
  const { nodeId } = storage;
  if (!nodeId) return peerFindings(server?.clusterAddress ?? null, own);
  if (nodeId === own.nodeId) return [];
  return [
    {
      text: `its Vault is configured as the node '${nodeId}', not '${own.nodeId}': is this the right host? Correct \`nodeId\` or the host`,
    },
  ];
}

/** A node whose id Vault makes up is known among its peers by its address alone. */
function peerFindings(address: string | null, { clusterAddress }: NodePlan): Finding[] {
  if (address === null || address.toLowerCase() === clusterAddress.toLowerCase()) return [];
  return [
    {
      text: `its Vault has no \`node_id\`, so it is told from its peers by its \`cluster_addr\`, which is ${address}, yet \`clusterAddress\` is ${clusterAddress}: write both alike, or set \`node_id\``,
    },
  ];
}

function blankFindings({ initialize, retryJoin }: ServerDetails): Finding[] {
  return [
    ...(initialize === null
      ? []
      : [
          {
            text: `${initialize} has an \`initialize\` stanza, with which a blank server makes a cluster of its own: take it out before a recovery`,
          },
        ]),
    ...retryJoin.filter(({ node }) => node === null).map(strayJoin),
  ];
}

function strayJoin({ text, file }: JoinTarget): Finding {
  const why = text.startsWith('auto_join')
    ? 'may find servers outside of this plan'
    : 'leads to none of the nodes of this plan';
  return {
    text: `\`${text}\` of \`retry_join\` in ${file} ${why}, and a blank node joins whatever cluster answers there: take it out, or name the nodes of the plan instead`,
    accept: 'retry-join',
  };
}

function missingFindings({ missing }: ServerDetails): Finding[] {
  return missing.map(({ path, setting }) => ({
    text: `${path}, which its Vault's configuration names (${setting}), is not there, so Vault won't start: put it there (\`vault-dr bundle restore\`, if a backup has it)`,
  }));
}

/** Nothing that decides was hidden: else what was seen may be overruled by what was not. */
function allSeen({ problems, server }: VaultConfig): boolean {
  return server === undefined || (server.unseen.length === 0 && problems.length === 0);
}

/** What an agent of an earlier version says is compared as text. */
function isSamePath(left: string, right: string): boolean {
  const plain = (path: string) =>
    path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/');
  return plain(left) === plain(right);
}

/**
 * What is better known before a recovery, and does not stand against it.
 * @param plugins external ones that the backup knows, as `database/oracle`
 */
export function configWarnings(report: NodeReport, blank: boolean, plugins: readonly string[] = []): string[] {
  const server = report.config?.server;
  return [
    ...(server && server.seals.length > 1
      ? [`not checked: whether each of its ${server.seals.length} seals (${server.seals.join(', ')}) reaches its key`]
      : []),
    ...(server && server.unseen.length > 0 && (blank || report.vault.sealType === null)
      ? [`not checked: ${server.unseen.join(', ')}`]
      : []),
    ...pluginWarnings(report, plugins),
  ];
}

/** Where an audit device writes is encrypted in a backup; a Vault that can open none of them serves nobody. */
export function auditWarnings(devices: number): string[] {
  if (devices === 0) return [];
  const what = devices === 1 ? 'an audit device' : `${devices} audit devices`;
  return [
    `not checked: whether ${what} of the backup can be opened on each host (the directory or socket that it writes to): a restored Vault that can't open any does not become active`,
  ];
}

/** Of external plugins the snapshot has only names: a mount whose plugin is missing is skipped, and nothing says so. */
export function pluginWarnings({ config }: NodeReport, plugins: readonly string[]): string[] {
  if (plugins.length === 0) return [];
  const found = config?.server?.plugins;
  const named = (list: readonly string[]) => list.map((plugin) => plugin.split('/').at(-1) ?? plugin).join(', ');
  if (found === undefined) return [`not checked: whether the external plugins ${named(plugins)} are there`];
  const without = 'their mounts are silently missing after a restore';
  if (found === null)
    return [`its configuration has no \`plugin_directory\` for the external plugins ${named(plugins)}: ${without}`];
  const { directory, files } = found;
  if (files === null)
    return [
      `${directory}, for the external plugins ${named(plugins)}, can't be read: if they are not there, ${without}`,
    ];
  const missing = plugins.filter((plugin) => !files.some((file) => file.includes(plugin.split('/').at(-1) ?? '')));
  return missing.length === 0
    ? []
    : [
        `nothing in ${directory} is named like the external plugins ${named(missing)}: if they are not there, ${without}`,
      ];
}
