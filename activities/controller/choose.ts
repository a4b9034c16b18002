import { DrError, isDrError } from '../../src/contract/failures';
import { capturedAtOf, type GenerationCopy } from '../../src/contract/generation';
import type { ChosenGeneration, CopyProblem, RecoverySettings } from '../../src/contract/plan';
import { encryptionOf } from '../../src/crypto/encryption';
import type { RtoObjective } from '../../src/contract/objectives';
import { isForConfigured } from '../../src/plan/recipients';
import { practicePolicy } from '../../src/ready/policy';
import { expectedTime } from '../../src/ready/recovery-time';
import type { DrillVerdict } from '../../src/contract/drill-record';
import type { RollCalled } from '../../src/contract/roll-call';
import { describeDrill } from '../../src/contract/voice/drill-text';
import { type RepositoryView, verifyChain } from '../../src/repository/keep/chain';
import { listGenerations, verifyCopy } from '../../src/repository/generations';
import { type DrillHistories, type Drilled, lastDrills } from '../../src/repository/keep/drills';
import { type Mark, meaningOf, readMarks } from '../../src/repository/keep/marks';
import { attempt, heartbeatBytes, cancellation, withHeartbeats } from '../heartbeat';
import { confirmSource } from './confirm';
import type { Controller } from './context';
import { restoresIn } from './measured';

/**
 * An older generation is not taken because of a broken connection: until this attempt the step is retried. After that
 * it is taken, and the plan says so, because a generation that can never be read must not prevent every restore. One
 * less than the number of attempts of the step.
 */
const PATIENT_ATTEMPTS = 3;

interface Wanted {
  generation: string;
  asOf: string | null;
}

export interface Shown {
  copies: GenerationCopy[];
  /** Generations whose manifest may be readable later. */
  unread: (CopyProblem & { generation: string })[];
  problems: CopyProblem[];
  /** Repositories that could not be listed; they are among the problems, as is the chain. */
  unanswered: CopyProblem[];
  chain: CopyProblem[];
  /** Marks that can't be trusted, and missing ones. */
  untrusted: CopyProblem[];
  drills: DrillHistories;
  rollCalls: RollCalled[];
}

/**
 * Finds the generation and reads all its copies end to end. "Latest" is the newest that a configured recipient can
 * open: nobody can slip in another one. One that drills speak against is taken only where it is named.
 * @throws DrError UnknownGeneration that lists what there is; CopyDamaged; RepositoryUnavailable if another attempt may
 * succeed.
 */
export async function chooseGeneration(
  controller: Controller,
  input: { settings: RecoverySettings } & Wanted,
): Promise<ChosenGeneration> {
  const { settings } = input;
  const repositories = confirmSource(controller, settings);
  const shown = await withHeartbeats('list', () => listEverywhere(controller, settings.source, repositories));
  const chosen = await chooseFrom(controller, settings, shown, input);
  const { type } = chosen.copy.manifest.seal;
  const rto = await withHeartbeats('read reports', () => expectation(controller, settings, shown, type));
  return rto === null ? chosen : { ...chosen, rto };
}

/** Nobody waits longer on the night for what only tells how long it will be. */
const REPORTS_TIMEOUT_MS = 20_000;

/** How long a restore should take; null where that can't be known now, or was measured of another cluster. */
async function expectation(
  controller: Controller,
  { cluster, source, repositories, approvals }: RecoverySettings,
  { drills, unanswered }: Shown,
  sealType: string,
): Promise<RtoObjective | null> {
  if (cluster !== source) return null;
  const { rto } = practicePolicy({ ...controller.cluster(cluster), restore: { approvals } }, sealType);
  const answering = repositories.filter((name) => !unanswered.some(({ repository }) => repository === name));
  const patience = AbortSignal.any([cancellation(), AbortSignal.timeout(REPORTS_TIMEOUT_MS)]);
  try {
    const restores = await restoresIn(controller, cluster, answering, patience);
    return expectedTime({ restores, drills: lastDrills(drills) }, rto);
  } catch {
    cancellation().throwIfAborted();
    return null;
  }
}

