import type { DrillChoice } from '../../src/contract/drill';
import { DrError } from '../../src/contract/failures';
import type { ControllerInput } from '../../src/contract/step-input/controller';
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
  { cluster, generation = 'latest', from }: ControllerInput<'chooseForDrill'>,
): Promise<DrillChoice> {
  const { repositories } = controller.cluster(cluster);
  if (from !== undefined) await controller.repositoryOf(cluster, from);
  const asked = from === undefined ? repositories : [from];
  const shown = await withHeartbeats('list', () => listEverywhere(controller, cluster, asked));
  const wanted = { generation, asOf: null };
  const id = inOrderOfChoice(controller, cluster, shown, wanted).find((candidate) =>
    shown.copies.some((copy) => copy.generation === candidate),
  );
  const copies = shown.copies.filter((copy) => copy.generation === id);
  const [first] = copies;
  if (first === undefined) throw nothingFound(cluster, shown, wanted);
  if (shown.unread.some((item) => item.generation > first.generation && generation === 'latest')) {
    throw new DrError('RepositoryUnavailable', `The newest backup of '${cluster}' can't be read now.`, {
      advice: 'See `vault-dr backups list`. A drill of an older one: --backup ID.',
    });
  }
  const same = copies.filter(({ manifestSha256 }) => manifestSha256 === first.manifestSha256);
  return {
    generation: first.generation,
    manifestSha256: first.manifestSha256,
    repositories: asked.filter((name) => same.some(({ repository }) => repository === name)),
    seal: first.manifest.seal,
    problems: shown.problems,
  };
}
