import { eventsOfVerdict, type NotificationEvent } from '../../src/contract/notification';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { takersOf } from '../../src/notify/channels';
import type { Controller } from './context';
import { judgeReadiness } from './judge-readiness';

type Judged = Awaited<ReturnType<typeof judgeReadiness>>;

/** The verdict, and what people are notified of: by the one before, which Temporal keeps, so that a change is said once. */
export async function judgeAndTell(
  controller: Controller,
  input: ControllerInput<'judgeReadiness'>,
): Promise<Judged & { tell?: NotificationEvent[] }> {
  const judged = await judgeReadiness(controller, input);
  const { cluster } = input;
  if (controller.config.notify === undefined) return judged;
  const events = eventsOfVerdict(judged.verdict, await controller.lastVerdict(cluster));
  const tell = events.filter((event) => takersOf(controller.config, { event, cluster }).length > 0);
  return tell.length === 0 ? judged : { ...judged, tell };
}
