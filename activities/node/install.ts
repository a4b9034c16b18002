import { join } from 'node:path';
import { DrError, isDrError } from '../../src/contract/failures';
import type { Manifest } from '../../src/contract/generation';
import type { NodeInput } from '../../src/contract/step-input/node';
import type { Attempt } from '../../src/host/run/attempt';
import { blankDataDirectory, removeDiscarded } from '../../src/host/data/data-directory';
import { readOwnFile } from '../../src/files/own-files';
import { inDirectory } from '../../src/files/safe-directory';
import { noteInstall } from '../../src/host/data/install-note';
import { proveStopped } from '../../src/host/service/service';
import { applyLimitMs } from '../../src/vault/load-limits';
import type { VaultClient } from '../../src/vault/client';
import {
  hasApplied,
  initializeThrowaway,
  keysAreRefused,
  type Throwaway,
  unsealsItself,
} from '../../src/vault/throwaway';
import { withHeartbeats } from '../heartbeat';
import type { NodeHost } from './context';
import { beginQuiet } from './quiet';
import { refuseInitialize } from './refuse-initialize';
import { type Installed, startInstalled } from './start-installed';
import { openArchive, proveStaged, stagedGeneration } from './stage';
import { pollUntil } from '../poll';

/** A Vault that loads a snapshot may not answer at all; short requests show in time whether it hangs. */
const ANSWER_WITHIN_MS = 5_000;
const INSTALLED: Installed = {
  when: 'After the install',
  what: 'snapshot',
  advice: 'Resume the run: the install starts over from blank.',
};

/**
 * From a blank node to one that has the snapshot and was restarted: sealed or, with auto-unseal, about to unseal. The
 * keys and the root token of the blank cluster exist only within this call, so a crash starts over from blank.
 */
export async function installSnapshot(host: NodeHost, input: NodeInput<'installSnapshot'>): Promise<void> {
  const { claim, quiet = false } = input;
  await host.step(claim, { kind: 'install', archive: 'raft', quiet }, async (attempt) => {
    const doneFile = join(await host.runDirectory(claim.run), 'installed');
    const staged = await stagedGeneration(host, claim.run);
    const { manifest, path } = staged;
    const done = readOwnFile(doneFile) !== null;
    if (!done) await proveStaged(host, attempt, staged);

    await withHeartbeats('install', async () => {
      if (quiet) await beginQuiet(host, claim.run, attempt);
      if (done) return startInstalled(host, attempt, manifest, INSTALLED);

      await refuseInitialize(host);
      await host.driver.stop(attempt);
      await proveStopped(host.node, host.driver);
      await blankDataDirectory(host.node.dataDir, claim.run, attempt);
      await removeDiscarded(host.node.dataDir, claim.run, attempt);
      await host.driver.start(attempt);

      const { token, keys, clusterId } = await makeThrowaway(host, attempt, manifest);
      attempt.assertCurrent();
      const note = { run: claim.run, generation: manifest.generation, blankClusterId: clusterId };
      await noteInstall(host.node.dataDir, note);
      await host.withVault(
        async (vault) => {
          attempt.assertCurrent();
          await upload(host, vault, attempt, manifest, path);
        },
        { token },
      );
      await host.withVault((vault) => waitUntilApplied(host, vault, attempt, manifest), {
        timeoutMs: ANSWER_WITHIN_MS,
      });

      // Drops the throwaway cluster's cached seal configuration, name and Raft TLS keyring; key holders need not do
      // anything.
      await host.driver.stop(attempt);
      await host.driver.start(attempt);
      await startInstalled(host, attempt, manifest, INSTALLED);
      await host.withVault((vault) => proveReplaced(host, vault, attempt, manifest, keys));
      await inDirectory(await host.runDirectory(claim.run), (directory) => {
        attempt.assertCurrent();
        directory.put('installed', `${new Date().toISOString()}\n`);
      });
    });
  });
}

