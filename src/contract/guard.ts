import { z } from 'zod';
import type { Canary } from './generation';
import { LONGEST_GATE_SECONDS } from './guard-checks';
import { personName } from './person';
import { canary } from './step-input/generation';
import { count, generation, listOf, name, short, strict, text } from './step-input/values';

/** Names on the wire. It changes nothing, and is no run of a cluster itself, so it is not among those of `WORKFLOW`. */
export const GUARD = { workflow: 'guardChange' } as const;

/** Exactly this one: the waits for a cluster do not overlap. */
export function guardWorkflowId(cluster: string): string {
  return `guard-${cluster}`;
}

/** What a cluster must be; what is null may be anything. */
export interface ServingWanted {
  clusterId: string | null;
  /** Of every node. */
  version: string | null;
  /** The last entry of its log, or a later one. */
  raftIndex: number | null;
  /** Node ids that vote. */
  voters: string[];
  /** It, or a later one. */
  canary: Canary | null;
}

/** What a cluster is, as far as it answers. */
export interface ServingState {
  clusterId: string | null;
  /** By node. */
  versions: Record<string, string>;
  /** Name of a node. */
  leader: string | null;
  /** Node ids. */
  voters: string[];
  /** Last entry of the log that autopilot knows; null without autopilot. */
  raftIndex: number | null;
}

/** Result of the workflow. */
export interface Serving {
  /** What is missing; empty if nothing. */
  gaps: string[];
  state: ServingState;
}

/** For the audit trail: the change that is guarded. Of its command no more than the name of the program. */
export interface GuardedChange {
  stage: 'begins' | 'ended' | 'not started';
  program: string;
  /** The pinned backup. */
  backup: string;
  exitCode: number | null;
  signal: string | null;
}

export const servingWanted = strict<ServingWanted>({
  clusterId: short.nullable(),
  version: short.nullable(),
  raftIndex: count.nullable(),
  voters: listOf(short),
  canary: canary.nullable(),
});

/** For how long at most is waited, and for how long in a row all must be well. */
export const servingWait = {
  withinSeconds: count.max(LONGEST_GATE_SECONDS),
  settleSeconds: count.max(600),
};

const stage = z.enum(['begins', 'ended', 'not started']);
const program = z.string().regex(/^[\w.+-]{1,64}$/);

/** Beside each run of the workflow, so that another guard knows what the last one was about. */
export interface GuardMemo {
  stage: GuardedChange['stage'] | null;
  program: string | null;
  requestedBy: string;
}
export const guardMemo = strict<GuardMemo>({
  stage: stage.nullable(),
  program: program.nullable(),
  requestedBy: personName,
});

const change = strict<GuardedChange>({
  stage,
  program,
  backup: generation,
  exitCode: z.int().min(0).max(255).nullable(),
  signal: z
    .string()
    .regex(/^SIG[A-Z0-9]{1,10}$/)
    .nullable(),
});

/** Input of the workflow. */
export const guardInput = z.strictObject({
  cluster: name,
  requestedBy: personName,
  wanted: servingWanted,
  ...servingWait,
  change: change.optional(),
});
export type GuardInput = z.infer<typeof guardInput>;

export const servingState = strict<ServingState>({
  clusterId: short.nullable(),
  versions: z.record(name, short),
  leader: name.nullable(),
  voters: listOf(short),
  raftIndex: count.nullable(),
});

export const serving = strict<Serving>({ gaps: listOf(text, 100), state: servingState });
