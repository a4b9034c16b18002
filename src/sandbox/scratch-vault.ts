import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError, isDrError } from '../contract/failures';
import type { Manifest } from '../contract/generation';
import type { SealStatus } from '../vault/answers';
import { changeLeases, type LeaseChanges } from '../vault/lease-grace';
import { type RawStorage, RecoveryMode } from '../vault/recovery-mode';
import { VaultClient, type VaultClientOptions } from '../vault/client';
import { applyLimitMs, loadLimitMs } from '../vault/load-limits';
import { hasApplied, initializeThrowaway, keysAreRefused, unsealsItself } from '../vault/throwaway';
import { logLineFit } from '../vault/errors/log-line';
import type { Fence } from './fence';
import type { ShareJudge } from './share-judge';

/** Where it stands, for messages. */
const SANDBOX = 'the sandbox';
const ASK_EVERY_MS = 250;
/** A Vault that loads a snapshot may not answer at all. */
const ANSWER_WITHIN_MS = 5_000;
const BECOMES_ACTIVE_MS = 120_000;
/** Longer than any sandbox stands. */
const POSTPONED_MS = 365 * 86_400_000;

type Facts = Pick<Manifest, 'seal' | 'recovery' | 'keys' | 'clusterId'>;

/** Where it runs. */
export type ScratchHost = Pick<Fence, 'address' | 'start' | 'stop' | 'look'>;

/** The Vault in the fence. */
export class ScratchVault {
  constructor(
    private readonly fence: ScratchHost,
    private readonly signal: AbortSignal,
  ) {}

  get address(): string {
    return this.fence.address;
  }

  async withClient<T>(work: (vault: VaultClient) => Promise<T>, options: VaultClientOptions = {}): Promise<T> {
    const vault = new VaultClient({ node: SANDBOX, address: this.fence.address }, { signal: this.signal, ...options });
    try {
      return await work(vault);
    } finally {
      await vault.close();
    }
  }

  /** Starts it with no data, and initialises a cluster that exists for seconds. @returns its root token and unseal keys: secret */
  async startBlank(manifest: Facts): Promise<{ token: string; keys: string[]; version: string | null }> {
    await this.fence.start();
    const { version = null } = await this.#until('to start', loadLimitMs(0), (vault) => vault.sealStatus());
    const { token, keys } = await this.withClient((vault) => initializeThrowaway(vault, manifest));
    await this.awaitActive();
    return { token, keys, version };
  }

