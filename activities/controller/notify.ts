import { Context } from '@temporalio/activity';
import type { Notification } from '../../src/contract/notification';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { takersOf } from '../../src/notify/channels';
import { sendNotification } from '../../src/notify/command';
import { deliver } from '../../src/notify/deliver';
import { cancellation } from '../heartbeat';
import type { Controller } from './context';

/**
 * Runs the command if that is all there is.
 * @returns the channels through which the run is to deliver it, each by a step of its own; undefined if nothing is left to do
 */
export async function notify(
  controller: Controller,
  notification: ControllerInput<'notify'>,
): Promise<string[] | undefined> {
  const { config } = controller;
  const takers = takersOf(config, notification);
  // Once while it lasts.
  if (notification.event === 'evaluation failed' && (await controller.isFailureSaid(notification.cluster))) return;
  if (config.notify?.channels !== undefined) return takers.length > 0 ? takers : undefined;
  if (config.notify?.command !== undefined && takers.length > 0) {
    await sendNotification(config.notify.command, withAlternates(controller, notification));
  }
  return undefined;
}

/** One attempt. Its id stays the same, by which a receiver knows one that is repeated. */
export async function deliverThrough(
  controller: Controller,
  { channel, notification }: ControllerInput<'deliver'>,
): Promise<void> {
  await deliver(controller.config, {
    channel,
    notification: withAlternates(controller, notification),
    at: Context.current().info.scheduledTimestampMs,
    signal: cancellation(),
  });
}

/** The configuration says whom to notify, not the caller. */
function withAlternates(controller: Controller, notification: Notification): Notification {
  const { event, cluster } = notification;
  const alternates = event === 'escalation' ? controller.cluster(cluster).restore.reminders.alternates : [];
  return { ...notification, alternates };
}
