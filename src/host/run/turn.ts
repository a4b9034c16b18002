import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../../contract/failures';
import { writeFileAtomically } from '../../files/atomic-file';
import { lockOwnFile } from '../../files/file-lock';
import { readOwnFile } from '../../files/own-files';
import { holderOf, ownIdentity, signalProcess } from '../../files/process-identity';

/** For an attempt to come to a safe point, and for the kernel to end one that does not. */
const GRACE = { safePointMs: 8_000, killedMs: 10_000 };
const POLL_MS = 50;

interface Turn {
  /** Sorts attempts as text. */
  order: string;
  /** The process that has it. */
  holder: string;
}

/**
 * Where each attempt is a process of its own: lets this one change the host only once the one before it is dead, frozen
 * or not. So no two ever work at once.
 * @param order as for `AttemptGate`
 * @throws DrError NodeFenced if a newer attempt has begun, or the earlier one can't be ended.
 */
export async function takeTurn(
  stateDir: string,
  node: string,
  order: string,
  signal: AbortSignal,
  grace = GRACE,
): Promise<void> {
  const own = await ownIdentity();
  if (own === null) throw new DrError('ServiceFailed', `${node} has no /proc, which tells attempts apart.`);
  const lock = await lockWhenFree(join(stateDir, 'turn.lock'), signal);
  try {
    const last = readTurn(stateDir);
    if (last !== null && order < last.order) throw overtaken(node);
    if (last !== null && last.holder !== own) await end(last.holder, node, grace);
    signal.throwIfAborted();
    await writeFileAtomically(turnFile(stateDir), `${JSON.stringify({ order, holder: own } satisfies Turn)}\n`);
  } finally {
    closeSync(lock);
  }
}

async function end(holder: string, node: string, { safePointMs, killedMs }: typeof GRACE): Promise<void> {
  if (await isGone(holder, 'SIGTERM', safePointMs)) return;
  if (await isGone(holder, 'SIGKILL', killedMs)) return;
  throw new DrError('NodeFenced', `An earlier attempt on ${node} can't be ended: it hangs in the kernel.`, {
    where: node,
    retryable: true,
    advice: 'See what it waits for on that host (`dmesg`); a disk or a network file system may hang.',
  });
}

async function isGone(holder: string, how: NodeJS.Signals, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  const first = await holderOf(holder);
  if (first === null) return true;
  signalProcess(first, how);
  while (Date.now() < deadline) {
    await sleep(POLL_MS);
    if ((await holderOf(holder)) === null) return true;
  }
  return false;
}

async function lockWhenFree(path: string, signal: AbortSignal): Promise<number> {
  for (;;) {
    signal.throwIfAborted();
    const lock = await lockOwnFile(path, 'the step');
    if (lock !== null) return lock;
    await sleep(POLL_MS);
  }
}

/** One that can't be read was not written by us in one piece, which `writeFileAtomically` does. */
function readTurn(stateDir: string): Turn | null {
  const text = readOwnFile(turnFile(stateDir));
  return text === null ? null : (JSON.parse(text) as Turn);
}

function turnFile(stateDir: string): string {
  return join(stateDir, 'turn.json');
}

function overtaken(node: string): DrError {
  return new DrError('NodeFenced', `A newer attempt on ${node} began before this one; this one changed nothing.`, {
    where: node,
    retryable: true,
  });
}
