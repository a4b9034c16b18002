import type { RetentionReport } from '../../src/contract/backup';
import { DrError, isDrError } from '../../src/contract/failures';
import type { RecoveryPlan } from '../../src/contract/plan';
import type { ApprovedPlan } from '../../src/contract/recovery';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { problemsOfApproval, signaturesDecide } from '../../src/crypto/approved-plan';
import { planHashOf } from '../../src/plan/hash';
import {
  type GenerationFiles,
  hasManifest,
  listFiles,
  readCopy,
  readGenerations,
} from '../../src/repository/generations';
import { meaningOf, readMarks, writeMark } from '../../src/repository/keep/marks';
import { type ReadLately, retain, viewRetention } from '../../src/repository/keep/retain';
import { worthAdding } from '../../src/repository/keep/retention';
import type { Repository } from '../../src/repository/types';
import { recoveringCluster } from '../caller';
import { cancellation, withHeartbeats } from '../heartbeat';
import { confirmRetention } from './confirm';
import type { Controller } from './context';

/** Nobody should wait longer for a bucket at the end of a restore. */
const MARK_TIMEOUT_MS = 30_000;

/**
 * Generations in one repository that another one, which was down, lacks and would keep; oldest first. Manifests are
 * read only if something is missing: there may be thousands.
 */
export async function listCatchUps(
  controller: Controller,
  input: { cluster: string; from: string; to: string },
): Promise<string[]> {
  const { cluster } = input;
  return withHeartbeats(`compare ${input.from} with ${input.to}`, async () => {
    const [from, to] = await Promise.all([
      controller.repositoryOf(cluster, input.from),
      controller.repositoryOf(cluster, input.to),
    ]);
    const options = { signal: cancellation() };
    const [offered, present] = await Promise.all([listFiles(from, cluster, options), listFiles(to, cluster, options)]);
    return catchUps(controller, cluster, { repository: from, present: offered }, { repository: to, present });
  });
}

interface Listed {
  repository: Repository;
  /** Every backup with any file, complete or not. */
  present: GenerationFiles[];
}

async function catchUps(controller: Controller, cluster: string, from: Listed, to: Listed): Promise<string[]> {
  const options = { signal: cancellation() };
  const publicKey = await controller.publicKey();
  const there = new Set(to.present.filter(hasManifest).map(({ generation }) => generation));
  const lacking = from.present.filter((found) => hasManifest(found) && !there.has(found.generation));
  if (lacking.length === 0) return [];
  const [source, target, ...stored] = await Promise.all([
    readGenerations(from.repository, cluster, lacking, publicKey, options),
    readGenerations(to.repository, cluster, to.present, publicKey, options),
    readMarks(from.repository, cluster, publicKey, options),
    readMarks(to.repository, cluster, publicKey, options),
  ]);
  const { pinned } = meaningOf(stored.flatMap(({ marks }) => marks));
  const policy = controller.cluster(cluster).backup.retention;
  return worthAdding(source, target, policy, new Date(), new Set(pinned.keys()));
}

/**
 * Compares the repositories that have the backup of this run, and applies retention where nothing has to be copied first.
 * Each is listed once. What does not answer is left to a step of its own, which tries longer and says why.
 */
export async function tidyRepositories(
  controller: Controller,
  input: ControllerInput<'tidyRepositories'>,
): Promise<{ even: boolean; retention: RetentionReport[] }> {
  const { cluster } = input;
  return withHeartbeats(`tidy up ${input.repositories.join(', ')}`, async () => {
    confirmRetention(controller, cluster, input.policy);
    const options = { signal: cancellation() };
    const publicKey = await controller.publicKey();
    const marksOf = (repository: Repository) => readMarks(repository, cluster, publicKey, options);
    const repositories = await Promise.all(input.repositories.map((name) => controller.repositoryOf(cluster, name)));
    const listed = await Promise.all(
      repositories.map(async (repository) => ({ repository, present: await listFiles(repository, cluster, options) })),
    );
    const [first, ...others] = listed as [Listed, ...Listed[]];
    const ways = others.flatMap((other) => [[first, other] as const, [other, first] as const]);
    for (const [from, to] of ways) {
      if ((await catchUps(controller, cluster, from, to)).length > 0) return { even: false, retention: [] };
    }
    const marks = new Map(
      await Promise.all(repositories.map(async (repository) => [repository.name, await marksOf(repository)] as const)),
    );
    const reports = await Promise.all(
      listed.map(({ repository, present }) =>
        retainIn(controller, { ...input, repository: repository.name }, repository, { present, marks }).catch(
          (error: unknown) => {
            if (!isDrError(error)) throw error;
            return null;
          },
        ),
      ),
    );
    cancellation().throwIfAborted();
    return { even: true, retention: reports.filter((report) => report !== null) };
  });
}

