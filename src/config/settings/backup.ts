import { z } from 'zod';
import { age, ageRecipient, count, fingerprint, path } from './values';

/** The same in every repository of the cluster; see `RetentionPolicy`. */
const retention = z
  .strictObject({
    last: count.min(1).default(30).describe('This many of the newest backups are kept.'),
    hourly: count.default(0).describe('The newest of each hour (UTC) is kept, for this many hours.'),
    daily: count.default(0).describe('The newest of each day (UTC) is kept, for this many days.'),
    weekly: count.default(0).describe('The newest of each week (UTC) is kept, for this many weeks.'),
    monthly: count.default(0).describe('The newest of each month (UTC) is kept, for this many months.'),
    yearly: count.default(0).describe('The newest of each year (UTC) is kept, for this many years.'),
    maxAge: age
      .optional()
      .describe('Older ones are removed, even if a count selects them: such as 36h, 90d or 52w. Default: no limit.'),
    minimum: count.min(1).default(3).describe('This many of the newest stay, whatever their age.'),
  })
  .transform(({ maxAge, ...counts }) => ({ ...counts, maxAgeSeconds: maxAge ?? null }));

const encryption = z.union(
  [
    z.strictObject({
      age: z
        .array(ageRecipient)
        .min(1, 'must name at least one recipient')
        .describe('Recipients: age1… or ssh-ed25519 AAAA…. Any one of their identities opens a backup.'),
    }),
    z.strictObject({
      openpgp: z
        .strictObject({
          recipients: z
            .array(fingerprint)
            .min(1, 'must name at least one recipient')
            .describe("Full fingerprints of keys in the keyring of the controller's gpg."),
          home: path.optional().describe('GnuPG home directory. Default: that of the user.'),
        })
        .describe("Instead of age: encrypt with the host's gpg."),
    }),
    z.literal('none'),
  ],
  { error: "must be {age: [age1…]}, {openpgp: {recipients: [FINGERPRINT]}} or 'none'" },
);

export const backup = z.strictObject({
  encryption: encryption
    .default('none')
    .describe("Recipients of backups: {age: […]} or {openpgp: {…}}. With `none`, only Vault's seal protects them."),
  canary: z
    .strictObject({
      path: z
        .string()
        .regex(/^[^/\s]+(\/[^/\s]+)+$/, 'must be a path such as secret/data/vault-dr-canary')
        .describe('Such as secret/data/vault-dr-canary; with KV version 2 the path contains /data/.'),
    })
    .optional()
    .describe('A secret that each backup writes before its capture, and that a restore reads.'),
  retention: retention.prefault({}).describe('Which backups are kept, in each repository.'),
  dropWarningPercent: z
    .number()
    .min(0)
    .max(100)
    .default(20)
    .describe('A backup that is smaller, or has fewer keys, than the one before by more than this carries a warning.'),
});
