import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ConsulClient } from '../../src/consul/client';
import { connectToLeader, withConsul } from '../../src/consul/connect';
import type { ConsulConfig } from '../../src/config/schema';
import { DrError } from '../../src/contract/failures';
import type { Encryption, FileDigest } from '../../src/contract/generation';
import { runName } from '../../src/contract/names';
import type { RunClaim } from '../../src/contract/recovery';
import type { NodeInput } from '../../src/contract/step-input/node';
import { encryptionOf } from '../../src/crypto/encryption';
import { belowRoot } from '../../src/files/below-root';
import { writeFileAtomically } from '../../src/files/atomic-file';
import { privateDirectory, syncDirectory } from '../../src/files/files';
import { readOwnFile } from '../../src/files/own-files';
import { KEPT, KEPT_NOTE, partialOf } from '../../src/host/data/kept-consul';
import type { Attempt } from '../../src/host/run/attempt';
import { assertClaim } from '../../src/host/run/claim';
import { forgetUnfinished, noteUnfinished } from '../../src/host/run/unfinished';
import { proveStopped } from '../../src/host/service/service';
import { digestOfFile, sameDigest } from '../../src/repository/digest';
import { writeSnapshotFile } from '../../src/repository/snapshot-file';
import { ConsulIntegrityVerifier } from '../../src/vault/snapshot/consul/consul-archive';
import { heartbeatBytes, withHeartbeats } from '../heartbeat';
import { pollUntil } from '../poll';
import type { NodeHost } from './context';
import { startInstalled } from './start-installed';
import { openArchive, proveStaged, stagedGeneration } from './stage';

const DONE = 'installed';

/** What was in Consul before a restore. */
interface Saved {
  file: FileDigest & { file: string };
  encryption: Encryption;
}

function consulOf({ deps, node }: NodeHost): ConsulConfig {
  if (deps.cluster.consul) return deps.cluster.consul;
  throw new DrError('InvalidConfiguration', `The configuration of ${node.name} does not say where Consul is.`, {
    where: node.name,
    advice: 'Make it the same as the configuration of the controller, restart the agent, and resume.',
  });
}

/**
 * Keeps a snapshot of what is in Consul now, encrypted as backups are, on this host's disk: the way back. Repeatable: what was
 * saved first is what was there before the run.
 * @returns the directory it is in
 */
export async function saveConsul(host: NodeHost, input: { claim: RunClaim }): Promise<string> {
  const { run } = input.claim;
  return host.step(input.claim, { kind: 'save consul' }, async (attempt) => {
    const kept = await privateDirectory(host.node.stateDir, KEPT);
    const directory = await savedDirectory(host, run);
    if (readSaved(directory) !== null) return directory;
    await withHeartbeats('stopped', () => proveStopped(host.node, host.driver));
    const { startedAt } = await assertClaim(host.node.stateDir, host.node.name, run);
    await noteUnfinished(host.node.stateDir, { run, startedAt });
    // Of an attempt before this one; if it still writes, it fails on the missing directory.
    await removePartial(kept, run);
    const partial = `${partialOf(run)}${randomBytes(4).toString('hex')}`;
    try {
      const own = await privateDirectory(kept, partial);
      const saved = await withConsul(consulOf(host), (consul) => save(host, consul, own, attempt), connectToLeader);
      await writeFileAtomically(join(own, KEPT_NOTE), JSON.stringify(saved));
      attempt.assertCurrent();
      // Onto one that is there already it fails: that one is the first.
      await rename(own, directory);
      await syncDirectory(kept);
    } finally {
      await rm(join(kept, partial), { recursive: true, force: true });
    }
    return directory;
  });
}

async function save(host: NodeHost, consul: ConsulClient, directory: string, attempt: Attempt): Promise<Saved> {
  const { method, recipients, gpgHome } = encryptionOf(host.deps.cluster.backup.encryption);
  const verifier = new ConsulIntegrityVerifier();
  const { body } = await consul.snapshot('default', { signal: attempt.signal });
  const file = await writeSnapshotFile(
    directory,
    body,
    verifier,
    { method, recipients, gpgHome },
    {
      signal: attempt.signal,
      onProgress: heartbeatBytes('save what is in Consul'),
      name: 'consul.snap',
    },
  );
  return { file, encryption: { method, recipients } };
}

async function removePartial(kept: string, run: string): Promise<void> {
  const names = await readdir(kept);
  const partial = names.filter((name) => name.startsWith(partialOf(run)));
  await Promise.all(partial.map((name) => rm(join(kept, name), { recursive: true, force: true })));
}

