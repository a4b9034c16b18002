import { join } from 'node:path';
import { DrError, isDrError } from '../../src/contract/failures';
import type { Manifest } from '../../src/contract/generation';
import type { RunClaim } from '../../src/contract/recovery';
import type { Attempt } from '../../src/host/run/attempt';
import { blankDataDirectory, removeDiscarded } from '../../src/host/data/data-directory';
import { readOwnFile } from '../../src/files/own-files';
import { inDirectory } from '../../src/files/safe-directory';
import { noteInstall } from '../../src/host/data/install-note';
import { proveStopped } from '../../src/host/service/service';
import { applyLimitMs } from '../../src/vault/load-limits';
import type { VaultClient } from '../../src/vault/client';
import { withHeartbeats } from '../heartbeat';
import type { NodeHost } from './context';
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
export async function installSnapshot(host: NodeHost, input: { claim: RunClaim }): Promise<void> {
  const { claim } = input;
  await host.step(claim, { kind: 'install', archive: 'raft' }, async (attempt) => {
    const doneFile = join(await host.runDirectory(claim.run), 'installed');
    const staged = await stagedGeneration(host, claim.run);
    const { manifest, path } = staged;
    const done = readOwnFile(doneFile) !== null;
    if (!done) await proveStaged(host, attempt, staged);

    await withHeartbeats('install', async () => {
      if (done) return startInstalled(host, attempt, manifest, INSTALLED);

      await refuseInitialize(host);
      await host.driver.stop(attempt);
      await proveStopped(host.node, host.driver);
      await blankDataDirectory(host.node.dataDir, claim.run, attempt);
      await removeDiscarded(host.node.dataDir, claim.run, attempt);
      await host.driver.start(attempt);

      const { token, keys, clusterId } = await initializeThrowaway(host, attempt, manifest);
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
async function initializeThrowaway(
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
    attempt.assertCurrent();
    const throwaway = await initialize(vault, attempt, manifest);
    await pollUntil(
      `the blank Vault on ${host.node.name} to become active`,
      { timeoutMs: 60_000, signal: attempt.signal, where: host.node.name, notice: 'vault-not-starting' },
      async () => ((await vault.leader()).isSelf ? true : null),
    );
    return { ...throwaway, clusterId: (await vault.sealStatus()).clusterId ?? null };
  });
}

interface Throwaway {
  /** Root token. */
  token: string;
  /** As many unseal keys as needed; none with auto-unseal. */
  keys: string[];
}

/** If N and T differ from the snapshot's, Vault later refuses the original shares ("invalid key size"). */
async function initialize(
  vault: VaultClient,
  attempt: Attempt,
  { seal, recovery: recoveryConfig }: Manifest,
): Promise<Throwaway> {
  if (!isShamir({ seal })) {
    const { secretShares, secretThreshold } = recoveryConfig ?? seal;
    const shares = { recoveryShares: secretShares, recoveryThreshold: secretThreshold };
    return { token: (await vault.initializeAutoUnseal(shares)).rootToken, keys: [] };
  }
  const { keys: all, rootToken: token } = await vault.initialize(seal);
  const keys = all.slice(0, seal.secretThreshold);
  for (const key of keys) {
    attempt.assertCurrent();
    await vault.unseal({ key });
  }
  return { token, keys };
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
    await vault.restoreSnapshot(archive, { force: isShamir(manifest), signal: attempt.signal });
  } catch (error) {
    if (isShamir(manifest) || !isDrError(error) || error.code !== 'VaultRefused') throw error;
    throw new DrError('VaultRefused', `${host.node.name} rejects the snapshot: ${error.message}`, {
      where: host.node.name,
      advice: `The seal '${manifest.seal.type}' of this node must use the same key that the cluster had when the snapshot was made: check its seal stanza, then resume.`,
      cause: error,
    });
  }
}

/**
 * The answer comes before anything is applied. Afterwards a Shamir node seals itself; with auto-unseal it stays
 * unsealed and shows the snapshot's cluster id (both measured, Vault 1.21.1).
 */
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
    async () => {
      const { sealed, clusterId } = await vault.sealStatus();
      return (sealed && !clusterId) || (!sealed && clusterId === manifest.clusterId) ? true : null;
    },
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
  const replaced = isShamir(manifest)
    ? await keysAreRefused(vault, attempt, keys)
    : await showsTheId(host, vault, attempt, manifest);
  if (replaced) return;
  throw new DrError('ServiceFailed', `Vault on ${host.node.name} stopped before it had applied the snapshot.`, {
    where: host.node.name,
    advice: `The install starts over from blank. If it repeats, read Vault's log on ${host.node.name}.`,
  });
}

async function keysAreRefused(vault: VaultClient, attempt: Attempt, keys: string[]): Promise<boolean> {
  for (const key of keys) {
    attempt.assertCurrent();
    try {
      await vault.unseal({ key });
    } catch (error) {
      if (!isDrError(error) || error.code !== 'VaultRefused') throw error;
      await vault.unseal({ reset: true });
      return true;
    }
  }
  return false;
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

function isShamir({ seal }: Pick<Manifest, 'seal'>): boolean {
  return seal.type === 'shamir';
}
