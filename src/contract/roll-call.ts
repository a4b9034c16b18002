import type { SandboxProgress, SandboxReport } from './drill';
import type { DrillPhase } from './drill-levels';
import type { ChainLink, SealConfig } from './generation';
import { SHARE_OUTCOMES } from './share-outcome';

/** Of the shares of one holder. `silent`: expected, and not submitted. */
export const HOLDER_OUTCOMES = [...SHARE_OUTCOMES, 'silent'] as const;
export type HolderOutcome = (typeof HOLDER_OUTCOMES)[number];

export interface HolderResult {
  holder: string;
  outcome: HolderOutcome;
  /** How many of the holder's shares are right. */
  shares: number;
}

/** `recovery`: of a cluster that unseals itself. */
export const KEY_KINDS = ['unseal', 'recovery'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** What a sandbox host has found out in a roll-call. */
export interface RollCallRecord extends ChainLink {
  /** That the backup was fetched from. */
  repository: string;
  keys: KeyKind;
  /** Of the seal of the backup. */
  shares: number;
  threshold: number;
  holders: HolderResult[];
}

/** The same as a mark says it. */
export type RollCalled = RollCallRecord & { at: string; run: string };

/** What the roll-calls of a cluster amount to. */
export interface RollCallStanding {
  /** How many shares should be proved: one more than the threshold, as far as there are so many. */
  wanted: number;
  /** How many right shares were submitted within the time. */
  proven: number;
  enough: boolean;
  everyDays: number;
  holders: HolderStanding[];
}

export interface HolderStanding {
  holder: string;
  /** Of the last roll-call in which the holder was known. */
  outcome: HolderOutcome | 'never called';
  /** When the holder's share was last proved to be right; null: never, or it was wrong since. */
  provenAt: string | null;
  /** Whether that is recent enough. */
  counts: boolean;
}

/** Whom a roll-call expects, and how often. */
export interface RollCallPolicy {
  holders: readonly string[];
  everyDays: number;
}

const DAY_MS = 86_400_000;

/**
 * Which holders have proved that they have their shares. What is of another seal, as before a rekey to other numbers, is no
 * evidence; neither is a silence, or a roll-call in which too few shares came.
 * @param evidence in any order
 */
export function evaluateRollCall(
  evidence: readonly RollCalled[],
  { holders: expected, everyDays }: RollCallPolicy,
  { secretShares, secretThreshold }: Pick<SealConfig, 'secretShares' | 'secretThreshold'>,
  now: Date,
): RollCallStanding {
  const ofThisSeal = evidence.filter(
    ({ shares, threshold }) => shares === secretShares && threshold === secretThreshold,
  );
  const inOrder = ofThisSeal.toSorted((left, right) => Date.parse(left.at) - Date.parse(right.at));
  const known = new Map<string, HolderStanding & { shares: number }>();
  for (const holder of expected) {
    known.set(holder, { holder, outcome: 'never called', provenAt: null, counts: false, shares: 0 });
  }
  for (const { at, holders } of inOrder) {
    for (const { holder, outcome, shares } of holders) {
      const before = known.get(holder) ?? { provenAt: null, shares: 0 };
      const proof =
        outcome === 'right'
          ? { provenAt: at, shares }
          : outcome === 'wrong'
            ? { provenAt: null, shares: 0 }
            : { provenAt: before.provenAt, shares: before.shares };
      const counts = proof.provenAt !== null && now.getTime() - Date.parse(proof.provenAt) <= everyDays * DAY_MS;
      known.set(holder, { holder, outcome, ...proof, counts });
    }
  }
  const all = [...known.values()];
  const proven = Math.min(
    secretShares,
    all.reduce((sum, { counts, shares }) => sum + (counts ? shares : 0), 0),
  );
  const wanted = Math.min(secretThreshold + 1, secretShares);
  const holders = all.map(({ shares: _shares, ...standing }) => standing);
  return { wanted, proven, enough: proven >= wanted, everyDays, holders };
}

/** Result of the step that tries the shares. */
export interface RollCallResult extends RollCallRecord {
  serverVersion: string | null;
  /** How many sets of shares were tried. */
  sets: number;
  standing: RollCallStanding;
  /** Repositories in which a signed mark says so. */
  marked: string[];
  phases: { phase: DrillPhase; milliseconds: number }[];
}

export const ROLL_CALL_STEPS = ['choose', 'prepare', 'shares', 'try', 'record'] as const;
export type RollCallStep = (typeof ROLL_CALL_STEPS)[number];

/** Answer to the `progress` query of a roll-call. */
export interface RollCallProgress extends SandboxProgress {
  kind: 'roll-call';
  step: RollCallStep;
}

/** Result of a roll-call. */
export interface RollCallReport extends RollCallResult, SandboxReport {}
