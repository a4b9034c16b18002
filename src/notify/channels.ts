import type { ChannelConfig, Config } from '../config/schema';
import {
  COMMAND_CHANNEL,
  kindOf,
  type Notification,
  type NotificationEvent,
  SEVERITIES,
} from '../contract/notification';

type Said = Pick<Notification, 'event' | 'cluster'>;

/** What a service hears of that raises the alarm when it hears nothing. */
const HEARD: Readonly<Record<'backups' | 'evaluations', readonly NotificationEvent[]>> = {
  backups: ['backup started', 'backup succeeded', 'copy missing', 'backup failed'],
  evaluations: ['evaluated as ready', 'evaluated as not ready', 'evaluation failed'],
};

/** The channels that take a notification, in the order of the configuration; nobody is notified of nothing. */
export function takersOf({ notify }: Pick<Config, 'notify'>, said: Said): string[] {
  if (notify === undefined) return [];
  const takers = Object.entries(notify.channels ?? {}).filter(([, channel]) => takes(channel, said));
  const isForCommand = notify.command !== undefined && !kindOf(said.event).routine;
  return [...(isForCommand ? [COMMAND_CHANNEL] : []), ...takers.map(([name]) => name)];
}

/** Whether a channel takes at least one of these. */
export function isAnyTaken(
  config: Pick<Config, 'notify'>,
  cluster: string,
  events: readonly NotificationEvent[],
): boolean {
  return events.some((event) => takersOf(config, { event, cluster }).length > 0);
}

export function takes(channel: ChannelConfig, { event, cluster }: Said): boolean {
  if (channel.clusters !== undefined && !channel.clusters.includes(cluster)) return false;
  if (channel.type === 'ping') return HEARD[channel.of].includes(event);
  const { severity, subject, isOver = false, routine = false } = kindOf(event);
  const isAlert = channel.type === 'pagerduty' || channel.type === 'opsgenie';
  // Nobody is to be woken for what is over, but the alert has to end.
  if (isAlert && isOver) {
    return subject !== undefined && (channel.events?.some((item) => kindOf(item).subject === subject) ?? true);
  }
  if (isAlert && severity === 'info') return false;
  if (channel.events !== undefined) return channel.events.includes(event);
  // Whoever knows that something began wants to know that it is over.
  return !routine && (isOver || SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(channel.severity));
}
