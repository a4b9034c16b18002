import type { Client } from '@temporalio/client';
import { clusterOf, loadConfig } from '../../config/load';
import { readPrivateKey } from '../../config/secret';
import { DrError } from '../../contract/failures';
import { formatTime } from '../../contract/format';
import type { GuardInput, Serving, ServingState } from '../../contract/guard';
import type { GuardCheck } from '../../contract/guard-checks';
import { clusterInput, parseInput, readinessInput } from '../../contract/input';
import { type CommandEnd, pinReason, programName } from '../../guard/outcome';
import { type GuardFinding, weigh, type Weighed } from '../../guard/refusal';
import { wantedAfter } from '../../guard/serving';
import { wayBack, type WayBackTo } from '../../guard/way-back';
import { connectClient } from '../../temporal/connect-temporal';
import { evaluateNow } from '../../temporal/readiness';
import { cancelGuardWait, openCommand } from '../../temporal/guard';
import { isRecovering } from '../../temporal/runs';
import type { BackupOptions } from '../backups-listing';
import { note, printJson } from '../output';
import { temporalOptions } from '../program';
import { backUpAndPin, type PinnedBackup } from './backup';
import { changeOf, gate, waitUntilServing } from './gate';
import { findProgram, Interrupted, runCommand, Signals } from './run-command';
import { Summary } from './summary';
import {
  say,
  sayBackup,
  sayBad,
  sayCaution,
  sayCommandEnd,
  sayGate,
  sayPinStays,
  sayRefused,
  sayWayBack,
  sayWell,
} from './text';

export interface GuardOptions extends BackupOptions {
  as: string;
  accept: GuardCheck[];
  /** Milliseconds. */
  gateTimeout: number;
  expectVersion?: string;
}

/** For an election, and for a node that has just been restarted. */
const BEFORE_SECONDS = 30;
/** A command may return before what it began does its worst, and autopilot reports every ten seconds. */
const SETTLE_SECONDS = 10;
const CANCEL_MS = 2_000;

/** A pinned backup, then a command, then a look at whether the cluster is what it was; and what leads back. */
export async function runGuard(words: string[], options: GuardOptions): Promise<void> {
  const { cluster } = parseInput(
    clusterInput,
    { cluster: options.cluster },
    'vault-dr guard --cluster prod -- COMMAND',
  );
  // Whatever would fail later is found before anything is made.
  const config = await loadConfig(options.config);
  clusterOf(config, cluster);
  await readPrivateKey(config);
  const [word] = words;
  if (word === undefined) throw noCommand();
  const file = await findProgram(word);
  const client = await connectClient(temporalOptions(options));
  try {
    const guard = new Guard(client, { ...options, cluster }, words, file);
    const summary = await guard.run();
    process.exitCode = summary.exitCode;
    if (options.json) printJson('guard', summary);
    // What somebody interrupted must not continue: neither read copies, nor pin one.
    if (summary.outcome === 'interrupted') process.exit();
  } finally {
    await client.connection.close();
  }
}

class Guard {
  readonly #signals = new Signals();
  readonly #summary: Summary;
  readonly #program: string;

  constructor(
    private readonly client: Client,
    private readonly options: GuardOptions,
    private readonly words: readonly string[],
    private readonly file: string,
  ) {
    this.#summary = new Summary({ cluster: options.cluster, requestedBy: options.as });
    this.#program = programName(words[0] ?? '');
  }

