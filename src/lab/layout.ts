import { join } from 'node:path';

/** Where one node of the lab keeps its things, and where it listens. */
export interface LabNode {
  name: string;
  /** API address. */
  address: string;
  /** `host:port` of the cluster listener. */
  clusterAddress: string;
  dataDir: string;
  /** Configuration of Vault itself. */
  vaultConfigFile: string;
  vaultLogFile: string;
  stateDir: string;
  runtimeDir: string;
  certificateFile: string;
  keyFile: string;
}

/** Every path and port of a lab; all of it is known before anything starts. */
export interface LabLayout {
  directory: string;
  configFile: string;
  temporalConfigFile: string;
  stateDir: string;
  localRepository: string;
  caFile: string;
  nodes: LabNode[];
  secrets: Record<
    | 'roleId'
    | 'secretId'
    | 'backupIdentity'
    | 'signingKey'
    | 'signingPublicKey'
    | 's3AccessKeyId'
    | 's3SecretAccessKey',
    string
  >;
  temporal: { port: number; uiPort: number; httpPort: number; metricsPort: number; databaseFile: string };
  objectStore: {
    directory: string;
    configFile: string;
    ports: Record<'master' | 'masterGrpc' | 'volume' | 'volumeGrpc' | 'filer' | 'filerGrpc' | 's3' | 's3Grpc', number>;
  };
}

export const CLUSTER = 'lab';
export const BUCKET = 'vault-backups';
/** The key provider of the lab makes a key when it is first asked for. */
export const KMS_KEY = 'vault-dr-lab';
export const HOST = '127.0.0.1';

/** @param memoryDirectory for what must not reach a disk */
export function layOut(directory: string, memoryDirectory: string, ports: number[], nodeCount: number): LabLayout {
  const free = ports.values();
  const port = () => {
    const { value } = free.next();
    if (value === undefined) throw new Error(`${ports.length} ports are too few for ${nodeCount} nodes.`);
    return value;
  };
  const secret = (name: string) => join(directory, 'secrets', name);
  return {
    directory,
    configFile: join(directory, 'vault-dr.yaml'),
    temporalConfigFile: join(directory, 'temporal.toml'),
    stateDir: join(directory, 'controller'),
    localRepository: join(directory, 'repository'),
    caFile: join(directory, 'tls', 'ca.pem'),
    nodes: Array.from({ length: nodeCount }, (_, index) => {
      const name = `vault-${index + 1}`;
      return {
        name,
        address: `https://${HOST}:${port()}`,
        clusterAddress: `${HOST}:${port()}`,
        dataDir: join(directory, name, 'data'),
        vaultConfigFile: join(directory, name, 'vault.hcl'),
        vaultLogFile: join(directory, 'logs', `${name}.vault.log`),
        stateDir: join(directory, name, 'state'),
        runtimeDir: join(memoryDirectory, name),
        certificateFile: join(directory, 'tls', `${name}.pem`),
        keyFile: join(directory, 'tls', `${name}.key`),
      };
    }),
    secrets: {
      roleId: secret('role-id'),
      secretId: secret('secret-id'),
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
