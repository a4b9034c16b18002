import { DrError } from '../src/contract/failures';
import type { GenerationCopy } from '../src/contract/generation';
import type { ChosenGeneration, RestoreSettings } from '../src/contract/restore';
import { type RepositoryView, verifyChain } from '../src/repository/chain';
import { listGenerations, verifyCopy } from '../src/repository/generations';
import { meaningOf, readMarks } from '../src/repository/marks';
import { beatBytes, cancellation, whileBeating } from './context';
import type { Controller } from './controller-context';

/**
 * Finds the generation and reads every copy of it end to end.
 * @throws DrError NoGeneration or UnknownGeneration that names what there is.
 */
export async function chooseGeneration(
  controller: Controller,
  input: { settings: RestoreSettings; generation: string; asOf: string | null },
): Promise<ChosenGeneration> {
  const { settings, generation, asOf } = input;
  const { copies, problems } = await whileBeating('list', () => listEverywhere(controller, settings));
  const candidates = newestFirst(copies).filter(
    (id) => (generation === 'latest' || id === generation) && (asOf === null || capturedBefore(copies, id, asOf)),
  );
  if (candidates.length === 0) throw nothingFound(settings.source, copies, problems, generation, asOf);
  for (const id of candidates) {
    const ofThis = copies.filter((copy) => copy.generation === id);
    const healthy: GenerationCopy[] = [];
    for (const copy of ofThis) {
      try {
        const repository = await controller.repository(copy.repository);
        await verifyCopy(repository, copy, {
          signal: cancellation(),
          onProgress: beatBytes(`hash ${copy.repository}`),
        });
        healthy.push(copy);
      } catch (error) {
        cancellation().throwIfAborted();
        problems.push({ repository: copy.repository, problem: `${id}: ${(error as Error).message}` });
      }
    }
    const [copy] = healthy;
    if (!copy) continue;
    const same = healthy.filter((item) => item.manifestSha256 === copy.manifestSha256);
    return { copy, healthy: same.map((item) => item.repository), problems };
  }
  throw new DrError(
    'CopyDamaged',
    `No copy of ${candidates.length === 1 ? candidates[0] : 'any generation'} could be read whole: ${problems
      .map(({ repository, problem }) => `${repository}: ${problem}`)
      .join('; ')}`,
    { advice: 'Choose another generation (`vault-dr generations list`), or mend the repository.' },
  );
}

async function listEverywhere(controller: Controller, settings: RestoreSettings) {
  const publicKey = await controller.publicKey();
  const problems: ChosenGeneration['problems'] = [];
  const views: RepositoryView[] = [];
  for (const name of settings.repositories) {
    try {
      const repository = await controller.repository(name);
      const listing = await listGenerations(repository, settings.source, publicKey);
      const { tombstones } = meaningOf((await readMarks(repository, settings.source, publicKey)).marks);
      views.push({ repository: name, ...listing, tombstones });
      problems.push(
        ...listing.unreadable.map(({ generation, problem }) => ({
          repository: name,
          problem: `${generation}: ${problem}`,
        })),
      );
    } catch (error) {
      cancellation().throwIfAborted();
      problems.push({ repository: name, problem: (error as Error).message });
    }
  }
  problems.push(...chainProblems(settings.source, views));
  return { copies: views.flatMap((view) => view.copies), problems };
}

/** What can't be read is told of its repository already. */
function chainProblems(cluster: string, views: RepositoryView[]): ChosenGeneration['problems'] {
  return verifyChain(cluster, views)
    .filter(({ kind, severity }) => severity === 'problem' && kind !== 'unreadable')
    .map(({ kind, generation, text }) => ({
      repository: 'chain of generations',
      problem: `${generation} (${kind}) ${text}`,
    }));
}

function newestFirst(copies: GenerationCopy[]): string[] {
  return [...new Set(copies.map((copy) => copy.generation))].sort().reverse();
}

function capturedBefore(copies: GenerationCopy[], id: string, asOf: string): boolean {
  return copies.some((copy) => copy.generation === id && Date.parse(copy.manifest.capturedAt) <= Date.parse(asOf));
}

function nothingFound(
  cluster: string,
  copies: GenerationCopy[],
  problems: ChosenGeneration['problems'],
  generation: string,
  asOf: string | null,
): DrError {
  const wanted = generation === 'latest' ? (asOf === null ? 'any' : `any from ${asOf} or before`) : `'${generation}'`;
  const ids = newestFirst(copies);
  const there = ids.length === 0 ? 'There is none at all.' : `The newest are: ${ids.slice(0, 5).join(', ')}.`;
  const trouble = problems.map(({ repository, problem }) => ` ${repository}: ${problem}.`).join('');
  const unreachable = ids.length === 0 && problems.length > 0;
  return new DrError(
    'UnknownGeneration',
    `No generation of '${cluster}' was found (wanted: ${wanted}). ${there}${trouble}`,
    {
      advice: 'See `vault-dr generations list`.',
      retryable: unreachable,
    },
  );
}
