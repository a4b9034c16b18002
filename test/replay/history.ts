import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lab/project-root';

export const HISTORIES = join(PROJECT_ROOT, 'test', 'replay', 'histories');

/** As `temporal workflow show --output json` prints it. */
export interface History {
  events: HistoryEvent[];
}

export interface HistoryEvent {
  eventId: string;
  eventType: string;
  activityTaskScheduledEventAttributes?: { activityType: { name: string }; input?: { payloads: Payload[] } };
  workflowExecutionStartedEventAttributes?: { workflowId: string; workflowType: { name: string } };
  [attributes: string]: unknown;
}

interface Payload {
  metadata: { encoding: string };
  data: string;
}

/** What is in the way of committing what a run has left: text to replace, by what. */
export type Replacements = ReadonlyMap<string, string>;

export interface HistoryMeasure {
  events: number;
  /** Of the history as JSON. */
  bytes: number;
  /** Of the largest input, result, or other value, in bytes. */
  largestPayload: number;
  /** Type of the event that holds it. */
  largestIn: string;
}

const EARLIER = 'earlier';

/** Names of the recorded histories of today, one for each shape. */
export async function recordedHistories(): Promise<string[]> {
  return namesIn();
}

/** Of runs from before approvals were signed: such runs are still under way somewhere, and `trust: namespace` goes that way. */
export async function earlierHistories(): Promise<string[]> {
  return namesIn(EARLIER);
}

/** One for each released version, and one for runs from before approvals were signed. */
export async function keptFolders(): Promise<string[]> {
  const entries = await readdir(HISTORIES, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** @param folder one of `keptFolders`; by default the histories of today. */
export async function namesIn(folder?: string): Promise<string[]> {
  const files = await readdir(join(HISTORIES, folder ?? ''));
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => (folder === undefined ? '' : `${folder}/`) + file.replace(/\.json$/, ''))
    .sort();
}

export async function readHistory(name: string): Promise<History> {
  return JSON.parse(await readFile(join(HISTORIES, `${name}.json`), 'utf8')) as History;
}

export function workflowIdOf({ events: [first] }: History): string {
  return first?.workflowExecutionStartedEventAttributes?.workflowId ?? '';
}

/** What a recorded run asked of its steps, in order. */
export async function recordedSteps(name: string): Promise<{ step: string; args: unknown[] }[]> {
  const { events } = await readHistory(name);
  return events.flatMap(({ activityTaskScheduledEventAttributes: asked }) =>
    asked
      ? {
          step: asked.activityType.name,
          args: (asked.input?.payloads ?? []).map((payload) => JSON.parse(decode(payload)) as unknown),
        }
      : [],
  );
}

/** Replaces text everywhere, also in what payloads hold in base64: the same by the same, so that what belongs together still does. */
export function scrub(history: History, replacements: Replacements): History {
  // The longest first: one text may be the beginning of another.
  const longestFirst = [...replacements].toSorted(([left], [right]) => right.length - left.length);
  const replace = (text: string) => longestFirst.reduce((result, [from, to]) => result.replaceAll(from, to), text);
  return mapTexts(history, replace) as History;
}

/** The history with its payloads readable, for a search. */
export function readable(history: History): string {
  const payloads: string[] = [];
  visitPayloads(history, (payload) => payloads.push(decode(payload)));
  return [JSON.stringify(history), ...payloads].join('\n');
}

export function measure(history: History): HistoryMeasure {
  let largest = { largestPayload: 0, largestIn: '' };
  for (const event of history.events) {
    visitPayloads(event, ({ data }) => {
      const size = Buffer.from(data, 'base64').length;
      if (size > largest.largestPayload) largest = { largestPayload: size, largestIn: nameOf(event) };
    });
  }
  return { events: history.events.length, bytes: Buffer.byteLength(JSON.stringify(history)), ...largest };
}

function nameOf(event: HistoryEvent): string {
  const type = event.eventType.replace('EVENT_TYPE_', '').toLowerCase().replaceAll('_', ' ');
  const activity = event.activityTaskScheduledEventAttributes?.activityType.name;
  return activity === undefined ? `${type} (event ${event.eventId})` : `${type} ${activity} (event ${event.eventId})`;
}

function mapTexts(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, replace));
  if (typeof value !== 'object' || value === null) return value;
  if (isTextPayload(value)) return { ...value, data: Buffer.from(replace(decode(value))).toString('base64') };
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, replace)]));
}

function visitPayloads(value: unknown, visit: (payload: Payload) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (isTextPayload(value)) visit(value);
  else for (const item of Object.values(value)) visitPayloads(item, visit);
}

function isTextPayload(value: object): value is Payload {
  const { metadata, data } = value as Partial<Payload>;
  if (typeof metadata?.encoding !== 'string' || typeof data !== 'string') return false;
  return Buffer.from(metadata.encoding, 'base64').toString().startsWith('json/');
}

function decode({ data }: Payload): string {
  return Buffer.from(data, 'base64').toString();
}