  async run(): Promise<Summary['known']> {
    try {
      await this.#guarded();
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      // After the command the wait continues, and is recorded.
      if (this.#summary.known.command === null) await cancelGuardWait(this.client, this.options.cluster, CANCEL_MS);
      this.#sayInterrupted();
    }
    return this.#summary.known;
  }

  async #guarded(): Promise<void> {
    await this.#signals.orInterrupted(this.#assertNoRecovery());
    if (!(await this.#isAlone())) return;
    const before = await this.#evaluate();
    if (before === null) return;
    const pinned = await this.#backUp();
    const baseline = await this.#begin(pinned, before);
    if (baseline === null) return;
    sayWayBack('The way back, should it be needed:', wayBack(this.#way(pinned, before), null));
    const end = await this.#runCommand(pinned);
    if (end === null) return;
    await this.#gate(pinned, baseline, end);
  }

  async #assertNoRecovery(): Promise<void> {
    const { cluster } = this.options;
    if (!(await isRecovering(this.client, cluster))) return;
    throw new DrError('AlreadyRunning', `A recovery of '${cluster}' is open. Nothing was changed.`, {
      advice: `See it: vault-dr status --cluster ${cluster}`,
    });
  }

  /** Asked first: the next wait is what the next guard will find. */
  async #isAlone(): Promise<boolean> {
    const open = await this.#signals.orInterrupted(openCommand(this.client, this.options.cluster));
    if (open === null) return true;
    const seen = `${open.program ?? 'a command'} of ${open.requestedBy} began at ${formatTime(open.at)}, and nobody has seen it end`;
    const remedy =
      'See whether it still runs: its guard may have been killed alone. What it was to be checked for, look at yourself.';
    return this.#isLetThrough(weigh([{ check: 'alone', verdict: 'no', seen, remedy }], this.options.accept));
  }

  /** Null if the cluster is not recoverable, or not well. */
  async #evaluate(): Promise<ServingState | null> {
    const { cluster, as: requestedBy, accept } = this.options;
    const input = parseInput(readinessInput, { cluster, requestedBy }, 'vault-dr guard --cluster prod -- COMMAND');
    const report = await this.#signals.orInterrupted(evaluateNow(this.client, input, note));
    if (report.checks.length === 0) {
      throw new DrError('OtherVersionNeeded', `The evaluation of '${cluster}' says nothing. Nothing was changed.`, {
        advice: 'Look at who may write to the namespace.',
      });
    }
    const serving = await this.#signals.orInterrupted(
      waitUntilServing(this.client, this.#input(BEFORE_SECONDS, 0, ANYTHING)),
    );
    this.#summary.evaluated(report, serving.state);
    const weighed = weigh([...report.checks, servingCheck(serving)], accept);
    if (!this.#isLetThrough(weighed)) return null;
    if (weighed.accepted.length === 0) sayWell(`${cluster} can be restored now, and serves as a whole.`);
    return serving.state;
  }

  #isLetThrough(weighed: Weighed): boolean {
    const { cluster } = this.options;
    const { refused, accepted } = weighed;
    this.#summary.weighs(weighed);
    if (refused.length > 0) {
      this.#summary.isRefused();
      sayBad(`Refused: ${cluster} is not as it must be before a change. Nothing was changed.`);
      sayRefused(refused);
      return false;
    }
    for (const { check, seen } of accepted) sayCaution(`! accepted: ${check}: ${seen}`);
    return true;
  }

  async #backUp(): Promise<PinnedBackup> {
    const { client, options } = this;
    const pinned = await this.#signals.orInterrupted(backUpAndPin(client, options, pinReason(this.#program)));
    this.#summary.pinned(pinned);
    sayBackup(pinned);
    return pinned;
  }

