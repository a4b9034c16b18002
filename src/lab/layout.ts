import { join } from 'node:path';
import { type ConsulLayout, layOutConsul } from './consul/consul-layout';

/** A Vault server's files and addresses. */
export interface VaultServer {
  name: string;
  /** API address. */
  address: string;
  /** `host:port` of the cluster listener. */
  clusterAddress: string;
  /** `host:port` at which it takes requests. */
  listenAddress: string;
  dataDir: string;
  /** Configuration of Vault itself. */
  vaultConfigFile: string;
  vaultLogFile: string;
  certificateFile: string;
  keyFile: string;
}

/** A server of a cluster, with its agent. */
export interface LabNode extends VaultServer {
  stateDir: string;
  runtimeDir: string;
  /** A command through which its agent, and so its Vault, is started on its host. */
  through: string[];
  /** The volume with its data, if the data directory is a mount point: losing the data empties it. */
  volume?: string;
}

/** Hosts with addresses of their own, instead of the loopback of this machine, which must reach all but the cluster addresses. */
export interface LabNetwork {
  /** Of Temporal and S3. */
  services: Place;
  /** Of the nodes of the first cluster, in their order. */
  nodes: NodePlace[];
}

export interface Place {
  /** Address at which others find what runs there. */
  host: string;
  /** A command through which a process is started there. */
  through: string[];
}

export interface NodePlace extends Place {
  /** Address for its peers. */
  clusterHost: string;
}

/** One Vault cluster of the lab. */
export interface ClusterLayout {
  /** As in `vault-dr.yaml`. */
  name: string;
  nodes: LabNode[];
  /** AppRole of vault-dr in this cluster. */
  roleIdFile: string;
  secretIdFile: string;
  /** Of the login for restores in place. */
  restoreRoleIdFile: string;
  restoreSecretIdFile: string;
}

/** The Vault whose transit engine unseals the clusters of the lab. */
export interface SealVaultLayout extends VaultServer {
  /** Token with which the clusters use the key. */
  tokenFile: string;
}

/** Every path and port of a lab, known before anything starts. */
export interface LabLayout {
  directory: string;
  /** Where Temporal and S3 are. */
  services: Place;
  configFile: string;
  temporalConfigFile: string;
  stateDir: string;
  localRepository: string;
  caFile: string;
  /** vault-dr's client certificate, for shapes that require one. */
  clientCertificate: { certificateFile: string; keyFile: string };
  /** The first one is the one that tests destroy. */
  clusters: [ClusterLayout, ...ClusterLayout[]];
  /** Null when the clusters are unsealed with shares. */
  sealVault: SealVaultLayout | null;
  /** Null when the clusters store in something else. */
  consul: ConsulLayout | null;
  /** SSH keys of those who approve, by name; the first one is taken where nobody says otherwise. */
  approverKeys: Record<'bob' | 'frank', string>;
  secrets: Record<'backupIdentity' | 'signingKey' | 'signingPublicKey' | 's3AccessKeyId' | 's3SecretAccessKey', string>;
  temporal: { port: number; uiPort: number; httpPort: number; metricsPort: number; databaseFile: string };
  objectStore: {
    directory: string;
    configFile: string;
    ports: Record<'master' | 'masterGrpc' | 'volume' | 'volumeGrpc' | 'filer' | 'filerGrpc' | 's3' | 's3Grpc', number>;
  };
}

export const CLUSTER = 'lab';
/** The second, independent cluster. */
export const STAGING = 'staging';
/** In the transit engine of the seal Vault. */
export const TRANSIT_KEY = 'unseal';
export const BUCKET = 'vault-backups';
/** The lab's key provider creates a key on first use. */
export const KMS_KEY = 'vault-dr-lab';
/** For everything without an address of its own. */
export const HOST = '127.0.0.1';

/** The parts of a lab. */
export interface LabShape {
  /** Nodes of the first cluster. */
  nodes: number;
  /** Nodes of the second one; 0 for none. */
  staging?: number;
  seal?: LabSeal;
  /** Servers of the Consul in which the clusters store; 0 for none. */
  consul?: number;
  /** Default: all is on the loopback of this machine. */
  network?: LabNetwork | undefined;
}

/** How the clusters of a lab are unsealed: with shares, or by the transit engine of one more Vault. */
export type LabSeal = 'shamir' | 'transit';

