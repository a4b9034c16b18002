import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lab/project-root';

/** Of a controller that has nobody to ask, with everything that it names. @returns the file */
export async function writeControllerConfig(directory: string): Promise<string> {
  await mkdir(join(directory, 'backups'), { recursive: true, mode: 0o700 });
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await writeFile(join(directory, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await writeFile(join(directory, 'key.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(join(directory, 'token'), 'hvs.of-nobody\n', { mode: 0o600 });
  const example = await readFile(join(PROJECT_ROOT, 'examples/single-node/vault-dr.yaml'), 'utf8');
  const file = join(directory, 'vault-dr.yaml');
  const text = example
    .replaceAll('/tmp/vault-dr-example/signing-key', join(directory, 'key'))
    .replaceAll('/tmp/vault-dr-example', directory);
  await writeFile(file, text);
  return file;
}