/** The same from what was listed. */
export async function chooseFrom(
  controller: Controller,
  settings: Pick<RecoverySettings, 'source'>,
  shown: Shown,
  input: Wanted,
): Promise<ChosenGeneration> {
  const { copies, unread, problems } = shown;
  const strange = strangersIn(controller, settings.source, shown);
  const found = lastOnes(candidatesOf(shown, input), strange);
  const bad = input.generation === 'latest' ? badIn(shown) : new Map<string, Drilled>();
  const candidates = found.filter((id) => !bad.has(id));
  if (candidates.length === 0) {
    throw found.length === 0 ? nothingFound(settings.source, shown, input) : allBad(settings.source, found, bad);
  }
  let passing = false;
  for (const id of candidates) {
    passing ||= unread.some((item) => item.generation === id);
    const healthy: GenerationCopy[] = [];
    for (const copy of copies.filter((item) => item.generation === id)) {
      const { repository } = copy;
      try {
        const options = { signal: cancellation(), onProgress: heartbeatBytes(`hash ${repository}`) };
        // A plan is made once more after its approval.
        await verifyCopy(await controller.repository(repository), copy, options, controller.readLately);
        healthy.push(copy);
      } catch (error) {
        cancellation().throwIfAborted();
        problems.push({ repository, problem: `${id}: ${(error as Error).message}` });
        passing ||= !isDrError(error) || error.retryable;
      }
    }
    const [copy] = healthy;
    if (copy) {
      const same = healthy.filter((item) => item.manifestSha256 === copy.manifestSha256);
      return {
        copy,
        healthy: same.map((item) => item.repository),
        problems: [...problems, ...passedOver(id), ...failedDrills(id)],
        drilled: verdictOf(shown.drills, copy),
      };
    }
    if (passing && attempt() < PATIENT_ATTEMPTS) throw noneWhole(id, problems, passing);
  }
  throw noneWhole(input.generation === 'latest' ? 'any backup' : input.generation, problems, passing);

  /** Newer ones that drills speak against. */
  function failedDrills(taken: string): CopyProblem[] {
    return [...bad]
      .filter(([id]) => id > taken && found.includes(id))
      .map(([id, drilled]) => ({
        repository: 'latest',
        problem: `${id} is newer and was skipped, because a drill of it failed: ${describeDrill(drilled)}; --backup ${id} selects it nevertheless`,
      }));
  }

  /** Newer ones that are not used. */
  function passedOver(taken: string): CopyProblem[] {
    if (strange.has(taken)) return [];
    const newer = candidates.filter((id) => id > taken && strange.has(id));
    return newer.map((id) => ({
      repository: 'latest',
      problem: `${id} is newer and was skipped: it is encrypted for other recipients than the configuration of ${settings.source} names; --backup ${id} selects it nevertheless`,
    }));
  }
}

/** Newest first, and those last that no configured recipient can open. */
export function inOrderOfChoice(controller: Controller, cluster: string, shown: Shown, wanted: Wanted): string[] {
  return lastOnes(candidatesOf(shown, wanted), strangersIn(controller, cluster, shown));
}

/** What drills say of a backup. */
function verdictOf(drills: DrillHistories, { manifestSha256 }: GenerationCopy): DrillVerdict | null {
  const history = drills.get(manifestSha256);
  return history ? { last: noteOf(history.last), bad: history.bad && noteOf(history.bad) } : null;
}

function noteOf({ at, repository, level, failed, serverVersion, phases }: Drilled): DrillVerdict['last'] {
  return { at, repository, level, failed, serverVersion, phases };
}

/** The drills that speak against a backup, by its id. */
function badIn({ copies, drills }: Shown): Map<string, Drilled> {
  const found = copies.flatMap(({ generation, manifestSha256 }) => {
    const bad = drills.get(manifestSha256)?.bad;
    return bad ? [[generation, bad] as const] : [];
  });
  return new Map(found);
}

function allBad(cluster: string, ids: readonly string[], bad: ReadonlyMap<string, Drilled>): DrError {
  const [newest = ''] = ids;
  const drilled = bad.get(newest)!;
  return new DrError(
    'CopyDamaged',
    `Drills speak against every backup of '${cluster}' that could be chosen (${ids.length}). The newest is ${newest}: ${describeDrill(drilled)}.`,
    {
      advice:
        'Choose one by its id, and override with --accept failed-drill; or drill it again, to see whether it was the sandbox.',
    },
  );
}

/** Generations that no configured recipient can open. */
function strangersIn(controller: Controller, cluster: string, { copies }: Shown): Set<string> {
  const { recipients } = encryptionOf(controller.cluster(cluster).backup.encryption);
  const strange = copies.filter(({ manifest }) => !isForConfigured(manifest.encryption, recipients));
  return new Set(strange.map(({ generation }) => generation));
}

