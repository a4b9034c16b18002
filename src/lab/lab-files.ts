import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { agentPublicKey, generateAgentKey } from '../crypto/agent-key';
import { createAuthority, issueServerCertificate } from './certificates';
import { productConfig, temporalConfig, vaultConfig } from './config-files';
import { HOST, type LabLayout } from './layout';
import { objectStoreConfig, type S3Credentials, s3Endpoint } from './object-store';
import type { Servers } from './servers';

export interface LabSecrets {
  caPem: string;
  s3Credentials: S3Credentials;
}

/** Writes everything that the servers and the product read. */
export async function writeLabFiles(layout: LabLayout, servers: Servers): Promise<LabSecrets> {
  const { secrets } = layout;
  const authority = await createAuthority('vault-dr lab');
  const caPem = authority.certificate;
  const { generateIdentity, identityToRecipient } = await import('age-encryption');
  const identity = await generateIdentity();
  const signing = generateKeyPairSync('ed25519');
  const s3Credentials = { accessKeyId: 'vault-dr-lab', secretAccessKey: randomBytes(20).toString('hex') };

  const agentKeys = Object.fromEntries(layout.nodes.map(({ name }) => [name, generateAgentKey()]));

  const files: Record<string, string> = {
    [layout.caFile]: caPem,
    [layout.configFile]: productConfig(layout, {
      agentPublicKeys: Object.fromEntries(
        layout.nodes.map(({ name }) => [name, agentPublicKey(agentKeys[name] ?? '')]),
      ),
      vault: servers.vault,
      backupRecipient: await identityToRecipient(identity),
      s3Endpoint: s3Endpoint(layout),
    }),
    [layout.temporalConfigFile]: temporalConfig(layout),
    [layout.objectStore.configFile]: objectStoreConfig(s3Credentials),
    [secrets.backupIdentity]: `${identity}\n`,
    [secrets.signingKey]: signing.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    [secrets.signingPublicKey]: signing.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    [secrets.s3AccessKeyId]: `${s3Credentials.accessKeyId}\n`,
    [secrets.s3SecretAccessKey]: `${s3Credentials.secretAccessKey}\n`,
  };
  for (const node of layout.nodes) {
    const server = await issueServerCertificate(authority, {
      dns: [`${node.name}.lab.internal`, 'localhost'],
      ip: [HOST],
    });
    files[node.certificateFile] = server.certificate;
    files[node.keyFile] = server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    files[node.vaultConfigFile] = vaultConfig(node);
    files[`${node.stateDir}/agent-key.pem`] = agentKeys[node.name] ?? '';
  }

  const directories = [
    layout.stateDir,
    layout.localRepository,
    layout.objectStore.directory,
    dirname(layout.temporal.databaseFile),
    `${layout.directory}/logs`,
    `${layout.directory}/ready`,
    ...layout.nodes.flatMap((node) => [node.dataDir, node.stateDir, node.runtimeDir]),
    ...Object.keys(files).map(dirname),
  ];
  await Promise.all([...new Set(directories)].map((directory) => mkdir(directory, { recursive: true, mode: 0o700 })));
  await Promise.all(Object.entries(files).map(([file, text]) => writePrivateFile(file, text)));
  return { caPem, s3Credentials };
}

export async function writePrivateFile(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 });
}
