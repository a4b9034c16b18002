// Makes the keys, certificates and passwords of docker-compose.yml, and the configuration that names the recipient of the
// backups. Repeating it changes nothing: a key that backups depend on is never replaced.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';

const require = createRequire(import.meta.url);
const { agentPublicKey, generateAgentKey } = require('../dist/src/crypto/agent-key.js');
const { createAuthority, issueServerCertificate } = require('../dist/src/lab/certificates.js');

const NODES = ['vault-1', 'vault-2', 'vault-3'];
/** Of the user in the images of vault-dr and of Temporal; SeaweedFS runs as this one or as root. */
const CONTAINER_USER = 1000;
/** Of `postgres` in its image, which reads its password itself. */
const POSTGRES_GROUP = 70;

const [directory] = process.argv.slice(2);
if (!directory) {
  console.error('usage: node docker/prepare.mjs DIRECTORY');
  process.exit(2);
}
// Written last.
const configFile = join(directory, 'vault-dr.yaml');
if (existsSync(configFile)) {
  console.log('Everything is there already; nothing was changed.');
  process.exit(0);
}

const authority = await createAuthority('vault-dr compose');
const server = await issueServerCertificate(authority, { dns: [...NODES, 'localhost'], ip: ['127.0.0.1'] });
const signing = generateKeyPairSync('ed25519');
const identity = await generateIdentity();
const accessKeyId = randomBytes(8).toString('hex');
const secretAccessKey = randomBytes(24).toString('hex');

writePublic('vault-ca.pem', authority.certificate);
writePublic('vault.pem', server.certificate);
write('vault.key', server.privateKey.export({ type: 'pkcs8', format: 'pem' }));
write('signing-key.pem', signing.privateKey.export({ type: 'pkcs8', format: 'pem' }));
writePublic('signing-key.pub.pem', signing.publicKey.export({ type: 'spki', format: 'pem' }));
write('backup-identity.txt', identity);
write('role-id', randomUUID());
write('secret-id', randomUUID());
write('temporal-database-password', randomBytes(24).toString('hex'), POSTGRES_GROUP);
write('s3-access-key-id', accessKeyId);
write('s3-secret-access-key', secretAccessKey);
write(
  's3.json',
  JSON.stringify({
    identities: [
      {
        name: 'vault-dr',
        credentials: [{ accessKey: accessKeyId, secretKey: secretAccessKey }],
        actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
      },
    ],
  }),
);
let config = readFileSync(new URL('vault-dr.yaml', import.meta.url), 'utf8');
config = config.replace('BACKUP-RECIPIENT', await identityToRecipient(identity));
for (const node of NODES) {
  const key = generateAgentKey();
  write(`${node}-agent-key.pem`, key);
  config = config.replace(`AGENT-KEY-OF-${node}`, agentPublicKey(key));
}
writePublic('vault-dr.yaml', config);

console.log(`Keys and certificates are in ${directory}; the certificates are good for 30 days.
Secrets belong to the user ${CONTAINER_USER}, as whom the containers read them.
Keep a copy of backup-identity.txt somewhere else: without it no backup opens.`);

/** For nobody but the user in the containers, and one group if that is given. Without root's rights: for who runs this. */
function write(name, content, group = CONTAINER_USER) {
  const file = join(directory, name);
  writeFileSync(file, content, { mode: group === CONTAINER_USER ? 0o600 : 0o640, flag: 'wx' });
  if (process.getuid() === 0) chownSync(file, CONTAINER_USER, group);
}

function writePublic(name, content) {
  writeFileSync(join(directory, name), content, { mode: 0o644, flag: 'wx' });
}
