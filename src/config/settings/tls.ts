import { z } from 'zod';
import { path, secretSource } from './values';

/** For listeners that demand a client certificate; both files are read for each connection. */
export const clientTls = z.strictObject({
  certificateFile: path.describe('Client certificate, PEM, with intermediate certificates if there are any.'),
  key: secretSource.describe('Its private key, PEM without a passphrase.'),
});

export const clusterTls = z
  .strictObject({
    caFile: path
      .optional()
      .describe(
        "Certificate authorities of Vault's listeners, PEM; also used for joins. Default: those of the system.",
      ),
    ...clientTls.partial().shape,
  })
  .refine(({ certificateFile, key }) => (certificateFile === undefined) === (key === undefined), {
    error: 'must have certificateFile and key, or neither',
  });
