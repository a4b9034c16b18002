import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { passedEnvironment } from '../../child-environment';
import { DrError } from '../../contract/failures';
import { formatSeconds } from '../../contract/format';
import { cut } from '../../contract/retry-notice';
import { findsShareInClear } from '../../contract/share';
import { writeFileAtomically } from '../../files/atomic-file';
import { ownProcess } from '../../files/ownership';
import { holderOf, processIdentity, signalProcess } from '../../files/process-identity';
import { inData } from '../data/data-directory';
import type { Attempt } from '../run/attempt';
import { endRecorded } from '../run/end-recorded';
import type { Fence, ServerProgramRun } from '../service/service-driver';
import type { SourceStorage } from './source';

/** In the data directory: the program can read it there, whatever its user, and it is removed with the directory. */
const CONFIG = '.vault-dr-migrate.json';
/** In the agent's own directory: records the program, which may outlive the agent. */
const RUNNING = 'migrate.pid';

/** Longest silence: neither a copied key nor the end. */
const SILENCE_MS = 10 * 60_000;
const LONGEST_LINE = 300;
const COPIED = /copied key: path=/;

/**
 * Waits until its identity is recorded before it executes the program, so that the program never runs unrecorded. If the
 * agent dies first, its input ends, and so does it.
 */
const LAUNCHER = 'read -r go || exit 75\nexec "$@" </dev/null';

export interface MigrationRun {
  source: SourceStorage;
  program: ServerProgramRun;
  dataDir: string;
  stateDir: string;
  /** Of the single peer in the new Raft configuration. */
  nodeId: string;
  /** `host:port`. */
  clusterAddress: string;
}

/**
 * Copies every key into the data directory, which must be blank. Not resumable: a new attempt starts from blank.
 * @param onCopied gets the number of keys copied so far
 * @returns the number of copied keys
 */
export async function runMigration(
  run: MigrationRun,
  attempt: Attempt,
  onCopied: (keys: number) => void,
): Promise<number> {
  let copied = 0;
  await operate(run, [], attempt, attempt.signal, (line) => {
    if (COPIED.test(line)) onCopied(++copied);
  });
  return copied;
}

/** Removes the lock that a killed migration leaves on the source, with which no Vault starts on it. Idempotent. */
export async function resetMigration(run: MigrationRun, attempt: Attempt): Promise<void> {
  await operate(run, ['-reset'], attempt, attempt.signal, () => undefined);
}

/** Ends the program that a previous agent has started: it must not write into what follows. */
export function endMigration(stateDir: string, fence?: Fence): Promise<void> {
  const file = join(stateDir, RUNNING);
  const what = 'The migration of an earlier attempt';
  const kill = (pid: number) => signalProcess(pid, 'SIGKILL');
  return endRecorded({ file, what, withinMs: 5_000, find: holderOf, kill }, fence);
}

/** Its configuration may contain a token. */
export async function forgetMigration(dataDir: string): Promise<void> {
  await inData(dataDir, (data) => data.unlink(CONFIG)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function operate(
  { source, program, dataDir, stateDir, nodeId, clusterAddress }: MigrationRun,
  options: string[],
  fence: Fence,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  // JSON, where no value can be misread; Vault reads it as well as HCL (measured, Vault 1.21.1).
  const config = JSON.stringify({
    cluster_addr: `https://${clusterAddress}`,
    storage_source: { [source.type]: source.settings() },
    storage_destination: { raft: { path: dataDir, node_id: nodeId } },
  });
  const owner = await inData(dataDir, (data) => {
    const stats = data.stats();
    fence.assertCurrent();
    data.put(CONFIG, config, { owner: stats });
    return stats;
  });
  try {
    const child = spawn(
      '/bin/sh',
      ['-c', LAUNCHER, 'sh', ...program.command, 'operator', 'migrate', `-config=${join(dataDir, CONFIG)}`, ...options],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        // Its other variables are for another server.
        env: { ...passedEnvironment(), ...source.environment() },
        // As the server's user, which must be able to read the result.
        ...(ownProcess().uid === 0 ? { uid: owner.uid, gid: owner.gid } : {}),
      },
    );
    await supervised(child, { stateDir, source, fence, signal, onLine });
  } finally {
    await forgetMigration(dataDir);
  }
}

interface Supervision extends Pick<MigrationRun, 'stateDir' | 'source'> {
  fence: Fence;
  signal: AbortSignal;
  onLine: (line: string) => void;
}

async function supervised(
  child: ChildProcess,
  { stateDir, source, fence, signal, onLine }: Supervision,
): Promise<void> {
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, by) => resolve(code === 0 ? '' : `it ended with ${code ?? by}`));
  });
  let heardAt = Date.now();
  let last = '';
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream! }).on('line', (line) => {
      heardAt = Date.now();
      if (/error|fail|denied|refused/i.test(line)) last = line;
      onLine(line);
    });
  }
  child.stdin!.on('error', () => undefined);
  const kill = () => void child.kill('SIGKILL');
  let silent = false;
  const watch = setInterval(() => {
    silent = Date.now() - heardAt > SILENCE_MS;
    if (silent) kill();
  }, 1_000);
  signal.addEventListener('abort', kill, { once: true });
  try {
    const identity = child.pid === undefined ? null : await processIdentity(child.pid);
    if (identity === null) kill();
    else {
      await writeFileAtomically(join(stateDir, RUNNING), `${identity}\n`);
      fence.assertCurrent();
      child.stdin!.end('go\n');
    }
    const problem = await ended;
    signal.throwIfAborted();
    if (problem === '') return;
    const why = silent ? `it said nothing for ${formatSeconds(SILENCE_MS / 1_000)}` : problem;
    const said = last === '' || findsShareInClear(last) ? '' : `: ${cut(source.redacted(last), LONGEST_LINE)}`;
    throw new DrError('ServiceFailed', `\`vault operator migrate\` failed: ${why}${said}`, {
      advice:
        'The copy starts over from an empty directory. If it repeats, check that the old storage serves, then resume; or roll back.',
    });
  } finally {
    clearInterval(watch);
    signal.removeEventListener('abort', kill);
    kill();
    await ended;
    await rm(join(stateDir, RUNNING), { force: true });
  }
}