function savedDirectory({ node }: NodeHost, run: string): Promise<string> {
  return belowRoot(join(node.stateDir, KEPT), runName(run));
}

function readSaved(directory: string): Saved | null {
  const text = readOwnFile(join(directory, KEPT_NOTE));
  return text === null ? null : (JSON.parse(text) as Saved);
}

/**
 * Restores Consul from the backup that was staged here, deletes the lock of the Vault that led then, and starts Vault. Consul
 * takes a snapshot in only once it is whole, and replaces everything it holds in one step.
 */
export async function installConsul(host: NodeHost, input: { claim: RunClaim }): Promise<void> {
  const { claim } = input;
  await host.step(claim, { kind: 'install', archive: 'consul', quiet: false }, async (attempt) => {
    const staged = await stagedGeneration(host, claim.run);
    const doneFile = join(await host.runDirectory(claim.run), DONE);
    if (readOwnFile(doneFile) === null) {
      await proveStaged(host, attempt, staged);
      if (readSaved(await savedDirectory(host, claim.run)) === null) throw notSaved(host);
      const archive = await openArchive(host, staged.path, staged.manifest);
      await withHeartbeats('restore Consul', async () => {
        await proveStopped(host.node, host.driver);
        await replace(host, archive, attempt);
      });
      attempt.assertCurrent();
      await writeFileAtomically(doneFile, `${new Date().toISOString()}\n`);
    }
    await withHeartbeats('start', () =>
      startInstalled(host, attempt, staged.manifest, {
        when: 'After the restore of Consul',
        what: 'backup',
        advice: `Check that \`path\` of its \`storage "consul"\` is ${consulOf(host).path}, and that its Consul is the one in the configuration. Then resume.`,
      }),
    );
  });
}

/** Puts back what `saveConsul` has kept. Repeatable. @param input `lost`: a run that never ended, and has kept it */
export async function putBackConsul(host: NodeHost, input: NodeInput<'putBackConsul'>): Promise<void> {
  const { claim, lost = null } = input;
  const { run } = claim;
  await host.step(claim, { kind: 'put back consul', lost }, async (attempt) => {
    const directory = await savedDirectory(host, lost ?? run);
    const saved = readSaved(directory);
    if (saved === null) throw notSaved(host);
    const path = join(directory, saved.file.file);
    const found = await digestOfFile(path, {
      signal: attempt.signal,
      onProgress: heartbeatBytes('prove what was kept'),
    });
    if (!sameDigest(found, saved.file)) {
      throw new DrError('CopyDamaged', `What was kept of Consul in ${directory} is damaged.`, {
        where: host.node.name,
        advice: 'Check the disk of the state directory, and restore the backup that was made last.',
      });
    }
    await withHeartbeats('put Consul back', async () => {
      await proveStopped(host.node, host.driver);
      await replace(host, await openArchive(host, path, saved), attempt);
      await rm(join(await host.runDirectory(run), DONE), { force: true });
    });
    for (const over of [run, lost ?? run]) await forgetUnfinished(host.node.stateDir, over);
  });
}

async function replace(host: NodeHost, archive: Readable, attempt: Attempt): Promise<void> {
  const { path } = consulOf(host);
  const restore = async (consul: ConsulClient) => {
    await consul.restoreSnapshot(whileCurrent(archive, attempt), { signal: attempt.signal });
    await pollUntil(
      'Consul to answer with the restored data',
      { timeoutMs: 60_000, signal: attempt.signal, where: host.node.name, advice: "Read the log of Consul's leader." },
      async () => ((await consul.leader()) === null ? null : true),
    );
    attempt.assertCurrent();
    // The Vault that led then holds it in the snapshot, by a session that nobody renews.
    await consul.remove(`${path}core/lock`);
  };
  // Another server would pass the archive on, and not get the leader's reason where it refuses.
  await withConsul(consulOf(host), restore, connectToLeader);
}

/** The last bytes leave only while nobody has taken this attempt's place: without them Consul changes nothing. */
function whileCurrent(source: Readable, attempt: Attempt): Readable {
  return Readable.from(
    (async function* () {
      for await (const chunk of source) {
        attempt.assertCurrent();
        yield chunk as Buffer;
      }
    })(),
    { objectMode: false },
  );
}

function notSaved({ node }: NodeHost): DrError {
  return new DrError('NodeUnsafe', `${node.name} has not kept what is in Consul now, so Consul is not changed.`, {
    where: node.name,
    advice: 'Roll back, and start the restore again.',
  });
}
