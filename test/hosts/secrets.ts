import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Authority,
  createAuthority,
  issueClientCertificate,
  issueServerCertificate,
  type KeyedCertificate,
} from '../../src/lab/certificates';
import { makeApproverKey } from '../../src/lab/approver-keys';
import { fullName, type HostName, VAULT_HOSTS } from './network';

/** Everything that somebody has to make before a site can be set up; none of it comes from the Vault that is restored. */
export interface SiteSecrets {
  vaultAuthority: Authority;
  temporalAuthority: Authority;
  /** PEM, with the key. */
  vaultServers: Record<string, KeyedCertificate>;
  temporalServer: KeyedCertificate;
  /** Of each host, and of the people at this machine. */
  temporalClients: Record<HostName | 'people', KeyedCertificate>;
  s3: { accessKeyId: string; secretAccessKey: string };
  approver: { name: string; key: string; keyFile: string };
}

/** @param directory where a file of a person may lie */
export async function makeSecrets(directory: string, clients: readonly HostName[]): Promise<SiteSecrets> {
  const [vaultAuthority, temporalAuthority] = await Promise.all([
    createAuthority('Vault of the hosts test'),
    createAuthority('Temporal of the hosts test'),
  ]);
  const keyFile = join(directory, 'bob');
  await mkdir(directory, { recursive: true });
  return {
    vaultAuthority,
    temporalAuthority,
    vaultServers: Object.fromEntries(
      await Promise.all(VAULT_HOSTS.map(async (host) => [host, await vaultCertificate(vaultAuthority, host)] as const)),
    ),
    temporalServer: await issueServerCertificate(
      temporalAuthority,
      { dns: [fullName('temporal')], ip: [] },
      { client: true },
    ),
    temporalClients: Object.fromEntries(
      await Promise.all(
        [...clients, 'people' as const].map(
          async (name) => [name, await issueClientCertificate(temporalAuthority, name)] as const,
        ),
      ),
    ) as SiteSecrets['temporalClients'],
    s3: { accessKeyId: randomBytes(8).toString('hex'), secretAccessKey: randomBytes(24).toString('hex') },
    approver: { name: 'bob', key: await makeApproverKey(keyFile, 'bob'), keyFile },
  };
}

/** Names and no addresses: what reaches it by its address gets nowhere. */
export function vaultCertificate(authority: Authority, host: HostName): Promise<KeyedCertificate> {
  return issueServerCertificate(authority, { dns: [fullName(host), host, 'localhost'], ip: ['127.0.0.1'] });
}

export function keyPem({ privateKey }: KeyedCertificate): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}