function lastOnes(ids: readonly string[], last: ReadonlySet<string>): string[] {
  return [...ids.filter((id) => !last.has(id)), ...ids.filter((id) => last.has(id))];
}

export async function listEverywhere(
  controller: Controller,
  source: string,
  repositories: readonly string[],
): Promise<Shown> {
  const publicKey = await controller.publicKey();
  const options = { signal: cancellation() };
  const problems: CopyProblem[] = [];
  const unread: Shown['unread'] = [];
  const unanswered: CopyProblem[] = [];
  const untrusted: CopyProblem[] = [];
  const views: RepositoryView[] = [];
  const allMarks: Mark[] = [];
  for (const name of repositories) {
    try {
      const repository = await controller.repository(name);
      const listing = await listGenerations(repository, source, publicKey, options);
      const { marks, problems: ofMarks } = await readMarks(repository, source, publicKey, options);
      const { tombstones } = meaningOf(marks);
      allMarks.push(...marks);
      untrusted.push(...ofMarks.map((problem) => ({ repository: name, problem })));
      views.push({ repository: name, ...listing, tombstones });
      for (const { generation, problem, retryable } of listing.unreadable) {
        const found = { repository: name, problem: `${generation}: ${problem}` };
        problems.push(found);
        if (retryable) unread.push({ ...found, generation });
      }
    } catch (error) {
      cancellation().throwIfAborted();
      unanswered.push({ repository: name, problem: (error as Error).message });
    }
  }
  const chain = chainProblems(source, views);
  problems.push(...unanswered, ...chain);
  const { drills, rollCalls } = meaningOf(allMarks);
  const copies = views.flatMap((view) => view.copies);
  return { copies, unread, problems, unanswered, chain, untrusted, drills, rollCalls };
}

/** What can't be read is already reported with its repository. */
function chainProblems(cluster: string, views: RepositoryView[]): ChosenGeneration['problems'] {
  return verifyChain(cluster, views)
    .filter(({ kind, severity }) => severity === 'problem' && kind !== 'unreadable')
    .map(({ kind, generation, text }) => ({
      repository: 'chain of backups',
      problem: `${generation} (${kind}) ${text}`,
    }));
}

/** Newest first; unreadable ones are dated by their id. */
function candidatesOf({ copies, unread }: Shown, { generation, asOf }: Wanted): string[] {
  const dated = [
    ...copies.map((copy) => ({ generation: copy.generation, capturedAt: copy.manifest.capturedAt })),
    ...unread.map((item) => ({ generation: item.generation, capturedAt: capturedAtOf(item.generation) })),
  ];
  return newestFirst(
    dated.filter(
      (item) =>
        (generation === 'latest' || item.generation === generation) &&
        (asOf === null || Date.parse(item.capturedAt) <= Date.parse(asOf)),
    ),
  );
}

function newestFirst(items: { generation: string }[]): string[] {
  return [...new Set(items.map(({ generation }) => generation))].sort().reverse();
}

function noneWhole(what: string, problems: CopyProblem[], passing: boolean): DrError {
  const found = problems.map(({ repository, problem }) => `${repository}: ${problem}`).join('; ');
  const code = passing ? 'RepositoryUnavailable' : 'CopyDamaged';
  return new DrError(code, `No repository has a complete copy of ${what}: ${found}`, {
    advice: 'Choose another backup (`vault-dr backups list`), or repair the repository.',
  });
}

export function nothingFound(cluster: string, { copies, problems }: Shown, { generation, asOf }: Wanted): DrError {
  const wanted = generation === 'latest' ? (asOf === null ? 'any' : `any from ${asOf} or before`) : `'${generation}'`;
  const ids = newestFirst(copies);
  const there = ids.length === 0 ? 'There are no backups.' : `The newest are: ${ids.slice(0, 5).join(', ')}.`;
  const trouble = problems.map(({ repository, problem }) => ` ${repository}: ${problem}.`).join('');
  const unreachable = ids.length === 0 && problems.length > 0;
  return new DrError(
    'UnknownGeneration',
    `No backup of '${cluster}' was found (wanted: ${wanted}). ${there}${trouble}`,
    {
      advice:
        'See `vault-dr backups list`. To use a snapshot that something else made: `vault-dr backups import FILE --cluster NAME`.',
      retryable: unreachable,
    },
  );
}
