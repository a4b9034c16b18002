import { z } from 'zod';
import type { RunClaim } from '../recovery';
import { approvedPlan } from './approval';
import { migrationSource } from './content';
import { configSwitch, graceMinutes } from './plan';
import { sealedCanary } from './readiness';
import { runRecipient } from './report';
import { flag, generation, listOf, name, NOTHING, oneOf, pastTime, run, sha256, short, strict } from './values';

/** Compared with what Temporal itself says, which decides. */
const claim = strict<RunClaim>({ run, cluster: name, startedAt: pastTime });

/** A share in an armored age file for a few recipients: `checkEnvelope` allows sixteen kilobytes. */
const envelope = z.string().max(64 * 1024);
const shares = listOf(envelope);

const claimed = z.strictObject({ claim });
/** A watch ends after a while and is scheduled again. */
const watch = z.strictObject({
  claim,
  seconds: z
    .number()
    .nonnegative()
    .max(31 * 86_400),
});

/** The exact input of each step of a node agent. */
export const NODE_INPUTS = {
  describeNode: NOTHING,
  proveInPlace: NOTHING,
  proveQuiet: NOTHING,
  collectConfig: NOTHING,
  lookForLeftOvers: z.strictObject({ of: run }),
  openCanary: z.strictObject({ canary: sealedCanary }),

  claimForRun: z.strictObject({ claim, approved: approvedPlan.nullish() }),
  stageGeneration: z.strictObject({
    claim,
    source: name,
    generation,
    manifestSha256: sha256,
    repositories: listOf(name),
  }),
  stopNode: claimed,
  stopForBackup: claimed,
  archiveData: claimed,
  publishArchive: z.strictObject({ claim, repositories: listOf(name) }),
  setAsideData: z.strictObject({
    claim,
    how: oneOf<'rename' | 'delete'>({ rename: true, delete: true }),
    otherCluster: flag,
    /** Absent in requests of earlier versions: `beside`. */
    layout: z.literal('inside').optional(),
    staged: short.nullish(),
    lost: run.nullish(),
  }),
  copyDataAside: claimed,
  /** `lost`: a run that never ended, whose data is put back first. */
  putBackData: z.strictObject({ claim, lost: run.nullish() }),
  blankNode: claimed,
  removeSetAsideData: z.strictObject({ claim, of: run }),

  migrateData: z.strictObject({ claim, from: migrationSource }),
  switchConfig: z.strictObject({ claim, files: listOf(configSwitch, 100) }),
  /** `quiet`: behind a fence. */
  installSnapshot: z.strictObject({ claim, quiet: z.literal(true).optional() }),
  installFiles: z.strictObject({ claim, quiet: z.literal(true).optional() }),
  saveConsul: claimed,
  installConsul: claimed,
  /** `lost`: a run that never ended; what it kept is put back. */
  putBackConsul: z.strictObject({ claim, lost: run.nullish() }),
  installInPlace: claimed,
  recoverPeers: claimed,
  startNode: claimed,
  restartNode: claimed,
  /** `nonVoter`: it joins as a permanent non-voter. */
  joinNode: z.strictObject({ claim, leaderAddress: short, nonVoter: flag.optional() }),

  checkShare: z.strictObject({ claim, share: envelope }),
  rewrapShares: z.strictObject({ claim, shares, recipients: listOf(runRecipient) }),
  /** `minutes`: as in the plan. */
  extendLeases: z.strictObject({ claim, shares, minutes: graceMinutes }),
  unsealNode: z.strictObject({ claim, shares }),
  awaitUnsealed: claimed,
  watchForUnseal: watch,
  watchForSeal: watch,
  liftFence: claimed,
  endRunOnNode: z.strictObject({ claim, unfinished: flag.optional() }),
} as const;

export type NodeStep = keyof typeof NODE_INPUTS;
export type NodeInput<S extends NodeStep> = z.output<(typeof NODE_INPUTS)[S]>;
