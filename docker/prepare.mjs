// Makes the keys, certificates and passwords of docker-compose.yml, and the configuration that names the recipient of the
// backups. Repeating it changes nothing: a key that backups depend on is never replaced.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';

const require = createRequire(import.meta.url);
const { agentPublicKey, generateAgentKey } = require('../dist/src/crypto/agent-key.js');
const { createAuthority, issueServerCertificate } = require('../dist/src/lab/certificates.js');

const NODES = ['vault-1', 'vault-2', 'vault-3'];

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

write('vault-ca.pem', authority.certificate);
write('vault.pem', server.certificate);
write('vault.key', server.privateKey.export({ type: 'pkcs8', format: 'pem' }));
write('signing-key.pem', signing.privateKey.export({ type: 'pkcs8', format: 'pem' }));
write('signing-key.pub.pem', signing.publicKey.export({ type: 'spki', format: 'pem' }));
write('backup-identity.txt', identity);
write('role-id', randomUUID());
write('secret-id', randomUUID());
write('temporal-database-password', randomBytes(24).toString('hex'));
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
write('vault-dr.yaml', config);

console.log(`Keys and certificates are in ${directory}; the certificates are good for 30 days.
Keep a copy of backup-identity.txt somewhere else: without it no backup opens.`);

/** The containers read these files under other user ids than the host's. */
function write(name, content) {
  writeFileSync(join(directory, name), content, { mode: 0o644, flag: 'wx' });
}
