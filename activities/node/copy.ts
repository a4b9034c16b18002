import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryConfigOf } from '../../src/config/load';
import type { CopiedData } from '../../src/contract/copied';
import { DrError, isDrError, withoutRetry } from '../../src/contract/failures';
import { formatSeconds } from '../../src/contract/format';
import { generationId } from '../../src/contract/generation';
import type { CopyProblem } from '../../src/contract/plan';
import type { RunClaim } from '../../src/contract/recovery';
import { copiedData } from '../../src/contract/step-input/copied';
import type { NodeInput } from '../../src/contract/step-input/node';
import { signCopied } from '../../src/crypto/agent-key';
import { encryptionOf } from '../../src/crypto/encryption';
import { writeFileAtomically } from '../../src/files/atomic-file';
import { toDiskError } from '../../src/files/disk-error';
import { privateDirectory } from '../../src/files/files';
import { readOwnFile } from '../../src/files/own-files';
import { describeDataDirectory } from '../../src/host/data/data-directory';
import { ensureAgentKey } from '../../src/host/run/agent-key-file';
import type { Attempt } from '../../src/host/run/attempt';
import type { BackupStop } from '../../src/host/run/backup-stop';
import { readServer } from '../../src/host/service/read-server';
import { proveStopped } from '../../src/host/service/service';
import { allowanceMs, isOpen, windowText } from '../../src/plan/copy-window';
import { keyOf } from '../../src/repository/generations';
import { openRepository } from '../../src/repository/open';
import { fromFile } from '../../src/repository/types';
import { heartbeatBytes, resumableTransfer } from '../heartbeat';
import type { NodeHost } from './context';
import { storeArchive } from './archive';
import { assertOthersServe } from './others';

/** In the directory of the run. */
const DIRECTORY = 'archive';
/** Beside the archive, once it is whole and on disk. */
const COPIED = 'copied.json';

/**
 * Stops Vault for a backup, and proves it, if this host's own configuration allows it and the others serve meanwhile. From before
 * the stop a note says by when it runs again.
 */
export async function stopForBackup(host: NodeHost, input: { claim: RunClaim }): Promise<void> {
  const { run } = input.claim;
  await host.stepWithHeartbeats(input.claim, { kind: 'stop for backup' }, async (attempt) => {
    // One that an earlier attempt began is only brought to its end.
    if (host.stops.pending(run) === null) {
      assertDue(host);
      await assertOthersServe(host);
      const { sizeBytes } = await describeDataDirectory(host.node.dataDir);
      attempt.assertCurrent();
      const now = Date.now();
      const deadline = new Date(now + allowanceMs(sizeBytes)).toISOString();
      await host.stops.begin({ run, at: new Date(now).toISOString(), deadline });
    }
    await host.driver.stop(attempt);
    await proveStopped(host.node, host.driver);
    // It may have been started by then, because the deadline has passed.
    stopOf(host, run);
  });
}

/** In the window, and not too soon after the last one: whoever can start a run must not be able to keep a node down. */
function assertDue({ node, deps, stops }: NodeHost): void {
  const { window, leastMinutesBetween } = deps.cluster.filesystem;
  const refuse = (why: string) =>
    new DrError('NotApproved', `${node.name} was not stopped for the backup: ${why}.`, {
      where: node.name,
      advice: `Nothing was changed. The configuration of ${node.name} decides: filesystem.window and filesystem.leastMinutesBetween.`,
    });
  if (window === undefined && deps.cluster.nodes.length === 1) throw refuse('its configuration has no window');
  if (!isOpen(window, Date.now())) throw refuse(`its window is closed (${window ? windowText(window) : ''})`);
  const last = stops.last();
  if (last === null) return;
  const minutes = (Date.now() - Date.parse(last.at)) / 60_000;
  // Also where the clock was set back.
  if (minutes >= 0 && minutes < leastMinutesBetween) {
    throw refuse(`it was stopped for one ${formatSeconds(Math.round(minutes * 60))} ago, at ${last.at}`);
  }
}

/** @throws DrError NodeFenced when the node runs again, or was never stopped by this run. */
function stopOf({ node, stops }: NodeHost, run: string): BackupStop {
  const stop = stops.pending(run);
  if (stop !== null) return stop;
  throw new DrError('NodeFenced', `${node.name} is not stopped for this backup, or was started again meanwhile.`, {
    where: node.name,
    advice:
      'A node is started again at its deadline. If the copy takes longer than that, look at the disk of the host.',
  });
}

/** Archives the data directory of the stopped node: read → verified → encrypted → one file on its own disk. */
export async function archiveData(host: NodeHost, input: { claim: RunClaim }): Promise<CopiedData> {
  const { run } = input.claim;
  return host.step(input.claim, { kind: 'archive' }, async (attempt) => {
    const { at, deadline } = stopOf(host, run);
    const directory = await privateDirectory(await host.runDirectory(run), DIRECTORY);
    const before = readCopied(directory);
    if (before?.capturedAt === at) return before;
    return host.stops.reading(async () => {
      // Once more, now that nobody starts it.
      stopOf(host, run);
      await proveStopped(host.node, host.driver);
      attempt.assertCurrent();
      await rm(directory, { recursive: true, force: true });
      await privateDirectory(await host.runDirectory(run), DIRECTORY);
      const left = Date.parse(deadline) - Date.now();
      const signal = AbortSignal.any([attempt.signal, AbortSignal.timeout(Math.max(0, left))]);
      try {
        return await writeArchive(host, attempt, directory, at, signal);
      } catch (error) {
        await rm(directory, { recursive: true, force: true });
        attempt.signal.throwIfAborted();
        if (signal.aborted) throw tooSlow(host, deadline);
        const explained = toDiskError(error, directory);
        // The node stands still meanwhile, and the next attempt would fill the disk once more.
        throw isDrError(explained) && explained.code === 'DiskFull' ? withoutRetry(explained) : explained;
      }
    });
  });
}

