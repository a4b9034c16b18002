import { z } from 'zod';
import { listOf, name, oneOf, run, short, strict, text } from './step-input/values';

/** What people, or a service that wakes them, are to know. Contains no secret. */
export interface Notification {
  /** The same if the attempt is repeated. */
  id: string;
  event: NotificationEvent;
  cluster: string;
  run: string;
  /** For people, with the command to type. */
  text: string;
  /** Whom to notify in addition. */
  alternates: string[];
  /** Id of the notification with which the wait began that this is about. */
  about?: string;
}

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What a state is about that begins with one notification and is over with another: a person who is on call has one alert of it. */
type Subject = 'run' | 'backup' | 'drill' | 'roll-call' | 'readiness' | 'evaluation' | 'channels' | 'test';

export interface EventKind {
  severity: Severity;
  /** Which state begins, lasts, or is over. */
  subject?: Subject;
  isOver?: true;
  /** That all is well, again and again: for services that count on hearing it, and for nobody else who did not ask for it. */
  routine?: true;
}

/** Names on the wire, and in configurations. */
export const EVENTS = {
  'approval wanted': { severity: 'warning', subject: 'run' },
  'shares wanted': { severity: 'warning', subject: 'run' },
  'decision wanted': { severity: 'warning', subject: 'run' },
  'go-live wanted': { severity: 'warning', subject: 'run' },
  'step retries': { severity: 'warning', subject: 'run' },
  reminder: { severity: 'warning', subject: 'run' },
  escalation: { severity: 'critical', subject: 'run' },
  'wait over': { severity: 'info', subject: 'run', isOver: true, routine: true },
  restored: { severity: 'info', isOver: true },
  'backup started': { severity: 'info', routine: true },
  'backup succeeded': { severity: 'info', subject: 'backup', isOver: true, routine: true },
  'backup failed': { severity: 'critical', subject: 'backup' },
  'copy missing': { severity: 'warning', subject: 'backup' },
  'share exposed': { severity: 'critical' },
  'drill failed': { severity: 'critical', subject: 'drill' },
  'drill succeeded': { severity: 'info', subject: 'drill', isOver: true, routine: true },
  'roll-call failed': { severity: 'critical', subject: 'roll-call' },
  'roll-call succeeded': { severity: 'info', subject: 'roll-call', isOver: true, routine: true },
  'not ready': { severity: 'critical', subject: 'readiness' },
  'ready again': { severity: 'info', subject: 'readiness', isOver: true },
  // Nobody is to be woken for a printer.
  'kit changed': { severity: 'info' },
  // As bad as a verdict that is no yes: nothing is known.
  'evaluation failed': { severity: 'critical', subject: 'evaluation' },
  'evaluated again': { severity: 'info', subject: 'evaluation', isOver: true },
  'evaluated as ready': { severity: 'info', routine: true },
  'evaluated as not ready': { severity: 'info', routine: true },
  'channel failed': { severity: 'warning', subject: 'channels' },
  test: { severity: 'info', subject: 'test', routine: true },
  'test over': { severity: 'info', subject: 'test', isOver: true, routine: true },
} as const satisfies Record<string, EventKind>;

export type NotificationEvent = keyof typeof EVENTS;
export const NOTIFICATION_EVENTS = Object.keys(EVENTS) as [NotificationEvent, ...NotificationEvent[]];

export function kindOf(event: NotificationEvent): EventKind {
  return EVENTS[event];
}

/** The same for all that is said of one state, and of a repeated attempt. */
export function dedupKey({ id, event, cluster, about = id }: Notification): string {
  const { subject } = kindOf(event);
  return subject === undefined || subject === 'run' ? `vault-dr/${about}` : `vault-dr/${cluster}/${subject}`;
}

/** What there is to say after an evaluation. @param previous verdict of the one before; null if there is none */
export function eventsOfVerdict(verdict: string, previous: string | null): NotificationEvent[] {
  const isReady = verdict === 'yes';
  const routine = isReady ? 'evaluated as ready' : 'evaluated as not ready';
  if (isReady) return previous === null || previous === 'yes' ? [routine] : ['ready again', routine];
  return previous === null || previous === 'yes' ? ['not ready', routine] : [routine];
}

/** Of a notification as it comes from a run. */
export const notification = strict<Notification>({
  id: short,
  event: oneOf(
    Object.fromEntries(NOTIFICATION_EVENTS.map((event) => [event, true])) as Record<NotificationEvent, true>,
  ),
  cluster: name,
  run,
  text,
  alternates: listOf(short),
  about: short.optional(),
});

/** Names on the wire. It delivers what a run says, and is no run of a cluster itself, so it is not among those of `WORKFLOW`. */
export const DELIVERY = { workflow: 'notifyPeople' } as const;

/** @param id of the notification, which is unique */
export function deliveryWorkflowId(cluster: string, id: string): string {
  return `notify-${cluster}-${id}`;
}

/** Of the notification that one could not be delivered through some channel; said by what delivers that one. */
export function failureNoticeId(id: string): string {
  return `${id}/channels`;
}

/** Name of the channel that `notify.command` is, where there are others. */
export const COMMAND_CHANNEL = 'command';

const channels = listOf(name, 100);

/** Input of the workflow. */
export const deliveryInput = z.strictObject({ notification, channels });
