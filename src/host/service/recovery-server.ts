import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { passedEnvironment } from '../../child-environment';
import { DrError } from '../../contract/failures';
import { writeFileAtomically } from '../../files/atomic-file';
import { readOwnFile } from '../../files/own-files';
import { ownProcess } from '../../files/ownership';
import { groupOf, processIdentity, signalProcess } from '../../files/process-identity';
import { logLineFit } from '../../vault/errors/log-line';
import { endRecorded } from '../run/end-recorded';
import type { Fence, ServerProgramRun } from './service-driver';

/** In the agent's own directory: records the server, which may outlive the agent. */
const RUNNING = 'recovery-mode.pid';
const ASK_EVERY_MS = 250;

/**
 * Waits until its identity is recorded before it starts the server, so that this never runs unrecorded. When the agent dies,
 * its input ends, and so does the server.
 */
const LAUNCHER = `read -r go || exit 75
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ read -r end <&3; kill -TERM $server; sleep 15; kill -KILL $server; } >/dev/null 2>&1 &
wait $server`;

export interface RecoveryServer {
  program: ServerProgramRun;
  dataDir: string;
  stateDir: string;
}

/**
 * Runs this host's server in recovery mode, as the user of its data, while its service is stopped; the work begins once it
 * answers.
 * @throws DrError ServiceFailed if it does not come up
 */
export async function withRecoveryServer<T>(
  { program, dataDir, stateDir }: RecoveryServer,
  { fence, signal, withinMs }: { fence: Fence; signal: AbortSignal; withinMs: number },
  isUp: () => Promise<boolean>,
  work: () => Promise<T>,
): Promise<T> {
  const owner = await stat(dataDir);
  fence.assertCurrent();
  const options = ['server', '-recovery', ...program.options];
  const child = spawn('/bin/sh', ['-c', LAUNCHER, 'sh', ...program.command, ...options], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: what is left of it can be ended as a whole.
    detached: true,
    env: { ...passedEnvironment(), ...program.environment },
    ...(ownProcess().uid === 0 ? { uid: owner.uid, gid: owner.gid } : {}),
  });
  const log = lastLineOf(child);
  child.stdin!.on('error', () => undefined);
  let ended: string | null = null;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, by) => (ended ??= `it ended with ${code ?? by}`));
  try {
    const identity = child.pid === undefined ? null : await processIdentity(child.pid);
    if (identity !== null) {
      await writeFileAtomically(join(stateDir, RUNNING), `${identity}\n`);
      fence.assertCurrent();
      child.stdin!.write('go\n');
    }
    const deadline = Date.now() + withinMs;
    while (ended === null && !(await isUp())) {
      signal.throwIfAborted();
      if (Date.now() > deadline) throw notUp('it does not answer', log());
      await sleep(ASK_EVERY_MS, undefined, { signal });
    }
    if (ended !== null) throw notUp(ended, log());
    fence.assertCurrent();
    return await work();
  } finally {
    if (ended === null) {
      const exited = once(child, 'exit');
      child.stdin!.end();
      await exited;
    }
    if (child.pid !== undefined) signalGroup(child.pid);
    // That of a newer attempt stays.
    if (readOwnFile(join(stateDir, RUNNING))?.includes(`-${child.pid}-`))
      await rm(join(stateDir, RUNNING), { force: true });
  }
}

/** Ends the server that an earlier attempt has started, with or without its launcher: it would hold the data. */
export function endRecoveryServer(stateDir: string, fence?: Fence): Promise<void> {
  const file = join(stateDir, RUNNING);
  const what = 'Vault in recovery mode';
  return endRecorded({ file, what, withinMs: 30_000, find: groupOf, kill: signalGroup }, fence);
}

function signalGroup(leader: number): void {
  signalProcess(-leader, 'SIGKILL');
}

function lastLineOf(child: ChildProcess): () => string {
  let last = '';
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream! }).on('line', (line) => {
      if (line.trim() !== '') last = line;
    });
  }
  return () => last;
}

function notUp(how: string, lastLine: string): DrError {
  const line = logLineFit(lastLine);
  const log = line === null ? '' : ` Its log ends with: ${line}`;
  return new DrError('ServiceFailed', `Vault does not start in recovery mode: ${how}.${log}`);
}