/** Initialises a cluster that exists for seconds. */
async function makeThrowaway(
  host: NodeHost,
  attempt: Attempt,
  manifest: Manifest,
): Promise<Throwaway & { clusterId: string | null }> {
  return host.withVault(async (vault) => {
    if ((await host.waitForVault(vault, attempt)).initialized) {
      throw new DrError(
        'NodeUnsafe',
        `Vault on ${host.node.name} is initialised, though its data directory was blank.`,
        {
          notice: 'blank-vault-initialised',
          where: host.node.name,
          advice: `Check that its configuration points to ${host.node.dataDir}, and that all other nodes are stopped.`,
        },
      );
    }
    const throwaway = await initializeThrowaway(vault, manifest, () => attempt.assertCurrent());
    await pollUntil(
      `the blank Vault on ${host.node.name} to become active`,
      { timeoutMs: 60_000, signal: attempt.signal, where: host.node.name, notice: 'vault-not-starting' },
      async () => ((await vault.leader()).isSelf ? true : null),
    );
    return { ...throwaway, clusterId: (await vault.sealStatus()).clusterId ?? null };
  });
}

/** Throwaway Shamir keys never match the snapshot's; an auto-unseal key must, or nothing could decrypt the data. */
async function upload(
  host: NodeHost,
  vault: VaultClient,
  attempt: Attempt,
  manifest: Manifest,
  path: string,
): Promise<void> {
  const archive = await openArchive(host, path, manifest);
  try {
    await vault.restoreSnapshot(archive, { force: !unsealsItself(manifest), signal: attempt.signal });
  } catch (error) {
    if (!unsealsItself(manifest) || !isDrError(error) || error.code !== 'VaultRefused') throw error;
    throw new DrError('VaultRefused', `${host.node.name} rejects the snapshot: ${error.message}`, {
      where: host.node.name,
      advice: `The seal '${manifest.seal.type}' of this node must use the same key that the cluster had when the snapshot was made: check its seal stanza, then resume.`,
      cause: error,
    });
  }
}

async function waitUntilApplied(
  host: NodeHost,
  vault: VaultClient,
  attempt: Attempt,
  manifest: Manifest,
): Promise<void> {
  await pollUntil(
    `${host.node.name} to apply the snapshot`,
    {
      notice: 'snapshot-not-applied',
      timeoutMs: applyLimitMs(manifest.keys),
      signal: attempt.signal,
      where: host.node.name,
      advice: `Read Vault's log on ${host.node.name}.`,
    },
    async () => (hasApplied(await vault.sealStatus(), manifest) ? true : null),
  );
}

/**
 * From outside, a Vault that died before it had applied the snapshot looks the same. But it is still the blank cluster:
 * that one's keys unseal it, or with auto-unseal it shows that one's id.
 */
async function proveReplaced(
  host: NodeHost,
  vault: VaultClient,
  attempt: Attempt,
  manifest: Manifest,
  keys: string[],
): Promise<void> {
  const replaced = unsealsItself(manifest)
    ? await showsTheId(host, vault, attempt, manifest)
    : await keysAreRefused(vault, keys, () => attempt.assertCurrent());
  if (replaced) return;
  throw new DrError('ServiceFailed', `Vault on ${host.node.name} stopped before it had applied the snapshot.`, {
    where: host.node.name,
    advice: `The install starts over from blank. If it repeats, read Vault's log on ${host.node.name}.`,
  });
}

async function showsTheId(
  host: NodeHost,
  vault: VaultClient,
  attempt: Attempt,
  { clusterId }: Manifest,
): Promise<boolean> {
  const status = await host.pollVault(
    `${host.node.name} to unseal by itself`,
    attempt,
    async () => {
      const now = await vault.sealStatus();
      return now.sealed || !now.clusterId ? null : now;
    },
    {
      notice: 'seal-key-unreachable',
      advice: `Check that its seal can reach its key, and read Vault's log on ${host.node.name}.`,
    },
  );
  return status.clusterId === clusterId;
}