async function writeArchive(
  host: NodeHost,
  attempt: Attempt,
  directory: string,
  capturedAt: string,
  signal: AbortSignal,
): Promise<CopiedData> {
  const { node, deps } = host;
  const encryption = encryptionOf(deps.cluster.backup.encryption);
  const own = (await readServer(host)).server?.facts.storage;
  const { summary, stored } = await storeArchive(
    {
      dataDir: node.dataDir,
      storage: own?.type === 'file' ? 'file' : 'raft',
      directory,
      encryption,
      nodeId: own?.nodeId ?? null,
    },
    { signal, onProgress: heartbeatBytes('archive') },
  );
  const { raft, seal, recoveryConfig: recovery, archive, keys, leases, reach, ownSeals, meta } = summary;
  const { storage, nodeId, files } = meta;
  const { method, recipients } = encryption;
  const made = {
    generation: generationId(capturedAt, raft.index, randomBytes(4).toString('hex')),
    node: node.name,
    capturedAt,
    content: { storage, nodeId, files },
    raft,
    seal,
    recovery,
    archive,
    stored,
    encryption: { method, recipients },
    keys,
    leases,
    reach,
    ownSeals,
  };
  const agentKey = await ensureAgentKey(node.stateDir);
  const copied = { ...made, signature: signCopied(agentKey, deps.clusterName, { ...made, signature: '' }) };
  attempt.assertCurrent();
  await writeFileAtomically(join(directory, COPIED), `${JSON.stringify(copied)}\n`);
  return copied;
}

/** Null where no archive was brought to its end. */
function readCopied(directory: string): CopiedData | null {
  const text = readOwnFile(join(directory, COPIED), { maxBytes: 1024 * 1024 });
  return text === null ? null : copiedData.parse(JSON.parse(text));
}

function tooSlow({ node }: NodeHost, deadline: string): DrError {
  return new DrError(
    'ServiceFailed',
    `The archive of ${node.name} was not finished by ${deadline}, so it was given up.`,
    {
      where: node.name,
      advice: `Look at the disk of ${node.name}: an archive is given time for 20 MB a second, and 15 minutes more.`,
      retryable: false,
    },
  );
}

export interface StoredArchive {
  repository: string;
  /** Of repositories that come before it. */
  problems: CopyProblem[];
}

/** Stores the archive of this run in the first repository that answers, under the id of its backup; the manifest comes later. */
export async function publishArchive(host: NodeHost, input: NodeInput<'publishArchive'>): Promise<StoredArchive> {
  const { node, deps } = host;
  return host.step(input.claim, { kind: 'publish' }, async (attempt) => {
    const directory = join(await host.runDirectory(input.claim.run), DIRECTORY);
    const copied = readCopied(directory);
    if (copied === null) {
      throw new DrError('StagingLost', `The archive of ${node.name} is gone.`, {
        where: node.name,
        advice: 'Check the disk of its state directory, then start the backup again.',
      });
    }
    const { file, ...digest } = copied.stored;
    const problems: CopyProblem[] = [];
    const failures: DrError[] = [];
    for (const name of repositoriesOf(host, input.repositories)) {
      try {
        const repository = await openRepository(name, repositoryConfigOf(deps.config, name));
        const options = { ...resumableTransfer(`publish to ${name}`), signal: attempt.signal };
        const key = keyOf(deps.clusterName, copied.generation, file);
        await repository.put(key, fromFile(join(directory, file)), digest, options);
        return { repository: name, problems };
      } catch (error) {
        attempt.signal.throwIfAborted();
        if (!isDrError(error)) throw error;
        problems.push({ repository: name, problem: error.message });
        failures.push(error);
      }
    }
    throw notStored(host, failures);
  });
}

/** None of them has taken it: the advice is that of each, and a disk that is full is called so. */
function notStored({ node, deps }: NodeHost, failures: readonly DrError[]): DrError {
  const where = node.name;
  const [first] = failures;
  if (first === undefined) {
    const advice = `Name a repository of '${deps.clusterName}' in its configuration, to which it has write access.`;
    return new DrError('RepositoryUnavailable', `${where} has no repository to store the archive in.`, {
      where,
      advice,
    });
  }
  const isFull = failures.every(({ code }) => code === 'DiskFull');
  const advice = [...new Set(failures.flatMap((item) => item.advice ?? []))].join(' ');
  return new DrError(
    isFull ? 'DiskFull' : 'RepositoryUnavailable',
    `${where} could not store the archive. ${failures.map(({ message }) => message).join(' ')}`,
    { where, advice, cause: first },
  );
}

/** Only those that the host's own configuration has for the cluster. */
function repositoriesOf({ deps }: NodeHost, wanted: readonly string[]): string[] {
  return wanted.filter((name) => deps.cluster.repositories.includes(name));
}