  /** The last look before the command; it has the change recorded. */
  async #begin({ copy }: PinnedBackup, before: ServingState): Promise<ServingState | null> {
    const wanted = wantedAfter(before, { version: null, canary: copy.manifest.canary });
    const change = changeOf('begins', this.#program, copy.generation);
    const serving = await this.#signals.orInterrupted(
      waitUntilServing(this.client, { ...this.#input(BEFORE_SECONDS, 0, wanted), change }),
    );
    const now = weigh([servingCheck(serving)], this.options.accept);
    if (now.refused.length === 0) return serving.state;
    this.#isLetThrough(now);
    sayPinStays(this.#way({ copy }, before));
    await this.#didNotStart(copy.generation);
    return null;
  }

  /** Null if it did not start. */
  async #runCommand({ copy }: PinnedBackup): Promise<CommandEnd | null> {
    const { words, file, options } = this;
    say(`Running ${this.#program}. Ctrl-C goes to it; the cluster is checked in any case.`);
    const startedAt = new Date().toISOString();
    try {
      const end = await runCommand(words, file, this.#signals, options.json ? 2 : 'inherit');
      this.#summary.ran(this.#program, startedAt, end);
      sayCommandEnd(this.#program, end);
      return end;
    } catch (error) {
      this.#summary.didNotStart();
      sayBad(
        `${this.#program} did not start (${(error as NodeJS.ErrnoException).code ?? 'failed'}). Nothing was changed.`,
      );
      sayPinStays(this.#way({ copy }, this.#summary.known.before));
      await this.#didNotStart(copy.generation);
      return null;
    }
  }

  /** For the audit trail, and for the next guard. */
  async #didNotStart(backup: string): Promise<void> {
    const change = changeOf('not started', this.#program, backup);
    await this.#signals.orInterrupted(gate(this.client, { ...this.#input(0, 0, ANYTHING), change }, NOTHING_KNOWN));
  }

  async #gate({ copy }: PinnedBackup, baseline: ServingState, end: CommandEnd): Promise<void> {
    const { cluster, gateTimeout, expectVersion: version = null } = this.options;
    const wanted = wantedAfter(baseline, { version, canary: copy.manifest.canary });
    const change = changeOf('ended', this.#program, copy.generation, end);
    const input = { ...this.#input(Math.ceil(gateTimeout / 1_000), SETTLE_SECONDS, wanted), change };
    const serving = await this.#signals.orInterrupted(gate(this.client, input, baseline));
    this.#summary.gated(serving);
    const way = this.#way({ copy }, baseline);
    sayGate(serving, cluster);
    if (serving.gaps.length > 0) sayWayBack('If it can not be fixed, the way back is:', wayBack(way, serving.state));
    sayPinStays(way);
  }

  #sayInterrupted(): void {
    const { backup, command, before } = this.#summary.known;
    if (command === null) {
      sayCaution('Interrupted before the command: nothing was changed.');
      if (backup === null) say('A backup that has begun is made nevertheless, without a pin.');
    } else
      sayCaution(
        `Interrupted: whether ${this.options.cluster} serves as it did was not found out. The check continues, for the audit trail.`,
      );
    if (backup === null) return;
    const to = wayBackTo(this.options.cluster, backup, before);
    if (command !== null) sayWayBack('The way back is:', wayBack(to, null));
    sayPinStays(to);
  }

  #way({ copy }: Pick<PinnedBackup, 'copy'>, before: ServingState | null): WayBackTo {
    const { generation, manifest } = copy;
    return wayBackTo(this.options.cluster, { generation, capturedAt: manifest.capturedAt }, before);
  }

  #input(withinSeconds: number, settleSeconds: number, wanted: GuardInput['wanted']): GuardInput {
    const { cluster, as: requestedBy } = this.options;
    return { cluster, requestedBy, wanted, withinSeconds, settleSeconds };
  }
}

const ANYTHING: GuardInput['wanted'] = { clusterId: null, version: null, raftIndex: null, voters: [], canary: null };
const NOTHING_KNOWN: ServingState = { clusterId: null, versions: {}, leader: null, voters: [], raftIndex: null };

function wayBackTo(
  cluster: string,
  backup: { generation: string; capturedAt: string },
  before: ServingState | null,
): WayBackTo {
  const versions = Object.values(before?.versions ?? {});
  return { cluster, backup: backup.generation, capturedAt: backup.capturedAt, versions };
}

function noCommand(): DrError {
  return new DrError('InvalidInput', 'There is no command to run. Nothing was changed.', {
    advice: 'Give it after `--`: vault-dr guard --cluster prod -- ansible-playbook upgrade-vault.yml',
  });
}

/** As if it were one of the checks of `ready`. */
function servingCheck({ gaps }: Serving): GuardFinding {
  if (gaps.length === 0) return { check: 'serving', verdict: 'yes', seen: 'all nodes serve', remedy: null };
  const remedy = 'Fix it first: afterwards nobody could say what the command has done.';
  return { check: 'serving', verdict: 'no', seen: gaps.join('; '), remedy };
}
