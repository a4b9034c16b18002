// A configuration with an empty repository, for commands that need no server.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function writeSample(directory, require) {
  const { sampleConfig } = require('../../dist/test/support/sample-config.js');
  const { publicKey } = generateKeyPairSync('ed25519');
  const [repository, publicKeyFile, config] = ['repository', 'signing.pub', 'vault-dr.yaml'].map((name) =>
    join(directory, name),
  );
  mkdirSync(repository, { mode: 0o700 });
  writeFileSync(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(config, sampleConfig({ repositories: { local: repository }, publicKeyFile }));
  return config;
}
