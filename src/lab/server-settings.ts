import { type LabLayout, type SealVaultLayout, TRANSIT_KEY, type VaultServer } from './layout';

type Settings = Record<string, string | number | boolean>;

/** The settings of a Vault server of the lab; a shape changes them before they are written. */
export interface ServerSettings {
  /** Outside of any stanza. */
  general: Settings;
  /** Of the `storage` stanza, `raft` unless a shape has another. */
  storageType: string;
  storage: Settings;
  /** One `retry_join` in it for each. */
  retryJoin: Settings[];
  listeners: Settings[];
  /** By type; none for the shares of key holders. */
  seals: { type: string; settings: Settings }[];
  /** Whatever else, as it stands in the file. */
  more: string[];
}

export function serverSettings(
  layout: LabLayout,
  node: VaultServer,
  sealVault: SealVaultLayout | null,
): ServerSettings {
  return {
    general: {
      ui: false,
      disable_mlock: true,
      api_addr: node.address,
      cluster_addr: `https://${node.clusterAddress}`,
    },
    storageType: 'raft',
    storage: {
      path: node.dataDir,
      node_id: node.name,
      // Elections in two seconds instead of nine; all nodes are on one machine.
      performance_multiplier: 1,
      // New peers become voters as soon as they are stable, not up to ten seconds later.
      autopilot_reconcile_interval: '1s',
      autopilot_update_interval: '500ms',
    },
    retryJoin: [],
    listeners: [
      {
        address: node.listenAddress,
        cluster_address: node.clusterAddress,
        tls_cert_file: node.certificateFile,
        tls_key_file: node.keyFile,
      },
    ],
    seals: sealVault ? [{ type: 'transit', settings: transitSettings(layout, sealVault) }] : [],
    more: [],
  };
}

function transitSettings({ caFile }: LabLayout, sealVault: SealVaultLayout): Settings {
  return {
    address: sealVault.address,
    tls_ca_cert: caFile,
    token: `file://${sealVault.tokenFile}`,
    mount_path: 'transit/',
    key_name: TRANSIT_KEY,
    // The token lives longer than the lab.
    disable_renewal: 'true',
  };
}

/** The configuration file of a server. */
export function vaultConfig({
  general,
  storageType,
  storage,
  retryJoin,
  listeners,
  seals,
  more,
}: ServerSettings): string {
  const stanzas = [
    stanza(
      `storage "${storageType}"`,
      storage,
      retryJoin.map((join) => stanza('retry_join', join)),
    ),
    ...listeners.map((listener) => stanza('listener "tcp"', listener)),
    ...seals.map(({ type, settings }) => stanza(`seal "${type}"`, settings)),
    ...more,
  ];
  return `${[lines(general), ...stanzas].join('\n\n')}\n`;
}

function stanza(head: string, settings: Settings, inner: string[] = []): string {
  return [
    `${head} {`,
    ...[lines(settings), ...inner].filter(Boolean).map((part) => part.replace(/^/gm, '  ')),
    '}',
  ].join('\n');
}

function lines(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join('\n');
}
