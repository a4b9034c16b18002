import { join } from 'node:path';
import type { NodeConfig } from '../../config/schema';
import { DrError } from '../../contract/failures';
import { writeFileAtomically } from '../../files/atomic-file';
import { privateDirectory } from '../../files/files';
import { readOwnFile } from '../../files/own-files';
import type { Fence, ServiceDriver } from '../service/service-driver';

/** That a node was stopped for a backup; the last one stays, because the next may not come too soon. Times are RFC 3339. */
export interface BackupStop {
  run: string;
  /** Just before the service was stopped. */
  at: string;
  /** Then the node is started again, whatever became of the run. */
  deadline: string;
  /** It was started again. */
  over: boolean;
}

const FILE = 'backup-stop.json';

/**
 * The promise of an agent that a node that was stopped for a backup runs again: written down before it is stopped, and kept by
 * whoever comes first: the run, its end, a later run, or the agent's own look at the clock.
 */
export class BackupStops {
  #tail: Promise<unknown> = Promise.resolve();
  #readers = 0;

  constructor(
    private readonly node: Pick<NodeConfig, 'name' | 'stateDir'>,
    private readonly driver: ServiceDriver,
  ) {}

  /** @throws DrError NodeUnsafe when the note can't be read: then nothing is stopped, and nothing started by it. */
  last(): BackupStop | null {
    const text = readOwnFile(join(this.node.stateDir, FILE));
    if (text === null) return null;
    try {
      const { run, at, deadline, over } = JSON.parse(text) as Partial<BackupStop>;
      if (typeof run === 'string' && typeof over === 'boolean' && isTime(at) && isTime(deadline)) {
        return { run, at, deadline, over };
      }
    } catch {
      // The error below says it.
    }
    throw new DrError('NodeUnsafe', `${join(this.node.stateDir, FILE)} can't be read.`, {
      where: this.node.name,
      advice: 'Check that Vault runs on this host, then remove that file.',
    });
  }

  /** What the run has stopped and not started again; null when nothing. */
  pending(run?: string): BackupStop | null {
    const last = this.last();
    return last === null || last.over || (run !== undefined && last.run !== run) ? null : last;
  }

  /** Durable before the service stops. One that this run has begun stays as it is. */
  async begin(stop: Omit<BackupStop, 'over'>): Promise<BackupStop> {
    return this.#inTurn(async () => {
      const pending = this.pending(stop.run);
      if (pending !== null) return pending;
      const begun = { ...stop, over: false };
      await this.#write(begun);
      return begun;
    });
  }

  /** While the work lasts nothing starts the node by itself: it reads the data. */
  async reading<T>(work: () => Promise<T>): Promise<T> {
    this.#readers++;
    try {
      return await work();
    } finally {
      this.#readers--;
    }
  }

  /** Starts the node again if a backup has stopped it. Repeatable. @param run only if this one did @returns whether it was */
  async end(run?: string, fence?: Fence): Promise<boolean> {
    return this.#inTurn(async () => {
      const pending = this.pending(run);
      if (pending === null) return false;
      await this.driver.start(fence);
      await this.#write({ ...pending, over: true });
      return true;
    });
  }

  /**
   * To be asked every few seconds, also by an agent that has just started.
   * @param isOver whether Temporal knows that the run has ended, or does not know it; where it can't be asked the deadline counts
   * @returns the runs whose node was started again: none, or one
   */
  async settle(isOver: (run: string) => Promise<boolean>, now = Date.now()): Promise<string[]> {
    const pending = this.pending();
    if (pending === null || this.#readers > 0) return [];
    const isDue = now >= Date.parse(pending.deadline) || (await isOver(pending.run).catch(() => false));
    return isDue && this.#readers === 0 && (await this.end(pending.run)) ? [pending.run] : [];
  }

  async #write(stop: BackupStop): Promise<void> {
    await privateDirectory(this.node.stateDir);
    await writeFileAtomically(join(this.node.stateDir, FILE), `${JSON.stringify(stop)}\n`);
  }

  /** So nobody stops the node while somebody else is about to start it. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work, work);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}

function isTime(text: unknown): text is string {
  return typeof text === 'string' && Number.isFinite(Date.parse(text));
}
