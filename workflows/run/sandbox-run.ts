import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { SandboxActivities } from '../../activities/sandbox';
import type { SandboxProgress } from '../../src/contract/drill';
import { notice } from '../../src/contract/notice';
import type { ShareVerdict } from '../../src/contract/recovery';
import { sharesWanted } from '../../src/contract/voice/sandbox-run-text';
import type { Journal } from './journal';
import { ending, isGone, problemOf } from './problems';
import { ShareCeremony } from './share-ceremony';
import { ShareSets, type ShareTaker } from './share-sets';
import { anySandbox, sandboxAt } from './steps';

/** How often a run moves to another host, or asks for other shares because one has lost its identity. */
const MOST_MOVES = 5;

/**
 * A run in a sandbox: takes a sandbox host, collects shares for it, and ends there. Between steps nothing is left on the host
 * but the identity to which the shares are encrypted.
 */
export class SandboxRun {
  readonly sets: ShareSets;
  readonly ceremony: ShareCeremony;
  /** For which shares were waited. */
  humanMs = 0;
  #moves = 0;
  #asked = false;

  constructor(
    private readonly state: ShareTaker & { readonly progress: SandboxProgress; readonly phaseName: string },
    private readonly journal: Journal,
    /** What a notification says when shares are wanted. */
    private readonly wanted: () => string = () => sharesWanted(state.progress),
  ) {
    this.sets = new ShareSets(state, journal);
    this.ceremony = new ShareCeremony(state, journal, this.sets, {
      checkShare: (envelope) => this.#checkShare(envelope),
    });
  }

  get host(): string {
    return this.state.progress.host ?? '';
  }

  /** Finds a host that takes the run. @throws ApplicationFailure if none answers. */
  async prepare(): Promise<void> {
    const { progress } = this.state;
    try {
      const { host, recipient, signature, inMemory } = await anySandbox.prepareSandbox({ claim: this.#claim });
      progress.host = host;
      progress.recipients = [{ node: host, recipient, signature }];
      if (!inMemory) {
        this.#warnOnce(
          `${host}: sandbox.runtimeDir is not on a memory file system; a copy of the disk may keep the identity`,
        );
      }
    } catch (error) {
      if (isCancellation(error) || !isGone(error)) throw error;
      throw ending(
        {
          code: 'AgentUnreachable',
          problem: notice('no-sandbox-host', 'No sandbox host answers.'),
          advice: 'Start one: `vault-dr sandbox`, on a host whose configuration has `sandbox`.',
        },
        error,
      );
    }
    this.state.show();
  }

  /**
   * Waits for as many shares as needed that were not tried together yet.
   * @param until milliseconds since the epoch
   * @returns their envelopes; null if they did not come in time.
   */
  async shares(needed: number, until: number): Promise<string[] | null> {
    const { progress } = this.state;
    progress.sharesUntil = new Date(until).toISOString();
    this.sets.open(needed);
    const before = Date.now();
    if (this.sets.next === null && !this.#asked) {
      this.#asked = true;
      this.journal.notify('shares wanted', this.wanted());
    }
    const summary = 'waiting for shares';
    await condition(() => this.sets.next !== null, Math.max(1, until - before), { summary });
    this.humanMs += Date.now() - before;
    return this.sets.next;
  }

  /** From here on no shares are taken. */
  closeShares(): void {
    this.sets.close();
    this.state.progress.sharesUntil = null;
    this.state.show();
  }

  /**
   * Does one step on the host of the run.
   * @returns null if that host is gone, or has lost the identity: then the run is on another one, or needs its shares again.
   */
  async on<T>(work: (steps: SandboxActivities) => Promise<T>): Promise<{ done: T } | null> {
    try {
      return { done: await work(sandboxAt(this.host)) };
    } catch (error) {
      if (isCancellation(error) || !isLost(error) || this.#moves++ === MOST_MOVES) throw error;
      await this.#move(error);
      return null;
    }
  }

  /** Destroys the identity on the host. If that is gone, it does so itself when it is back. */
  async end(): Promise<void> {
    if (this.state.progress.host === null) return;
    await CancellationScope.nonCancellable(() => sandboxAt(this.host).endSandboxRun({ claim: this.#claim })).catch(
      () => undefined,
    );
  }

  async #checkShare(envelope: string): Promise<ShareVerdict> {
    const checked = await this.on((steps) => steps.checkSandboxShare({ claim: this.#claim, share: envelope }));
    if (checked) return checked.done;
    const reason = notice('share-needed-again', 'The sandbox host was restarted or replaced: submit your share again.');
    return { accepted: false, reason, fingerprint: null };
  }

  async #move(error: unknown): Promise<void> {
    const { host: before } = this;
    await this.prepare();
    const why = isGone(error) ? `${before} does not answer` : `${before} was restarted`;
    this.#warnOnce(this.host === before ? why : `${why}; the run continues on ${this.host}`);
    if (this.sets.envelopes.length > 0) this.sets.reset(why);
  }

  get #claim() {
    const { run, cluster, startedAt } = this.state.progress;
    return { run, cluster, startedAt };
  }

  #warnOnce(text: string): void {
    if (!this.journal.warnings.includes(text)) this.journal.warnings.push(text);
  }
}

/** Whether the host, or the identity of the run on it, is no more. */
function isLost(error: unknown): boolean {
  return isGone(error) || problemOf(error, '').code === 'IdentityLost';
}
