import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';

/** One server of the Consul in which the clusters of a lab store. */
export interface ConsulServer {
  name: string;
  /** Of its HTTP API, with TLS. */
  address: string;
  rpcPort: number;
  serfPort: number;
  dataDir: string;
  configFile: string;
  logFile: string;
  certificateFile: string;
  keyFile: string;
}

export interface ConsulToken {
  /** Names it; no secret. */
  accessorId: string;
  secretId: string;
}

export interface ConsulLayout {
  servers: [ConsulServer, ...ConsulServer[]];
  /** Encrypts the traffic between the servers. */
  gossipKey: string;
  /** `vaultDr` and `vault` have only the rights they need. */
  tokens: Record<'management' | 'vaultDr' | 'vault', ConsulToken>;
  /** The secret of `vaultDr`. */
  tokenFile: string;
}

/** Of the names in the certificates of servers, by which they prove themselves to each other. */
export const DATACENTER = 'dc1';

/** The prefix below which a cluster stores. */
export function kvPathOf(cluster: { name: string }, first: { name: string }): string {
  return cluster.name === first.name ? 'vault/' : `${cluster.name}/`;
}

/** @param port answers with another free port of this host each time */
export function layOutConsul(directory: string, host: string, count: number, port: () => number): ConsulLayout {
  const servers = Array.from({ length: count }, (_, index): ConsulServer => {
    const name = `consul-${index + 1}`;
    return {
      name,
      address: `https://${host}:${port()}`,
      rpcPort: port(),
      serfPort: port(),
      dataDir: join(directory, name, 'data'),
      configFile: join(directory, name, 'consul.json'),
      logFile: join(directory, 'logs', `${name}.log`),
      certificateFile: join(directory, 'tls', `${name}.pem`),
      keyFile: join(directory, 'tls', `${name}.key`),
    };
  });
  const token = (): ConsulToken => ({ accessorId: randomUUID(), secretId: randomUUID() });
  return {
    servers: servers as ConsulLayout['servers'],
    gossipKey: randomBytes(32).toString('base64'),
    tokens: { management: token(), vaultDr: token(), vault: token() },
    tokenFile: join(directory, 'secrets', 'consul-token'),
  };
}

/** The configuration of a server, as JSON. */
export function consulConfig(consul: ConsulLayout, server: ConsulServer, caFile: string): string {
  const { hostname, port } = new URL(server.address);
  const management = consul.tokens.management.secretId;
  return JSON.stringify(
    {
      server: true,
      node_name: server.name,
      datacenter: DATACENTER,
      data_dir: server.dataDir,
      bind_addr: hostname,
      client_addr: hostname,
      bootstrap_expect: consul.servers.length,
      retry_join: consul.servers
        .filter(({ name }) => name !== server.name)
        .map((peer) => `${hostname}:${peer.serfPort}`),
      retry_interval: '1s',
      encrypt: consul.gossipKey,
      ports: {
        server: server.rpcPort,
        serf_lan: server.serfPort,
        https: Number(port),
        http: -1,
        dns: -1,
        grpc: -1,
        grpc_tls: -1,
        serf_wan: -1,
      },
      tls: {
        defaults: {
          ca_file: caFile,
          cert_file: server.certificateFile,
          key_file: server.keyFile,
          verify_outgoing: true,
        },
        internal_rpc: { verify_incoming: true, verify_server_hostname: true },
      },
      acl: {
        enabled: true,
        default_policy: 'deny',
        enable_token_persistence: false,
        tokens: { initial_management: management, agent: management },
      },
      connect: { enabled: true },
      // Elections in two seconds; all servers are on one machine.
      performance: { raft_multiplier: 1 },
      autopilot: { server_stabilization_time: '1s' },
      // All Vaults of a lab come from one address.
      limits: { http_max_conns_per_client: 2000 },
      disable_update_check: true,
      log_level: 'INFO',
    },
    null,
    2,
  );
}
