import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { DrError } from '../../contract/failures';

export interface TlsFiles {
  certFile: string;
  keyFile: string;
  /** Of people who log in by certificate. */
  clientCaFile?: string;
}

/** All that is read of them. */
export type TlsContext = Required<Pick<SecureContextOptions, 'cert' | 'key'>> & Pick<SecureContextOptions, 'ca'>;

/** @throws DrError InvalidConfiguration if one can't be read, or they don't belong together */
export async function readTls({ certFile, keyFile, clientCaFile }: TlsFiles): Promise<TlsContext> {
  const [cert, key, ca] = await Promise.all([
    read(certFile),
    read(keyFile),
    clientCaFile === undefined ? undefined : read(clientCaFile),
  ]);
  try {
    createSecureContext({ cert, key, ca });
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error('the key is of another one');
  } catch (cause) {
    throw new DrError(
      'InvalidConfiguration',
      `${certFile} and ${keyFile} can't be used: ${(cause as Error).message}.`,
      {
        advice: 'Both must be PEM and belong together; the key without a passphrase.',
        cause,
      },
    );
  }
  return { cert, key, ...(ca && { ca }) };
}

/** PEM as text, so that it can be compared. */
async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new DrError('InvalidConfiguration', `${file} can't be read: ${(cause as Error).message}`, { cause });
  }
}
