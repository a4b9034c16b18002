import { join } from 'node:path';
import { DrError } from '../src/contract/failures';
import type { SealConfig } from '../src/contract/generation';
import type { RunClaim } from '../src/contract/restore';
import type { Attempt } from '../src/host/attempt';
import { blankDataDirectory, removeDiscarded } from '../src/host/data-directory';
import { readIfThere, writeFileAtomically } from '../src/host/files';
import { proveStopped } from '../src/host/service';
import type { VaultClient } from '../src/vault/client';
import { whileBeating } from './context';
import type { NodeHost } from './node-context';
import { openArchive, stagedGeneration } from './node-stage';
import { pollUntil } from './poll';

/**
 * From blank to "holds the snapshot, sealed". The unseal keys and the root token of the blank cluster live in this call
 * only; so a crash inside it starts it over from blank.
 */
export async function installSnapshot(host: NodeHost, input: { claim: RunClaim }): Promise<void> {
  const { claim } = input;
  const attempt = await host.begin(claim);
  const doneFile = join(host.runDirectory(claim.run), 'installed');
  const { manifest, path } = await stagedGeneration(host, claim.run);

  await whileBeating('install', async () => {
    if ((await readIfThere(doneFile)) !== null) return startSealed(host, attempt, manifest.seal);

    attempt.assertCurrent();
    await host.driver.stop();
    await proveStopped(host.node, host.driver);
    await blankDataDirectory(host.node.dataDir, claim.run, attempt);
    await removeDiscarded(host.node.dataDir, claim.run);
    attempt.assertCurrent();
    await host.driver.start();

    const token = await initializeThrowaway(host, attempt, manifest.seal);
    await host.withVault(async (vault) => {
      attempt.assertCurrent();
      await vault.restoreSnapshot(await openArchive(host, path, manifest), { force: true, signal: attempt.signal });
      await waitUntilSealed(host, vault, attempt);
    }, token);

    // Drops the throwaway cluster's cached seal configuration, name and Raft TLS keyring, at no cost to the key holders.
    attempt.assertCurrent();
    await host.driver.stop();
    await host.driver.start();
    await startSealed(host, attempt, manifest.seal);
    await writeFileAtomically(doneFile, `${new Date().toISOString()}\n`);
  });
}

/** @returns the root token of a cluster that lives for seconds. */
async function initializeThrowaway(host: NodeHost, attempt: Attempt, seal: SealConfig): Promise<string> {
  return host.withVault(async (vault) => {
    await host.waitForVault(vault, attempt);
    if ((await vault.sealStatus()).initialized) {
      throw new DrError(
        'NodeUnsafe',
        `Vault on ${host.node.name} is initialised, though its data directory was blank.`,
        {
          where: host.node.name,
          advice: `Does its configuration point to ${host.node.dataDir}, and do all other nodes stand still?`,
        },
      );
    }
    attempt.assertCurrent();
    // With another N and T than the snapshot's, the original shares would be refused later ("invalid key size").
    const { keys, rootToken } = await vault.initialize(seal);
    for (const key of keys.slice(0, seal.secretThreshold)) await vault.unseal({ key });
    await pollUntil(
      `the blank Vault on ${host.node.name} to become active`,
      { timeoutMs: 60_000, signal: attempt.signal, where: host.node.name },
      async () => ((await vault.leader()).isSelf ? true : null),
    );
    return rootToken;
  });
}

/** The answer to the upload comes before anything is applied; that the node seals itself is the sign that it is done. */
async function waitUntilSealed(host: NodeHost, vault: VaultClient, attempt: Attempt): Promise<void> {
  await pollUntil(
    `${host.node.name} to apply the snapshot and seal itself`,
    {
      timeoutMs: 15 * 60_000,
      signal: attempt.signal,
      where: host.node.name,
      advice: `Read Vault's log on ${host.node.name}.`,
    },
    async () => {
      const status = await vault.sealStatus();
      return status.sealed && !status.clusterId ? true : null;
    },
  );
}

async function startSealed(host: NodeHost, attempt: Attempt, seal: SealConfig): Promise<void> {
  attempt.assertCurrent();
  await host.driver.start();
  await host.withVault(async (vault) => {
    await host.waitForVault(vault, attempt);
    const status = await vault.sealStatus();
    if (!status.initialized || status.n !== seal.secretShares || status.t !== seal.secretThreshold) {
      throw new DrError(
        'ServiceFailed',
        `After the install ${host.node.name} shows ${status.t} of ${status.n} shares, the snapshot has ${seal.secretThreshold} of ${seal.secretShares}.`,
        { where: host.node.name, advice: 'Resume the run: the install starts over from blank.' },
      );
    }
  });
}
