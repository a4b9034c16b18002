import { join } from 'node:path';
import { DrError } from '../../src/contract/failures';
import type { Manifest } from '../../src/contract/generation';
import type { FilesystemContent } from '../../src/contract/method';
import type { NodeInput } from '../../src/contract/step-input/node';
import { toDiskError } from '../../src/files/disk-error';
import { readOwnFile } from '../../src/files/own-files';
import { inDirectory } from '../../src/files/safe-directory';
import type { KnownIds } from '../../src/host/archive/node-id';
import { unpackDataArchive } from '../../src/host/archive/unpack-archive';
import { blankDataDirectory, findAside, removeDiscarded } from '../../src/host/data/data-directory';
import { readServer } from '../../src/host/service/read-server';
import { proveStopped } from '../../src/host/service/service';
import { readRaftStorage } from '../../src/vault/storage/raft-storage';
import { heartbeatBytes, withHeartbeats } from '../heartbeat';
import type { NodeHost } from './context';
import { beginQuiet } from './quiet';
import { refuseInitialize } from './refuse-initialize';
import { startInstalled } from './start-installed';
import { openArchive, proveStaged, stagedGeneration } from './stage';

const DONE = 'installed';

/**
 * From blank to "holds the copy of a data directory, started and sealed": the archive is decrypted as a stream and unpacked where
 * it belongs. A Raft node starts from it as the only member of its cluster, under its own id and address; no key and no token is
 * needed. Until all of it is verified and on the disk Vault finds no data there, so a crash starts it over from blank; once it is,
 * it is never unpacked again.
 */
export async function installFiles(host: NodeHost, input: NodeInput<'installFiles'>): Promise<void> {
  const { claim, quiet = false } = input;
  await host.step(claim, { kind: 'install', archive: 'filesystem', quiet }, async (attempt) => {
    const staged = await stagedGeneration(host, claim.run);
    const runDirectory = await host.runDirectory(claim.run);
    if (readOwnFile(join(runDirectory, DONE)) === null) {
      const content = copyIn(host, staged.manifest);
      await proveStaged(host, attempt, staged);
      const ids = await withHeartbeats('install', async () => {
        await refuseInitialize(host);
        await host.driver.stop(attempt);
        await proveStopped(host.node, host.driver);
        await blankDataDirectory(host.node.dataDir, claim.run, attempt);
        await removeDiscarded(host.node.dataDir, claim.run, attempt);
        return knownIds(host, claim.run, content);
      });
      const archive = await openArchive(host, staged.path, staged.manifest);
      await unpackDataArchive(host.node.dataDir, archive, {
        run: claim.run,
        attempt,
        storage: content.storage,
        ids,
        clusterAddress: host.node.clusterAddress,
        onProgress: heartbeatBytes('unpack the data directory'),
      }).catch((error: unknown) => {
        throw toDiskError(error, host.node.dataDir);
      });
      await inDirectory(runDirectory, (directory) => {
        attempt.assertCurrent();
        directory.put(DONE, `${new Date().toISOString()}\n`);
      });
    }
    await withHeartbeats('start', async () => {
      if (quiet) await beginQuiet(host, claim.run, attempt);
      await startInstalled(host, attempt, staged.manifest, {
        when: 'With the restored data',
        what: 'backup',
        advice: `Check that its Vault stores in ${host.node.dataDir}, and read its log. Then resume, or roll back.`,
      });
    });
  });
}

function copyIn({ node }: NodeHost, { content, generation }: Manifest): FilesystemContent {
  if (content?.method === 'filesystem') return content;
  throw new DrError('NodeUnsafe', `${generation} is not a copy of a data directory, so nothing was unpacked.`, {
    where: node.name,
    advice: 'Roll back, and start the restore again.',
  });
}

/** @throws DrError InvalidConfiguration when Vault stores elsewhere than the node did that was copied. */
async function knownIds(host: NodeHost, run: string, { storage }: FilesystemContent): Promise<KnownIds> {
  const { node } = host;
  const { server } = await readServer(host);
  const own = server?.facts.storage;
  if (own && own.type !== storage) {
    throw new DrError(
      'InvalidConfiguration',
      `Vault on ${node.name} stores its data in '${own.type}', and the backup is of '${storage}'.`,
      { where: node.name, advice: `Configure \`storage "${storage}"\` there, then resume. Nothing was unpacked.` },
    );
  }
  const aside = storage === 'raft' ? await findAside(node.dataDir, run) : null;
  return { configured: own?.nodeId ?? null, previous: (await idIn(aside)) ?? node.nodeId ?? null };
}

/** What is damaged there is no reason against a restore. */
async function idIn(aside: string | null): Promise<string | null> {
  if (aside === null) return null;
  return readRaftStorage(aside).then(
    (storage) => storage?.nodeId ?? null,
    () => null,
  );
}
