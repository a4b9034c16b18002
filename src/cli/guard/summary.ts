import type { GuardInput, Serving, ServingState } from '../../contract/guard';
import type { ReadinessReport } from '../../contract/readiness';
import { type CommandEnd, type GuardOutcome, shellCode } from '../../guard/outcome';
import type { GuardSummary } from '../../guard/summary';
import { restoreCommand } from '../../guard/way-back';
import { EXIT } from '../program';
import type { PinnedBackup } from './backup';
import { SIGNAL_NUMBERS } from './run-command';

/** Fills as the guard gets on. */
export class Summary {
  readonly #known: GuardSummary;

  constructor({ cluster, requestedBy }: Pick<GuardInput, 'cluster' | 'requestedBy'>) {
    this.#known = {
      cluster,
      requestedBy,
      outcome: 'interrupted',
      exitCode: EXIT.interrupted,
      readiness: null,
      refused: [],
      accepted: [],
      backup: null,
      command: null,
      gate: null,
      before: null,
      after: null,
      wayBack: null,
    };
  }

  evaluated({ verdict, evaluatedAt }: ReadinessReport, before: ServingState): void {
    this.#known.readiness = { verdict, evaluatedAt };
    this.#known.before = before;
  }

  /** What was accepted earlier stays so. */
  weighs({ refused, accepted }: Pick<GuardSummary, 'refused' | 'accepted'>): void {
    const before = this.#known.accepted.filter(({ check }) => !accepted.some((one) => one.check === check));
    Object.assign(this.#known, { refused, accepted: [...before, ...accepted] });
  }

  pinned({ copy, verifiedIn, pinnedIn }: PinnedBackup): void {
    const { generation, manifest } = copy;
    const { cluster, capturedAt } = manifest;
    this.#known.backup = { generation, capturedAt, verifiedIn, pinnedIn };
    this.#known.wayBack = restoreCommand({ cluster, backup: generation });
  }

  ran(program: string, startedAt: string, end: CommandEnd): void {
    this.#known.command = { program, startedAt, endedAt: new Date().toISOString(), ...end };
  }

  gated({ gaps, state }: Serving): void {
    const passed = gaps.length === 0;
    Object.assign(this.#known, { gate: { passed, gaps }, after: state });
    const { command } = this.#known;
    if (passed && command !== null) this.#ends('passed', shellCode(command, SIGNAL_NUMBERS));
    else this.#ends('gate-failed', EXIT.gateFailed);
  }

  /** What is known to be wrong weighs more than what could not be checked. */
  isRefused(): void {
    const { refused } = this.#known;
    const ready = refused.filter(({ check }) => !['serving', 'alone'].includes(check));
    const isNo = ready.some(({ verdict }) => verdict === 'no');
    this.#ends('refused', isNo ? EXIT.notReady : ready.length > 0 ? EXIT.unchecked : EXIT.refused);
  }

  didNotStart(): void {
    this.#ends('not-started', EXIT.failed);
  }

  /** So far. */
  get known(): Readonly<GuardSummary> {
    return this.#known;
  }

  #ends(outcome: GuardOutcome, exitCode: number): void {
    Object.assign(this.#known, { outcome, exitCode });
  }
}
