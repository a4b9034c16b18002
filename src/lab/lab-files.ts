import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { agentPublicKey, generateAgentKey } from '../crypto/agent-key';
import { makeApproverKey } from './approver-keys';
import { createAuthority, issueClientCertificate, issueServerCertificate } from './certificates';
import { consulConfig, type ConsulLayout, DATACENTER } from './consul/consul-layout';
import { serverSettings, vaultConfig } from './server-settings';
import { type Shape, type ShapeName, SHAPES } from './shapes';
import { productConfig, temporalConfig } from './write-config';
import { HOST, type LabLayout, type LabNode, type VaultServer } from './layout';
import { objectStoreConfig, type S3Credentials, s3Endpoint } from './object-store';
import type { Servers } from './servers/servers';
import type { ClientCertificate } from './vault-api';

export interface LabSecrets {
  caPem: string;
  client: ClientCertificate;
  s3Credentials: S3Credentials;
}

/** Writes everything that the servers and the product read. */
export async function writeLabFiles(
  labId: string,
  layout: LabLayout,
  servers: Servers,
  shapeName: ShapeName = 'plain',
): Promise<LabSecrets> {
  const shape = SHAPES[shapeName];
  const { secrets } = layout;
  const authority = await createAuthority('vault-dr lab');
  const caPem = authority.certificate;
  const issuedToClient = await issueClientCertificate(authority, 'vault-dr');
  const client = {
    certificatePem: issuedToClient.certificate,
    keyPem: issuedToClient.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  const { generateIdentity, identityToRecipient } = await import('age-encryption');
  const identity = await generateIdentity();
  const signing = generateKeyPairSync('ed25519');
  const s3Credentials = { accessKeyId: 'vault-dr-lab', secretAccessKey: randomBytes(20).toString('hex') };

  const approvers = await Promise.all(
    Object.entries(layout.approverKeys).map(async ([name, file]) => ({ name, key: await makeApproverKey(file, name) })),
  );

  const nodes = layout.clusters.flatMap((cluster) => cluster.nodes);
  const agentKeys = Object.fromEntries(nodes.map(({ name }) => [name, generateAgentKey()]));

  const files: Record<string, string> = {
    [layout.caFile]: caPem,
    [layout.clientCertificate.certificateFile]: client.certificatePem,
    [layout.clientCertificate.keyFile]: client.keyPem,
    [layout.configFile]: productConfig(
      layout,
      {
        labId,
        agentPublicKeys: Object.fromEntries(nodes.map(({ name }) => [name, agentPublicKey(agentKeys[name] ?? '')])),
        approvers,
        vault: vaultProgram(servers, shape),
        backupRecipient: await identityToRecipient(identity),
        s3Endpoint: s3Endpoint(layout),
      },
      shape,
    ),
    [layout.temporalConfigFile]: temporalConfig(layout),
    [layout.objectStore.configFile]: objectStoreConfig(s3Credentials),
    [secrets.backupIdentity]: `${identity}\n`,
    [secrets.signingKey]: signing.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    [secrets.signingPublicKey]: signing.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    [secrets.s3AccessKeyId]: `${s3Credentials.accessKeyId}\n`,
    [secrets.s3SecretAccessKey]: `${s3Credentials.secretAccessKey}\n`,
  };
  const { sealVault, consul } = layout;
  for (const { nodes: peers } of layout.clusters) {
    for (const node of peers) {
      Object.assign(files, vaultFiles(node, peers, layout, shape));
      files[`${node.stateDir}/agent-key.pem`] = agentKeys[node.name] ?? '';
    }
  }
  if (sealVault) files[sealVault.vaultConfigFile] = vaultConfig(serverSettings(layout, sealVault, null));
  for (const server of consul?.servers ?? []) {
    const issued = await issueServerCertificate(
      authority,
      // The first of the names is the one by which servers recognise each other.
      { dns: [`server.${DATACENTER}.consul`, 'localhost'], ip: [...new Set([HOST, new URL(server.address).hostname])] },
      { client: true },
    );
    files[server.certificateFile] = issued.certificate;
    files[server.keyFile] = issued.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    files[server.configFile] = consulConfig(consul as ConsulLayout, server, layout.caFile);
  }
  if (consul) files[consul.tokenFile] = `${consul.tokens.vaultDr.secretId}\n`;
  const vaults: VaultServer[] = sealVault ? [...nodes, sealVault] : nodes;
  for (const { name, address, certificateFile, keyFile } of vaults) {
    const issued = await issueServerCertificate(authority, {
      dns: [`${name}.lab.internal`, 'localhost'],
      ip: [...new Set([HOST, new URL(address).hostname])],
    });
    files[certificateFile] = issued.certificate;
    files[keyFile] = issued.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  const directories = [
    layout.stateDir,
    layout.localRepository,
    layout.objectStore.directory,
    dirname(layout.temporal.databaseFile),
    `${layout.directory}/logs`,
    `${layout.directory}/ready`,
    ...vaults.map((vault) => vault.dataDir),
    ...nodes.flatMap((node) => [node.stateDir, node.runtimeDir]),
    ...Object.keys(files).map(dirname),
  ];
  await Promise.all([...new Set(directories)].map((directory) => mkdir(directory, { recursive: true, mode: 0o700 })));
  await Promise.all(Object.entries(files).map(([file, text]) => writePrivateFile(file, text)));
  return { caPem, client, s3Credentials };
}

/** Only a full Vault knows other kinds of storage than Raft. */
function vaultProgram(servers: Servers, shape: Shape): string {
  return (shape.servers?.includes('vault-full') ? servers['vault-full'] : undefined) ?? servers.vault;
}

/** The configuration of a node's Vault, by path. */
function vaultFiles(node: LabNode, peers: readonly LabNode[], layout: LabLayout, shape: Shape): Record<string, string> {
  const settings = serverSettings(layout, node, layout.sealVault);
  shape.vault?.(settings, node, peers, layout);
  const text = vaultConfig(settings);
  return shape.files?.(node, text) ?? { [node.vaultConfigFile]: text };
}

export async function writePrivateFile(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 });
}
