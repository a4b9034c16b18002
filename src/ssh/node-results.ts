import { z } from 'zod';
import type { NodeActivities } from '../../activities/node';
import { filledBundle } from '../contract/step-input/generation';
import { copyProblem } from '../contract/step-input/plan';
import { leftOver, nodeReport, sealReport } from '../contract/step-input/host';
import { openedCanary } from '../contract/step-input/readiness';
import {
  absolutePath,
  byKey,
  count,
  flag,
  listOf,
  oneOf,
  short,
  strict,
  text,
  texts,
} from '../contract/step-input/values';
import type { NodeStep } from '../contract/step-input/node';
import { DrError } from '../contract/failures';

type ResultOf<S extends NodeStep> = Awaited<ReturnType<NodeActivities[S]>>;

/** For steps that nobody hears more of than that they are done. */
const DONE = z.undefined() as unknown as z.ZodType<void>;
const signature = z.base64().max(200);
const claimed = strict<ResultOf<'claimForRun'>>({ recipient: short, signature, inMemory: flag });

/** The exact result of each step that may run over SSH: what a host sends goes into history, and is shown. */
const NODE_RESULTS: { [S in Exclude<NodeStep, OnlyByAgent>]: z.ZodType<ResultOf<S>> } = {
  describeNode: nodeReport,
  collectConfig: strict<ResultOf<'collectConfig'>>({ bundle: filledBundle.nullable(), problems: texts }),
  claimForRun: claimed,
  stageGeneration: strict<ResultOf<'stageGeneration'>>({
    repository: short,
    path: absolutePath,
    problems: listOf(copyProblem),
    signature,
  }),
  stopNode: DONE,
  setAsideData: absolutePath.nullable(),
  copyDataAside: absolutePath,
  putBackData: oneOf<ResultOf<'putBackData'>>({ 'put back': true, 'held nothing': true, untouched: true }),
  blankNode: DONE,
  lookForLeftOvers: listOf(leftOver),
  openCanary: openedCanary,
  removeSetAsideData: listOf(leftOver),
  migrateData: z.strictObject({ keys: count }),
  switchConfig: DONE,
  installSnapshot: DONE,
  installFiles: DONE,
  saveConsul: short,
  installConsul: DONE,
  putBackConsul: DONE,
  proveInPlace: text.nullable(),
  proveQuiet: text.nullable(),
  installInPlace: DONE,
  recoverPeers: sealReport,
  startNode: sealReport,
  restartNode: sealReport,
  joinNode: DONE,
  checkShare: strict<ResultOf<'checkShare'>>({
    accepted: flag,
    reason: text.nullable(),
    fingerprint: short.nullable(),
  }),
  rewrapShares: listOf(text),
  extendLeases: strict<ResultOf<'extendLeases'>>({
    state: oneOf<ResultOf<'extendLeases'>['state']>({ extended: true, 'wrong shares': true, unsealed: true }),
    problem: text.nullable(),
    byMount: byKey(count),
    left: count,
    skipped: count,
  }),
  unsealNode: strict<ResultOf<'unsealNode'>>({
    state: oneOf<ResultOf<'unsealNode'>['state']>({ unsealed: true, 'wrong shares': true, 'not joined': true }),
    problem: text.nullable(),
    dropped: count,
  }),
  awaitUnsealed: DONE,
  watchForUnseal: flag,
  watchForSeal: flag,
  liftFence: DONE,
  endRunOnNode: DONE,
};

/** Between these Vault is stopped, and only an agent starts it again if nobody comes back. */
export const ONLY_BY_AGENT = ['stopForBackup', 'archiveData', 'publishArchive'] as const satisfies NodeStep[];
type OnlyByAgent = (typeof ONLY_BY_AGENT)[number];

/** @throws DrError ServiceFailed for anything but a result of this step. */
export function parseResult(step: NodeStep, node: string, value: unknown): unknown {
  const schema = (NODE_RESULTS as Partial<Record<NodeStep, z.ZodType>>)[step];
  const parsed = schema?.safeParse(value);
  if (parsed?.success) return parsed.data;
  const where = parsed?.error.issues[0]?.path.join('.') ?? step;
  throw new DrError('ServiceFailed', `${node} sent no result of ${step} that can be read (${where.slice(0, 100)}).`, {
    where: node,
    advice: 'Install the same version of vault-dr on that host and on the controller.',
  });
}
