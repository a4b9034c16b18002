import { ROTATING } from '../../src/config/settings/drill';
import type { DrillChoice } from '../../src/contract/drill';
import { DrError } from '../../src/contract/failures';
import type { GenerationCopy } from '../../src/contract/generation';
import type { CopyProblem } from '../../src/contract/plan';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { backupToDrill, copiesToDrill, type DrillHistories } from '../../src/repository/keep/drills';
import { isAnyTaken } from '../../src/notify/channels';
import { ownRun } from '../caller';
import { withHeartbeats } from '../heartbeat';
import { inOrderOfChoice, listEverywhere, nothingFound } from './choose';
import type { Controller } from './context';

/**
 * Finds the backup of a drill by its manifests alone. A copy that turns out to be damaged is what the drill is to find, so no
 * older backup takes the place of the newest.
 * @throws DrError UnknownGeneration that lists what there is
 */
export async function chooseForDrill(
  controller: Controller,
  { cluster, generation: named, from }: ControllerInput<'chooseForDrill'>,
): Promise<DrillChoice> {
  const { drill: policy } = controller.cluster(cluster);
  const isRandom = named === undefined && policy.backup === 'random';
  const { copies, drills, problems } = await chooseByManifest(
    controller,
    cluster,
    (shown) => (isRandom ? backupToDrill(idsIn(shown), 'random', ownRun()) : named) ?? 'latest',
    from,
  );
  const [first] = copies;
  return {
    generation: first.generation,
    manifestSha256: first.manifestSha256,
    repositories: inTurn(copies, from ?? policy.from, drills),
    seal: first.manifest.seal,
    recovery: first.manifest.recovery ?? null,
    problems,
    ...(isAnyTaken(controller.config, cluster, ['drill succeeded', 'roll-call succeeded']) ? { isTold: true } : {}),
  };
}

type Shown = Awaited<ReturnType<typeof listEverywhere>>;

/**
 * By the manifests alone.
 * @returns the copies of one backup that have the same manifest, in the order of the repositories
 * @throws DrError UnknownGeneration, RepositoryUnavailable
 */
export async function chooseByManifest(
  controller: Controller,
  cluster: string,
  which: string | ((shown: Shown) => string),
  from: string | undefined,
): Promise<{ copies: [GenerationCopy, ...GenerationCopy[]]; drills: DrillHistories; problems: CopyProblem[] }> {
  if (from !== undefined) await controller.repositoryOf(cluster, from);
  const asked = from === undefined ? controller.cluster(cluster).repositories : [from];
  const shown = await withHeartbeats('list', () => listEverywhere(controller, cluster, asked));
  const generation = typeof which === 'string' ? which : which(shown);
  const wanted = { generation, asOf: null };
  const id = inOrderOfChoice(controller, cluster, shown, wanted).find((candidate) =>
    shown.copies.some((copy) => copy.generation === candidate),
  );
  const copies = shown.copies.filter((copy) => copy.generation === id);
  const [first] = copies;
  if (first === undefined) throw nothingFound(cluster, shown, wanted);
  if (shown.unread.some((item) => item.generation > first.generation && generation === 'latest')) {
    throw new DrError('RepositoryUnavailable', `The newest backup of '${cluster}' can't be read now.`, {
      advice: 'See `vault-dr backups list`. To take an older one: --backup ID.',
    });
  }
  const others = copies.slice(1).filter(({ manifestSha256 }) => manifestSha256 === first.manifestSha256);
  return { copies: [first, ...others], drills: shown.drills, problems: shown.problems };
}

function idsIn({ copies }: { copies: readonly { generation: string }[] }): string[] {
  return copies.map(({ generation }) => generation);
}

/** Only the one that is named, if it has the backup; otherwise all that have it, the one first whose last drill is longest ago. */
function inTurn(copies: readonly { repository: string }[], from: string, drills: DrillHistories): string[] {
  const named = copiesToDrill(copies, from, drills);
  return (named.length > 0 ? named : copiesToDrill(copies, ROTATING, drills)).map(({ repository }) => repository);
}