/** Removes what the policy no longer keeps; only after this run has stored a verified generation there. */
export async function applyRetention(
  controller: Controller,
  input: ControllerInput<'applyRetention'>,
): Promise<RetentionReport> {
  return withHeartbeats(`retention in ${input.repository}`, async () =>
    retainIn(controller, input, await controller.repositoryOf(input.cluster, input.repository)),
  );
}

async function retainIn(
  controller: Controller,
  input: ControllerInput<'applyRetention'>,
  repository: Repository,
  known: ReadLately = {},
): Promise<RetentionReport> {
  const policy = confirmRetention(controller, input.cluster, input.policy);
  const publicKeyPem = await controller.publicKey();
  const names = controller.cluster(input.cluster).repositories.filter((name) => name !== input.repository);
  const others = await Promise.all(names.map((name) => controller.repository(name)));
  const now = new Date();
  const facts = { now, publicKeyPem, verified: input.newest };
  const options = { signal: cancellation() };
  const view = await viewRetention(repository, others, input.cluster, policy, facts, options, known);
  // Whoever can't show the backup of this run has to say why.
  if (!view.copies.some(({ generation }) => generation === input.newest)) {
    await readCopy(repository, input.cluster, input.newest, publicKeyPem);
  }
  const sweeps = controller.sweepsNow(input);
  return retain(view, await controller.privateKey(), now, { ...options, sweeps });
}

interface Unmarked {
  repository: string;
  problem: string;
}

type RunMark = ControllerInput<'markRestored'>;

/** Marks the generation in every repository as restored; returns where that failed. */
export async function markRestored(controller: Controller, mark: RunMark): Promise<Unmarked[]> {
  return markEverywhere(controller, 'restored', mark);
}

/** Revokes that mark; returns where that failed. */
export async function markRolledBack(controller: Controller, mark: RunMark): Promise<Unmarked[]> {
  return markEverywhere(controller, 'rolled-back', mark);
}

async function markEverywhere(
  controller: Controller,
  kind: 'restored' | 'rolled-back',
  { cluster, generation, manifestSha256, run, at, approved }: RunMark,
): Promise<Unmarked[]> {
  assertPeopleWanted(controller, { cluster, generation, manifestSha256, run }, approved ?? null);
  // Field by field, so that nothing else in the input gets signed.
  const mark = { kind, cluster, generation, manifestSha256, run, at };
  const privateKey = await controller.privateKey();
  const problems = await Promise.all(
    controller.cluster(cluster).repositories.map(async (name) => {
      try {
        const signal = AbortSignal.any([cancellation(), AbortSignal.timeout(MARK_TIMEOUT_MS)]);
        await writeMark(await controller.repository(name), mark, privateKey, { signal });
        return [];
      } catch (error) {
        cancellation().throwIfAborted();
        return [{ repository: name, problem: (error as Error).message }];
      }
    }),
  );
  return problems.flat();
}

/** Retention keeps marked generations: a run that nobody approved must not replace a true mark. */
function assertPeopleWanted(
  controller: Controller,
  { run, ...named }: { cluster: string; generation: string; manifestSha256: string; run: string },
  approved: ApprovedPlan | null,
): void {
  const target = recoveringCluster();
  const config = controller.cluster(target);
  if (!signaturesDecide(config)) return;
  const problems = approved
    ? problemsOfApproval(target, config, run, approved, planHashOf(approved.plan))
    : ['no approved plan was shown'];
  if (problems.length === 0 && approved !== null && isRestoreOf(approved.plan, named)) return;
  throw new DrError(
    'NotApproved',
    `${named.generation} was not marked: ${problems[0] ?? 'the approved plan is for another backup'}.`,
    {
      advice:
        'If the restore was yours, pin the backup by hand. If not, check who can write to the Temporal namespace.',
    },
  );
}

function isRestoreOf(
  plan: RecoveryPlan,
  named: { cluster: string; generation: string; manifestSha256: string },
): boolean {
  if (plan.method !== 'snapshot' && plan.method !== 'inPlace') return false;
  const { source, generation, manifestSha256 } = plan;
  return source === named.cluster && generation === named.generation && manifestSha256 === named.manifestSha256;
}
