import { dedupKey, kindOf, type Notification, type Severity } from '../contract/notification';
import { printable } from '../contract/printable';

/** Services take no more than 10,000 characters of what is not a body of its own. */
const LONGEST_TEXT = 4_000;
const MOST_ALTERNATES = 20;
const LONGEST_NAME = 200;

/** A notification as every channel gets it: texts on one line each, without characters that hide or move others. */
export interface Message {
  id: string;
  event: string;
  severity: Severity;
  cluster: string;
  run: string;
  text: string;
  alternates: string[];
  /** When the run said it, whenever it is delivered; RFC 3339. */
  at: string;
  /** `over`: nothing has to be done any more about what has the same `key`. */
  state: 'open' | 'over';
  /** The same for all that is said of one state. */
  key: string;
}

/** @param at milliseconds since the epoch; the same for each attempt */
export function messageOf(notification: Notification, at: number): Message {
  const { id, event, cluster, run, text, alternates } = notification;
  const { severity, isOver } = kindOf(event);
  return {
    id: bounded(id, LONGEST_NAME),
    event,
    severity,
    cluster,
    run,
    text: bounded(text, LONGEST_TEXT),
    alternates: alternates.slice(0, MOST_ALTERNATES).map((name) => bounded(name, LONGEST_NAME)),
    at: new Date(at).toISOString(),
    state: isOver ? 'over' : 'open',
    key: bounded(dedupKey(notification), LONGEST_NAME),
  };
}

/** Names of clusters and events have a form of their own; nothing else is in it. */
export function titleOf({ cluster, event }: Pick<Message, 'cluster' | 'event'>): string {
  return `[${cluster}] ${event}`;
}

/** The whole of it for people, on one line. */
export function lineOf({ text, alternates }: Message): string {
  return alternates.length === 0 ? text : `${text} For: ${alternates.join(', ')}`;
}

export function bounded(text: string, most: number): string {
  const characters = Array.from(printable(text.slice(0, 4 * most)));
  return characters.length <= most ? characters.join('') : `${characters.slice(0, most - 1).join('')}…`;
}
