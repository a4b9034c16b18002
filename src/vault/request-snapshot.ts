import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../contract/failures';
import type { VaultClient } from './client';
import type { Download } from './transport';

/** Consecutive failed probes before the wait is given up. */
const SILENCES = 3;
const POLL_INTERVAL_MS = 5_000;

interface AliveChecks {
  everyMs?: number;
  /** Called after each probe that was answered. */
  onAlive?: () => void;
}

/**
 * Requests a snapshot and waits until it begins. Before the first byte the leader reads its whole storage, which may take
 * many minutes; meanwhile it is probed with other requests, to tell a busy leader from one that is frozen or cut off.
 */
export async function requestSnapshot(
  vault: VaultClient,
  { signal, everyMs = POLL_INTERVAL_MS, onAlive = () => undefined }: AliveChecks & { signal: AbortSignal },
): Promise<Download> {
  return whileAlive(
    (givenUp) => vault.snapshot({ signal: AbortSignal.any([signal, givenUp]) }),
    () => vault.health({ timeoutMs: everyMs }),
    { everyMs, onAlive, gone: () => silent(vault.node) },
  );
}

/** Waits as long as it takes; too many failed probes in a row abort the wait with what `gone` returns. */
export async function whileAlive<T>(
  wait: (givenUp: AbortSignal) => Promise<T>,
  ask: () => Promise<unknown>,
  { everyMs, onAlive, gone }: Required<AliveChecks> & { gone: () => Error },
): Promise<T> {
  const [givenUp, over] = [new AbortController(), new AbortController()];
  void watch();
  try {
    return await wait(givenUp.signal);
  } finally {
    over.abort();
  }

  async function watch(): Promise<void> {
    for (let silences = 0; silences < SILENCES;) {
      const pause = sleep(everyMs, undefined, { signal: over.signal }).catch(() => undefined);
      const answered = await ask().then(
        () => true,
        () => false,
      );
      if (answered && !over.signal.aborted) onAlive();
      await pause;
      if (over.signal.aborted) return;
      silences = answered ? 0 : silences + 1;
    }
    givenUp.abort(gone());
  }
}

function silent(node: string): DrError {
  return new DrError('VaultUnavailable', `${node} stopped answering before its snapshot began.`, {
    where: node,
    advice: `Check that Vault is running on ${node} and that its address is reachable from here.`,
  });
}
