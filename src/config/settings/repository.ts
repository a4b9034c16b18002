import { z } from 'zod';
import { httpsUrl, name, path, secretSource, size } from './values';

export const repository = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('directory').describe("A directory on the controller's host."),
    path: path.describe('Must exist, on a file system with hard links; on a disk of its own, below the mount point.'),
    host: name
      .optional()
      .describe('Name of the controller that serves it, where there are several: the others have no such directory.'),
    shared: z
      .literal(true)
      .optional()
      .describe('true: every controller has the same directory at this path, by NFS for example.'),
  }),
  z.strictObject({
    type: z.literal('s3').describe('A bucket of AWS S3, or of a server that is compatible with it.'),
    bucket: z.string().min(3).describe('Name of the bucket.'),
    prefix: z
      .string()
      .regex(/^([^/]+\/)*$/, 'must end with a slash and not begin with one')
      .default('')
      .describe('Prefix of every key, with a slash at its end: vault/.'),
    region: z.string().default('us-east-1').describe("The bucket's region."),
    endpoint: httpsUrl.optional().describe('For S3-compatible servers; not needed for AWS.'),
    forcePathStyle: z.boolean().default(false).describe('true for most S3-compatible servers.'),
    kmsKeyId: z
      .string()
      .regex(
        /^(?!(.*:)?alias\/)/,
        'must be the ARN of the key, not an alias: it is compared with the ARN that the bucket returns',
      )
      .optional()
      .describe("ARN of the KMS key, not an alias, that encrypts objects. Default: the bucket's own."),
    storageClass: z
      .string()
      .regex(
        /^(?!(GLACIER|DEEP_ARCHIVE)$)/i,
        'must be a class with immediate access, such as STANDARD_IA or GLACIER_IR',
      )
      .optional()
      .describe("Such as STANDARD_IA or GLACIER_IR; not GLACIER or DEEP_ARCHIVE, which can't be read at once."),
    tags: z
      .record(z.string().min(1).max(128), z.string().max(256))
      .default({})
      .describe('Set on every object, in the request that stores it.'),
    // An attempt that is repeated continues an upload in parts. S3 takes at most 5 GiB in one piece.
    multipartThreshold: size
      .refine((bytes) => bytes >= 5 * 1024 ** 2 && bytes <= 5 * 1024 ** 3, 'must be between 5MiB and 5GiB')
      .default(1024 ** 3)
      .describe('Larger objects are uploaded in parts: from 5MiB to 5GiB. Default: 1GiB.'),
    objectLock: z
      .strictObject({
        mode: z
          .enum(['GOVERNANCE', 'COMPLIANCE'])
          .describe(
            "COMPLIANCE: nobody can delete, not even the account's root. GOVERNANCE: only those who may bypass it.",
          ),
        days: z
          .number()
          .int()
          .min(1)
          .max(3650)
          .describe('Days for which nothing can be deleted. Use more than you keep backups.'),
      })
      .optional()
      .describe('Prevents deletion before a time.'),
    credentials: z
      .strictObject({
        accessKeyId: secretSource.describe('Access key id.'),
        secretAccessKey: secretSource.describe('Secret access key.'),
      })
      .optional()
      .describe('Default: the usual AWS chain (environment, profile, instance role).'),
  }),
]);
export type RepositoryConfig = z.infer<typeof repository>;
