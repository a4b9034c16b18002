import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { readPublicKey, repositoryConfigOf } from '../../src/config/load';
import { DrError, isDrError } from '../../src/contract/failures';
import type { FileDigest, Manifest } from '../../src/contract/generation';
import type { CopyProblem } from '../../src/contract/plan';
import type { NodeInput } from '../../src/contract/step-input/node';
import { signStaged } from '../../src/crypto/agent-key';
import { ensureAgentKey } from '../../src/host/run/agent-key-file';
import type { Attempt } from '../../src/host/run/attempt';
import { writeFileAtomically } from '../../src/files/atomic-file';
import { privateDirectory } from '../../src/files/files';
import { readOwnFile } from '../../src/files/own-files';
import { SMALL_FILE_LIMIT_BYTES } from '../../src/repository/generation-files';
import { digestOfFile, sameDigest } from '../../src/repository/digest';
import { FETCHING, fetchSnapshot, readCopy } from '../../src/repository/generations';
import { parseManifest } from '../../src/repository/manifest';
import { openRepository } from '../../src/repository/open';
import { openStored, proveArchive } from '../../src/vault/stored-archive';
import { heartbeatBytes, withHeartbeats } from '../heartbeat';
import { STAGED_MANIFEST } from './approved';
import type { NodeHost } from './context';

export interface StageResult {
  repository: string;
  path: string;
  problems: CopyProblem[];
  /** By the agent's own key, for hosts that delete their data only once the backup is here. */
  signature: string;
}

/**
 * Copies the generation to this host's disk and verifies it there: signature, stored bytes, decryption, the whole
 * archive. From then on the restore needs no repository. A copy with another manifest than the plan's was not approved.
 */
export async function stageGeneration(host: NodeHost, input: NodeInput<'stageGeneration'>): Promise<StageResult> {
  const { source, generation, manifestSha256 } = input;
  return host.step(input.claim, { kind: 'stage', source, generation, manifestSha256 }, async (attempt) => {
    const directory = await privateDirectory(await host.runDirectory(input.claim.run));
    await removePartial(directory, attempt);
    const problems: CopyProblem[] = [];
    const { run, cluster } = input.claim;
    const agentKey = await ensureAgentKey(host.node.stateDir);
    const signature = signStaged(agentKey, cluster, host.node.name, { run, generation, manifestSha256 });
    for (const name of input.repositories) {
      try {
        const repository = await openRepository(name, repositoryConfigOf(host.deps.config, name));
        const publicKey = await readPublicKey(host.deps.config);
        const copy = await readCopy(repository, input.source, input.generation, publicKey);
        if (copy.manifestSha256 !== input.manifestSha256) {
          throw new DrError('RepositoryConflict', `The copy in ${name} is not the one in the plan.`);
        }
        const path = join(directory, copy.manifest.stored.file);
        await fetchSnapshot(repository, copy, path, {
          signal: attempt.signal,
          onProgress: heartbeatBytes(`fetch from ${name}`),
        });
        // A bad file is left in place: a later attempt may have taken it over, and verifies it before use.
        await withHeartbeats('prove the archive', async () =>
          proveArchive(await openArchive(host, path, copy.manifest), copy.manifest, attempt.signal),
        );
        await withHeartbeats('keep the manifest', () =>
          writeFileAtomically(join(directory, STAGED_MANIFEST), JSON.stringify(copy.manifest, null, 2)),
        );
        return { repository: name, path, problems, signature };
      } catch (error) {
        attempt.signal.throwIfAborted();
        problems.push({ repository: name, problem: (error as Error).message });
      }
    }
    throw new DrError(
      'RepositoryUnavailable',
      `${host.node.name} could not stage ${input.generation}: ${problems.map((p) => `${p.repository}: ${p.problem}`).join('; ')}`,
      {
        notice: 'stage-failed',
        where: host.node.name,
        advice: `Nothing was stopped. ${host.node.name} needs access to one repository, and an identity that decrypts the backup.`,
      },
    );
  });
}

/** Files of killed attempts take up the space that this one needs. */
async function removePartial(directory: string, attempt: Attempt): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.includes(FETCHING)) continue;
    attempt.assertCurrent();
    await rm(join(directory, name), { force: true });
  }
}

/** The generation that was staged for a run; its archive may have changed since. */
export async function stagedGeneration(host: NodeHost, run: string): Promise<{ manifest: Manifest; path: string }> {
  const directory = await host.runDirectory(run);
  try {
    const text = readOwnFile(join(directory, STAGED_MANIFEST), { maxBytes: SMALL_FILE_LIMIT_BYTES });
    if (text === null) throw new Error('There is no manifest.');
    const manifest = parseManifest(Buffer.from(text));
    return { manifest, path: join(directory, manifest.stored.file) };
  } catch (error) {
    if (isDrError(error) && error.code === 'NodeUnsafe') throw error;
    throw stagingLost(host, 'is gone', error);
  }
}

/**
 * Reads the staged archive again, right before the data that it replaces is removed.
 * @throws DrError StagingLost if it is gone or was changed: then it is fetched again.
 */
export async function proveStaged(
  host: NodeHost,
  { signal }: Attempt,
  { manifest, path }: { manifest: Manifest; path: string },
): Promise<void> {
  let found: FileDigest;
  try {
    found = await digestOfFile(path, { signal, onProgress: heartbeatBytes('prove what was staged') });
  } catch (error) {
    signal.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    throw stagingLost(host, code === 'ENOENT' ? 'is gone' : "can't be read", error);
  }
  if (!sameDigest(found, manifest.stored)) throw stagingLost(host, 'is damaged');
}

function stagingLost({ node }: NodeHost, how: string, cause?: unknown): DrError {
  return new DrError('StagingLost', `The backup staged on ${node.name} ${how}.`, {
    where: node.name,
    advice: 'Check the disk of the state directory. The backup is fetched again when the run resumes.',
    cause,
  });
}

/** The archive in clear. */
export function openArchive(host: NodeHost, path: string, manifest: Pick<Manifest, 'encryption'>): Promise<Readable> {
  return openStored(path, manifest, host.deps.cluster.restore, host.node.name);
}
