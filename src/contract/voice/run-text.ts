import { formatSeconds } from '../format';
import type { PendingStep } from '../pending-step';
import {
  type NodeProgress,
  type PhaseProgress,
  type RecoveryPhase,
  type RecoveryProgress,
  ROUTES,
  type ShareProgress,
} from '../recovery';
import { type CommandText, commandsOf } from './commands';
import { type Headline, headlineOf, isUnderway, phaseName } from './headline';
import { describePlan, titleOf } from './plan-text';
import { type Reason, retryReasons, underway, type UnderwayRow } from './waits-text';
import { FAILURES } from '../failures';
import { coded } from '../notice';

export type { Reason };

/** Everything to say about a run, as plain text: renderers lay it out, escape it, and add nothing. */
export interface RunText {
  title: string;
  headline: Headline;
  /** Position within its phases. */
  step: string;
  /** All phases of the run, including future ones. */
  phases: PhaseText[];
  rollBack: string | null;
  plan: PlanText | null;
  nodes: NodeProgress[];
  approvals: string | null;
  shares: string | null;
  refusedShares: string[];
  /** What blocks or delays it. */
  why: Reason[];
  /** Long steps without problems; only if Temporal was asked. */
  underway: UnderwayRow[];
  commands: CommandText[];
}

export interface PhaseText {
  name: string;
  state: 'done' | 'current' | 'ahead';
  /** Empty until it begins. */
  startedAt: string;
  time: string;
  /** Part of its time spent waiting for people. */
  people: string;
}

export interface PlanText {
  matters: string[];
  /** Empty once it was approved. */
  steps: { node: string; steps: string[] }[];
  warnings: string[];
}

const SHOWN_REFUSALS = 5;

/**
 * @param now milliseconds since the epoch; null if the text will not be refreshed
 * @param pending scheduled steps according to Temporal, if it was asked
 */
export function describeRun(progress: RecoveryProgress, now: number | null, pending: PendingStep[] = []): RunText {
  const { nodes, shares } = progress;
  return {
    title: titleOf(progress),
    headline: headlineOf(progress),
    step: stepOf(progress),
    phases: phasesOf(progress, now),
    rollBack: rollBackOf(progress),
    plan: planOf(progress),
    nodes,
    approvals: approvalsOf(progress),
    shares: shares && sharesOf(shares),
    refusedShares: (shares?.refused ?? [])
      .slice(-SHOWN_REFUSALS)
      .map(({ holder, reason }) => `refused from ${holder}: ${reason}`),
    why: whyOf(progress, pending, now),
    underway: isUnderway(progress) ? underway(pending, now) : [],
    commands: commandsOf(progress, now),
  };
}

function stepOf({ method, phase }: RecoveryProgress): string {
  const route: readonly RecoveryPhase[] = ROUTES[method];
  const step = route.indexOf(phase) + 1;
  return step === 0 ? phaseName(phase) : `step ${step} of ${route.length}: ${phaseName(phase)}`;
}

function phasesOf({ method, phases, rollBack }: RecoveryProgress, now: number | null): PhaseText[] {
  const route: readonly RecoveryPhase[] = ROUTES[method];
  return [...route, ...(rollBack === null ? [] : ['rollBack' as const])].map((phase) => {
    // If a phase was repeated, the last time counts.
    const entry = phases.findLast((item) => item.phase === phase);
    if (entry) return describePhase(entry, now);
    return { name: phaseName(phase), state: 'ahead', startedAt: '', time: '', people: '' };
  });
}

export function describePhase(entry: PhaseProgress, now: number | null): PhaseText {
  const { phase, startedAt, finishedAt, humanSeconds } = entry;
  const end = finishedAt === null ? now : Date.parse(finishedAt);
  return {
    name: phaseName(phase),
    state: finishedAt === null ? 'current' : 'done',
    startedAt,
    time: end === null ? '' : formatSeconds(Math.max(0, end - Date.parse(startedAt)) / 1_000),
    people: humanSeconds >= 0.1 ? `${formatSeconds(humanSeconds)} waiting for people` : '',
  };
}

export function rollBackOf({ rollBack }: Pick<RecoveryProgress, 'rollBack'>): string | null {
  return (
    rollBack && `Roll-back requested by ${rollBack.by} in the phase '${phaseName(rollBack.from)}', ${rollBack.at}.`
  );
}

/** Approvers see each step; afterwards a summary is enough. */
function planOf({ plan, waitingFor, status }: RecoveryProgress): PlanText | null {
  if (plan === null) return null;
  const open = waitingFor === 'approval' || status === 'planned';
  return {
    matters: describePlan(plan),
    steps: open ? plan.steps : [],
    warnings: open ? plan.warnings : [],
  };
}

function approvalsOf({ plan, waitingFor, approvals }: RecoveryProgress): string | null {
  if (plan === null || waitingFor !== 'approval' || approvals.length === 0) return null;
  return counted(
    'Approvals',
    approvals.length,
    plan.approvals,
    approvals.map(({ approver }) => approver),
  );
}

function sharesOf({ accepted, required }: ShareProgress): string {
  return counted(
    'Shares',
    accepted.length,
    required,
    accepted.map(({ holder }) => holder),
  );
}

function counted(what: string, count: number, of: number, names: string[]): string {
  return `${what}: ${count} of ${of}${names.length > 0 ? ` (${names.join(', ')})` : ''}`;
}

/** A code in brackets, as a notice has it, and a refusal with more behind it. */
const HAS_CODE = /\[[a-z][a-z-]*[\],]/;

/** With the code of the failure, unless the problem has one that says more. */
function explained(code: string, problem: string): string {
  return Object.hasOwn(FAILURES, code) && !HAS_CODE.test(problem) ? coded(code, problem) : problem;
}

function whyOf(progress: RecoveryProgress, pending: PendingStep[], now: number | null): Reason[] {
  if (!isUnderway(progress)) return [];
  const { cluster, parked, shares } = progress;
  return [
    ...parked.map(({ node, code, problem, advice }) => ({
      where: node ?? cluster,
      problem: explained(code, problem),
      advice,
    })),
    ...(shares?.problem ? [{ where: null, problem: shares.problem, advice: null }] : []),
    ...retryReasons(progress, pending, now),
  ];
}
