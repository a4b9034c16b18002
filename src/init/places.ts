import { existsSync } from 'node:fs';
import { join } from 'node:path';

const SCHEMA = 'schemas/vault-dr.schema.json';
/** Of the packages, and of the tarball. */
const INSTALLED = ['/usr/share/vault-dr', '/usr/local/share/vault-dr'];

/** Where things go, all of it in the directory of the configuration. */
export interface Places {
  directory: string;
  signingKey: string;
  signingPublicKey: string;
  /** age identity that opens the backups. */
  identity: string;
  /** Copy of the authority of Vault's certificates. */
  caFile: string;
  roleId: string;
  secretId: string;
  /** JSON Schema of the configuration, for editors. */
  schema: string;
}

/** One configuration may have several clusters, with one signing key and one identity. */
export function placesIn(directory: string, cluster: string): Places {
  const at = (name: string) => join(directory, name);
  return {
    directory,
    signingKey: at('signing-key.pem'),
    signingPublicKey: at('signing-key.pub.pem'),
    identity: at('backup-identity.txt'),
    caFile: at(`${cluster}-ca.pem`),
    roleId: at(`${cluster}-role-id`),
    secretId: at(`${cluster}-secret-id`),
    schema: join(INSTALLED.find((root) => existsSync(join(root, SCHEMA))) ?? programRoot(), SCHEMA),
  };
}

/** Compiled, this file is one folder deeper than its source. */
function programRoot(): string {
  const root = join(__dirname, '../..');
  return existsSync(join(root, SCHEMA)) ? root : join(root, '..');
}