  /**
   * Loads the snapshot, proves that it has replaced what was there, and leaves the Vault sealed, unless it unseals itself.
   * @param open the archive in clear
   * @throws DrError what the archive fails with; VaultRefused
   */
  async load(open: () => Promise<Readable>, token: string, keys: string[], manifest: Facts): Promise<SealStatus> {
    const isAuto = unsealsItself(manifest);
    const archive = await open();
    await this.withClient((vault) => vault.restoreSnapshot(archive, { force: !isAuto }), { token });
    await this.#until('to load the snapshot', applyLimitMs(manifest.keys), async (vault) =>
      hasApplied(await vault.sealStatus(), manifest) ? true : null,
    );
    await this.fence.stop();
    await this.fence.start();
    const status = await this.#until('to start with the snapshot', loadLimitMs(manifest.keys.bytes), async (vault) => {
      const now = await vault.sealStatus();
      return isAuto && (now.sealed || !now.clusterId) ? null : now;
    });
    if (!status.initialized || status.sealed === isAuto || !(await this.#isReplaced(status, keys, manifest))) {
      throw notReplaced();
    }
    return status;
  }

  #isReplaced({ clusterId }: SealStatus, keys: readonly string[], manifest: Facts): Promise<boolean> {
    if (unsealsItself(manifest)) return Promise.resolve(clusterId === manifest.clusterId);
    return this.withClient((vault) => keysAreRefused(vault, keys));
  }

  /**
   * Removes all leases, and postpones the rotation of static roles. It leaves a Vault in recovery mode, which is of no use
   * for anything else.
   * @throws DrError SharesDoNotOpen, VaultRefused, VaultUnavailable, ServiceFailed
   */
  async disarm(judge: ShareJudge, { keys }: Facts): Promise<LeaseChanges> {
    await this.fence.stop();
    await this.fence.start('-recovery');
    const recovery = new RecoveryMode({ node: SANDBOX, address: this.fence.address }, { signal: this.signal });
    try {
      await this.#until(
        'to start in recovery mode',
        loadLimitMs(keys.bytes),
        async () => (await recovery.isUp()) || null,
      );
      const storage = await openAny(recovery, judge);
      try {
        const rotateAfter = new Date(Date.now() + POSTPONED_MS);
        return await changeLeases(storage, { do: 'forget', rotateAfter }, { signal: this.signal });
      } finally {
        storage.close();
      }
    } finally {
      recovery.close();
    }
  }

  /** Normally, on what it has loaded. */
  async restart({ keys }: Facts): Promise<void> {
    await this.fence.stop();
    await this.fence.start();
    await this.#until('to start', loadLimitMs(keys.bytes), (vault) => vault.sealStatus());
  }

  /** @param keys as many as needed. @returns false if they are wrong */
  unseals(keys: readonly string[]): Promise<boolean> {
    return this.withClient(async (vault) => {
      await vault.unseal({ reset: true });
      try {
        for (const key of keys) if (!(await vault.unseal({ key })).sealed) return true;
        return false;
      } catch (error) {
        if (!isDrError(error) || error.code !== 'VaultRefused') throw error;
        return false;
      }
    });
  }

  awaitActive(): Promise<unknown> {
    return this.#until('to become active', BECOMES_ACTIVE_MS, async (vault) =>
      (await vault.leader()).isSelf ? true : null,
    );
  }

  async #until<T>(what: string, withinMs: number, ask: (vault: VaultClient) => Promise<T | null>): Promise<T> {
    const deadline = Date.now() + withinMs;
    let problem = '';
    for (;;) {
      try {
        const answer = await this.withClient(ask, { timeoutMs: ANSWER_WITHIN_MS });
        if (answer !== null) return answer;
        problem = '';
      } catch (error) {
        this.signal.throwIfAborted();
        if (!isDrError(error) || error.code !== 'VaultUnavailable') throw error;
        problem = error.message;
      }
      const { runs, lastLine } = await this.fence.look();
      if (!runs || Date.now() > deadline) throw failed(runs ? `took too long ${what}` : 'has ended', problem, lastLine);
      await sleep(ASK_EVERY_MS, undefined, { signal: this.signal });
    }
  }
}

/** @throws DrError SharesDoNotOpen; VaultRefused */
async function openAny(recovery: RecoveryMode, judge: ShareJudge): Promise<RawStorage> {
  let storage: RawStorage | null = null;
  await judge.findOpening(async (set) => {
    try {
      storage = await recovery.open(set);
      return true;
    } catch (error) {
      if (!isDrError(error) || error.code !== 'SharesDoNotOpen') throw error;
      return false;
    }
  });
  if (storage !== null) return storage;
  throw new DrError('SharesDoNotOpen', 'The shares do not open the storage.', { where: SANDBOX });
}

function failed(how: string, problem: string, lastLine: string): DrError {
  const line = logLineFit(lastLine);
  const parts = [`The Vault in the sandbox ${how}.`, problem, line === null ? '' : `Its log ends with: ${line}`];
  return new DrError('ServiceFailed', parts.filter((part) => part !== '').join(' '), {
    where: SANDBOX,
    advice: 'Try again when the host has less to do, and with the version of Vault that made the backup.',
  });
}

function notReplaced(): DrError {
  return new DrError('ServiceFailed', 'The Vault in the sandbox stopped before it had loaded the snapshot.', {
    where: SANDBOX,
    advice: 'Try again. If it fails again, this Vault cannot load this backup: try the version that made it.',
  });
}
