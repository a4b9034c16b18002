import { z } from 'zod';
import { personName } from '../person';
import type { RunClaim } from '../recovery';
import { secretPlan, signedApproval } from './approval';
import { generation, listOf, name, pastTime, run, sha256, strict, time } from './values';

/** Compared with what Temporal itself says, which decides. */
const claim = strict<RunClaim>({ run, cluster: name, startedAt: pastTime });

/** A share in an armored age file: `checkEnvelope` allows sixteen kilobytes. */
const envelope = z.string().max(64 * 1024);
const claimed = z.strictObject({ claim });

/** The exact input of each step of a sandbox host. */
export const SANDBOX_INPUTS = {
  prepareSandbox: claimed,
  checkSandboxShare: z.strictObject({ claim, share: envelope }),
  /** `shares`: as many as the threshold, or more; null to leave it sealed. */
  rehearse: z.strictObject({
    claim,
    generation,
    manifestSha256: sha256,
    repositories: listOf(name),
    shares: listOf(envelope).nullable(),
  }),
  tryShares: z.strictObject({
    claim,
    generation,
    manifestSha256: sha256,
    repositories: listOf(name),
    submitted: listOf(z.strictObject({ holder: personName, share: envelope })),
  }),
  /** The plan that people have approved until `expires`, and shares for it. */
  readFromBackup: z.strictObject({
    claim,
    plan: secretPlan,
    requestedBy: personName,
    expires: time,
    approvals: listOf(signedApproval, 100),
    repositories: listOf(name),
    shares: listOf(envelope),
  }),
  endSandboxRun: claimed,
} as const;

export type SandboxStep = keyof typeof SANDBOX_INPUTS;
export type SandboxInput<S extends SandboxStep> = z.output<(typeof SANDBOX_INPUTS)[S]>;
