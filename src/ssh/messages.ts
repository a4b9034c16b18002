import { z } from 'zod';
import { FAILURES, type FailureCode, type DrError } from '../contract/failures';
import { walkMessage } from '../contract/message-bounds';
import { cut } from '../contract/retry-notice';
import { run } from '../contract/step-input/values';
import { LONGEST_LINE } from './lines';

/** Raised with a change that the other side would not understand. */
export const PROTOCOL = 1;

const LONGEST = { message: 4_000, advice: 1_000, where: 500 } as const;
const MESSAGE_BOUNDS = { depth: 70, nodes: 200_000, characters: LONGEST_LINE };
const HEARTBEAT_BOUNDS = { depth: 4, nodes: 50, characters: 16_000 };

const id = z.string().min(1).max(1_000);
const milliseconds = z.number().nonnegative();
const question = z.int().positive().max(100_000);

/** What Temporal says about an attempt. Its own word, as the controller passes it on. */
const asked = z.strictObject({
  activityId: id,
  attempt: z.int().positive(),
  workflowId: id,
  workflowType: id,
  /** Of the execution that scheduled the step. */
  runId: id,
  /** Of the first execution, for a recovery. */
  firstRun: id.nullable(),
  /** By Temporal's clock. */
  scheduledAt: milliseconds,
  heartbeatTimeoutMs: milliseconds.nullable(),
  heartbeatDetails: z.unknown().optional(),
});
export type Asked = z.infer<typeof asked>;

const failure = z
  .strictObject({
    code: z.string().refine((code): code is FailureCode => Object.hasOwn(FAILURES, code), 'is no code of a failure'),
    message: z.string(),
    retryable: z.boolean(),
    advice: z.string().nullable(),
    where: z.string().nullable(),
  })
  .transform(({ message, advice, where, ...rest }) => ({
    ...rest,
    message: cut(message, LONGEST.message),
    advice: advice === null ? null : cut(advice, LONGEST.advice),
    where: where === null ? null : cut(where, LONGEST.where),
  }));
export type SentFailure = z.infer<typeof failure>;

const request = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('step'),
    protocol: z.literal(PROTOCOL, { error: 'is another version of the protocol' }),
    step: z.string().max(100),
    /** Absent for a step without input. */
    input: z.unknown().optional(),
    asked,
  }),
  /** Cleans up after runs that are over. */
  z.strictObject({ type: z.literal('tend'), protocol: z.literal(PROTOCOL) }),
  /** Whether a step could be done at all. */
  z.strictObject({ type: z.literal('check'), protocol: z.literal(PROTOCOL) }),
]);
export type HostRequest = z.infer<typeof request>;
export type StepRequest = Extract<HostRequest, { type: 'step' }>;

const toHost = z.discriminatedUnion('type', [
  ...request.options,
  /** Every second: without it the connection is lost. */
  z.strictObject({ type: z.literal('alive') }),
  z.strictObject({ type: z.literal('cancel') }),
  z.strictObject({ type: z.literal('attempt'), to: question, startedAt: z.iso.datetime({ offset: true }) }),
  z.strictObject({ type: z.literal('run'), to: question, isOver: z.boolean() }),
  z.strictObject({ type: z.literal('unanswered'), to: question, failure }),
]);
export type ToHost = z.infer<typeof toHost>;

const toController = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('hello'), version: z.string().max(100) }),
  z.strictObject({ type: z.literal('heartbeat'), details: z.unknown().optional() }),
  /** Whether Temporal still waits for this attempt. */
  z.strictObject({ type: z.literal('ask-attempt'), id: question }),
  /** Whether another recovery has ended. */
  z.strictObject({ type: z.literal('ask-run'), id: question, run }),
  z.strictObject({ type: z.literal('result'), value: z.unknown().optional() }),
  z.strictObject({ type: z.literal('failure'), failure }),
]);
export type ToController = z.infer<typeof toController>;

export function lineOf(message: ToHost | ToController): string {
  return `${JSON.stringify(message)}\n`;
}

/** Null for anything that is no message of a controller's. */
export function parseToHost(line: string): ToHost | null {
  return parse(toHost, line);
}

/** Null for anything that is no message of a host's. Heartbeats that are too large are. */
export function parseToController(line: string): ToController | null {
  const message = parse(toController, line);
  if (message?.type !== 'heartbeat') return message;
  return walkMessage(message.details, undefined, HEARTBEAT_BOUNDS) === null ? message : null;
}

function parse<T>(schema: z.ZodType<T>, line: string): T | null {
  let raw: unknown;
  try {
    raw = JSON.parse(line);
  } catch {
    return null;
  }
  if (walkMessage(raw, undefined, MESSAGE_BOUNDS) !== null) return null;
  return schema.safeParse(raw).data ?? null;
}

export function sentFailure({ code, message, retryable, advice, where }: DrError): SentFailure {
  return { code, message, retryable, advice: advice ?? null, where: where ?? null };
}
