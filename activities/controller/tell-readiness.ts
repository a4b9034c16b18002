import { isDrError } from '../../src/contract/failures';
import { changedParts, type KitContents, type KitPart } from '../../src/contract/kit';
import { eventsOfVerdict, type NotificationEvent } from '../../src/contract/notification';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { kitContents } from '../../src/kit/contents';
import { kitFacts } from '../../src/kit/facts';
import { takersOf } from '../../src/notify/channels';
import { caPemOf } from '../../src/vault/connect-node';
import type { Controller } from './context';
import { judgeReadiness } from './judge-readiness';

type Judged = Awaited<ReturnType<typeof judgeReadiness>> & { kit?: KitContents };
/** What people are to be notified of. */
interface Told {
  tell?: NotificationEvent[];
  kitChanged?: KitPart[];
}

/**
 * The verdict, what a break-glass kit would say, and what people are notified of: by the evaluation before, which Temporal keeps,
 * so that a change is said once.
 */
export async function judgeAndTell(
  controller: Controller,
  input: ControllerInput<'judgeReadiness'>,
): Promise<Judged & Told> {
  const [judged, current] = await Promise.all([judgeReadiness(controller, input), kitNow(controller, input)]);
  const { cluster } = input;
  if (controller.config.notify === undefined) return current === null ? judged : { ...judged, kit: current };
  const [previous, hadFailed] = await Promise.all([
    controller.previousEvaluation(cluster),
    controller.isFailureSaid(cluster),
  ]);
  const kit = current ?? previous?.kit;
  const changed = current === null || previous?.kit === undefined ? [] : changedParts(previous.kit, current);
  const isTaken = (event: NotificationEvent) => takersOf(controller.config, { event, cluster }).length > 0;
  const ended: NotificationEvent[] = hadFailed ? ['evaluated again'] : [];
  const tell = [...ended, ...eventsOfVerdict(judged.verdict, previous?.verdict ?? null)].filter(isTaken);
  return {
    ...judged,
    ...(kit === undefined ? {} : { kit }),
    ...(tell.length === 0 ? {} : { tell }),
    ...(changed.length > 0 && isTaken('kit changed') ? { kitChanged: changed } : {}),
  };
}

/** Null without a backup that can be read: most of a kit depends on it, and it did not change because a repository is away. */
async function kitNow(
  controller: Controller,
  { cluster, facts }: ControllerInput<'judgeReadiness'>,
): Promise<KitContents | null> {
  const { result } = facts.backups;
  if (!result?.chosen) return null;
  try {
    const [signingKey, authorities] = await Promise.all([controller.publicKey(), caPemOf(controller.cluster(cluster))]);
    return kitContents(
      kitFacts({
        config: controller.config,
        cluster,
        signingKey,
        authorities: authorities ?? null,
        backup: result.chosen.copy.manifest,
        rollCalls: result.rollCalls,
        // Its keys are compared, and not the page.
        holderPage: null,
      }),
    );
  } catch (error) {
    // A file that is needed is not there; the checks say so.
    if (isDrError(error)) return null;
    throw error;
  }
}