/**
 * @param memoryDirectory for what must not reach a disk
 * @throws when there are too few ports
 */
export function layOut(directory: string, memoryDirectory: string, ports: number[], shape: LabShape): LabLayout {
  const { nodes, staging = 0, seal = 'shamir', consul = 0, network } = shape;
  const free = ports.values();
  const port = () => {
    const { value } = free.next();
    if (value === undefined) throw new Error(`${ports.length} ports are too few for ${nodes + staging} nodes.`);
    return value;
  };
  const secret = (name: string) => join(directory, 'secrets', name);
  const server = (name: string, place?: NodePlace): VaultServer => {
    const { host, clusterHost } = place ?? { host: HOST, clusterHost: HOST };
    const [apiPort, clusterPort] = [port(), port()];
    return {
      name,
      address: `https://${host}:${apiPort}`,
      clusterAddress: `${clusterHost}:${clusterPort}`,
      // Its agent asks it on the loopback.
      listenAddress: `${place ? '0.0.0.0' : HOST}:${apiPort}`,
      dataDir: join(directory, name, 'data'),
      vaultConfigFile: join(directory, name, 'vault.hcl'),
      vaultLogFile: join(directory, 'logs', `${name}.vault.log`),
      certificateFile: join(directory, 'tls', `${name}.pem`),
      keyFile: join(directory, 'tls', `${name}.key`),
    };
  };
  const nodesNamed = (prefix: string, count: number, places: NodePlace[] = []) =>
    Array.from({ length: count }, (_, index) => {
      const name = `${prefix}-${index + 1}`;
      const place = places[index];
      return {
        ...server(name, place),
        through: place?.through ?? [],
        stateDir: join(directory, name, 'state'),
        runtimeDir: join(memoryDirectory, name),
      };
    });
  const main: ClusterLayout = {
    name: CLUSTER,
    nodes: nodesNamed('vault', nodes, network?.nodes),
    roleIdFile: secret('role-id'),
    secretIdFile: secret('secret-id'),
    restoreRoleIdFile: secret('restore-role-id'),
    restoreSecretIdFile: secret('restore-secret-id'),
  };
  const second = (): ClusterLayout => ({
    name: STAGING,
    nodes: nodesNamed(STAGING, staging),
    roleIdFile: secret('staging-role-id'),
    secretIdFile: secret('staging-secret-id'),
    restoreRoleIdFile: secret('staging-restore-role-id'),
    restoreSecretIdFile: secret('staging-restore-secret-id'),
  });
  return {
    directory,
    services: network?.services ?? { host: HOST, through: [] },
    configFile: join(directory, 'vault-dr.yaml'),
    temporalConfigFile: join(directory, 'temporal.toml'),
    approverKeys: { bob: join(directory, 'people', 'bob'), frank: join(directory, 'people', 'frank') },
    stateDir: join(directory, 'controller'),
    localRepository: join(directory, 'repository'),
    caFile: join(directory, 'tls', 'ca.pem'),
    clientCertificate: {
      certificateFile: join(directory, 'tls', 'vault-dr.pem'),
      keyFile: join(directory, 'tls', 'vault-dr.key'),
    },
    clusters: staging > 0 ? [main, second()] : [main],
    sealVault: seal === 'transit' ? { ...server('seal-vault'), tokenFile: secret('seal-token') } : null,
    consul: consul > 0 ? layOutConsul(directory, network?.services.host ?? HOST, consul, port) : null,
    secrets: {
      backupIdentity: secret('backup-identity.txt'),
      signingKey: secret('signing-key.pem'),
      signingPublicKey: join(directory, 'signing-key.pub.pem'),
      s3AccessKeyId: secret('s3-access-key-id'),
      s3SecretAccessKey: secret('s3-secret-access-key'),
    },
    temporal: {
      port: port(),
      uiPort: port(),
      httpPort: port(),
      metricsPort: port(),
      databaseFile: join(directory, 'temporal', 'temporal.db'),
    },
    objectStore: {
      directory: join(directory, 's3'),
      configFile: join(directory, 's3.json'),
      ports: {
        master: port(),
        masterGrpc: port(),
        volume: port(),
        volumeGrpc: port(),
        filer: port(),
        filerGrpc: port(),
        s3: port(),
        s3Grpc: port(),
      },
    },
  };
}
