import { isCancellation } from '@temporalio/workflow';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { deliveryInput, failureNoticeId, type Notification } from '../src/contract/notification';
import { parseOrFail, problemOf } from './run/problems';
import { controller, DELIVER_LATE_HOURS, late } from './run/steps';

interface Failed {
  channel: string;
  problem: string;
  /** It may be delivered later. */
  isTemporary: boolean;
}

/**
 * Delivers what a run says, through each channel on its own, and does so after the run has ended as well. Of a channel that fails
 * the others hear after some minutes; then it is tried on, for as long as it may be of use.
 */
export async function notifyPeople(raw: unknown): Promise<{ failed: { channel: string; problem: string }[] }> {
  const { notification, channels } = parseOrFail(deliveryInput, raw, 'that of the run that notifies');
  const failed = await through(channels, notification);
  if (failed.length === 0) return { failed };
  const [failedLate] = await Promise.all([
    through(
      failed.filter(({ isTemporary }) => isTemporary).map(({ channel }) => channel),
      notification,
      late,
    ),
    tellOthers(notification, failed),
  ]);
  const lost = [...failed.filter(({ isTemporary }) => !isTemporary), ...failedLate];
  return { failed: lost.map(({ channel, problem }) => ({ channel, problem })) };
}

async function through(
  channels: readonly string[],
  notification: Notification,
  steps: Pick<typeof controller, 'deliver'> = controller,
): Promise<Failed[]> {
  const outcomes = await Promise.all(channels.map((channel) => deliver(channel)));
  return outcomes.flat();

  async function deliver(channel: string): Promise<Failed[]> {
    try {
      await steps.deliver({ channel, notification });
      return [];
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { problem } = problemOf(error, 'the delivery');
      return [{ channel, problem, isTemporary: !isFinal(error) }];
    }
  }
}

/** Once: that a channel fails while this is delivered is not said in turn. */
async function tellOthers({ id, event, cluster, run, text }: Notification, failed: readonly Failed[]): Promise<void> {
  const lines = failed.map(({ channel, problem, isTemporary }) => {
    const later = isTemporary ? ` It is tried for another ${DELIVER_LATE_HOURS} hours.` : '';
    return `channel ${channel} could not be notified: ${problem}${later}`;
  });
  const said = `${lines.join(' ')} What it was to say (${event}): ${text}`;
  const notice: Notification = {
    id: failureNoticeId(id),
    event: 'channel failed',
    cluster,
    run,
    text: said,
    alternates: [],
  };
  try {
    const others = (await controller.notify(notice)) ?? [];
    const silent = failed.map(({ channel }) => channel);
    await through(
      others.filter((channel) => !silent.includes(channel)),
      notice,
    );
  } catch (error) {
    // It is in the result, and there is nobody else to say it to.
    if (isCancellation(error)) throw error;
  }
}

/** Another attempt would say the same. */
function isFinal(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.nonRetryable === true;
}
