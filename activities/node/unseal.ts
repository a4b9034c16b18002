import { setTimeout as sleep } from 'node:timers/promises';
import { heartbeat } from '@temporalio/activity';
import { DrError, isDrError } from '../../src/contract/failures';
import type { RunClaim, ShareVerdict, UnsealOutcome } from '../../src/contract/recovery';
import type { FailedTry } from '../../src/contract/retry-notice';
import type { NodeInput } from '../../src/contract/step-input/node';
import { encryptArmored } from '../../src/crypto/age';
import { verifyRecipients } from '../../src/crypto/agent-key';
import { forgetInstall } from '../../src/host/data/install-note';
import { incomingBytes } from '../../src/host/data/loading';
import { openShare } from '../../src/host/run/run-identity';
import { judgeShare } from '../../src/host/run/share-verdict';
import type { VaultClient } from '../../src/vault/client';
import { isCutOff } from '../../src/vault/errors/vault-error';
import type { Attempt } from '../../src/host/run/attempt';
import { cancellation } from '../heartbeat';
import type { NodeHost } from './context';
import { Leaderless } from './leaderless';
import { keepQuiet } from './quiet';

/** Checks one envelope: is it encrypted for this node, and does it contain a share? */
export function checkShare({ node }: NodeHost, input: { claim: RunClaim; share: string }): Promise<ShareVerdict> {
  return judgeShare(node.runtimeDir, input.claim.run, input.share);
}

/** Re-encrypts the shares for an agent that lost its identity; only to recipients that their agents have signed. */
export async function rewrapShares(host: NodeHost, input: NodeInput<'rewrapShares'>): Promise<string[]> {
  const { claim, recipients } = input;
  const { nodes } = host.deps.cluster;
  verifyRecipients(recipients, claim, (name) => nodes.find((node) => node.name === name)?.agentPublicKey);
  const shares = await openAll(host, claim.run, input.shares);
  return Promise.all(
    shares.map((share) =>
      encryptArmored(
        share,
        recipients.map((item) => item.recipient),
      ),
    ),
  );
}

/** Gives the shares to this host's Vault, over loopback. */
export async function unsealNode(host: NodeHost, input: { claim: RunClaim; shares: string[] }): Promise<UnsealOutcome> {
  const outcome = await host.retry(input.claim, { kind: 'unseal' }, async (attempt) => {
    const shares = await openAll(host, input.claim.run, input.shares);
    if (await keepQuiet(host, input.claim.run, attempt)) await host.driver.start(attempt);
    return host.withVault((vault) => giveShares(host, vault, attempt, shares));
  });
  if (outcome.state === 'unsealed') await forgetInstall(host.node.dataDir);
  return outcome;
}

type WatchInput = NodeInput<'watchForUnseal'>;

/** Watches for somebody who unseals the node by hand. */
export async function watchForUnseal(host: NodeHost, input: WatchInput): Promise<boolean> {
  return watchFor(host, input, async (vault) => ({ seen: !(await vault.sealStatus()).sealed }));
}

/** Watches for a Vault that was restarted and is therefore sealed; also reports why an unsealed one can't serve. */
export async function watchForSeal(host: NodeHost, input: WatchInput): Promise<boolean> {
  const leaderless = new Leaderless(host);
  return watchFor(host, input, async (vault) => {
    const { initialized, sealed } = await vault.sealStatus();
    return sealed ? { seen: initialized } : { seen: false, failed: await leaderless.look(vault) };
  });
}

interface Look {
  seen: boolean;
  /** What keeps Vault from serving, if that is not what is watched for. */
  failed?: FailedTry | null;
}

/** Sends a heartbeat after each check: a watch lasts for days, and without heartbeats it counts as dead. */
async function watchFor(
  host: NodeHost,
  { seconds }: WatchInput,
  look: (vault: VaultClient) => Promise<Look>,
): Promise<boolean> {
  const deadline = Date.now() + seconds * 1_000;
  heartbeat('watching');
  while (Date.now() < deadline) {
    const { seen, failed } = await host.withVault(look).catch((): Look => ({ seen: false }));
    if (seen) return true;
    heartbeat(failed ? { what: 'watching', failed } : 'watching');
    await sleep(1_000, undefined, { signal: cancellation() });
  }
  return false;
}

/** The leader accepts one answer per request to join; submitting the shares again has no effect. */
const LET_IN_ALREADY = /no expected answer for the server id/;

/**
 * Half of the least time from a Vault's start to its first answer (measured, Vault 1.21.1), so no restart is missed.
 */
const RESTART_SEEN_MS = 20;

async function giveShares(
  host: NodeHost,
  vault: VaultClient,
  attempt: Attempt,
  shares: string[],
): Promise<UnsealOutcome> {
  const { initialized, sealed, progress: dropped } = await host.waitForVault(vault, attempt);
  if (!sealed) return { state: 'unsealed', problem: null, dropped: 0 };
  if (!initialized) return notJoined(host);
  // It has them: it is receiving the cluster's data, and would reject them as wrong until it has all of it.
  if ((await incomingBytes(host.node.dataDir)) !== null) return awaitOpening(host, vault, attempt, shares, 0);
  // Shares of an unfinished manual attempt would mix with ours and spoil both.
  attempt.assertCurrent();
  await vault.unseal({ reset: true });
  for (const key of shares) {
    attempt.assertCurrent();
    try {
      if (!(await vault.unseal({ key })).sealed) return { state: 'unsealed', problem: null, dropped };
    } catch (error) {
      if (!isDrError(error)) throw error;
      const { message, advice, where } = error;
      if (LET_IN_ALREADY.test(message)) throw new DrError('VaultRefused', message, { advice, where, cause: error });
      if (error.code !== 'VaultRefused') throw error;
      // A Vault that was restarted since the last share knows nothing of the cluster; the holders did nothing wrong.
      if (!(await vault.sealStatus()).initialized) return notJoined(host);
      return { state: 'wrong shares', problem: message, dropped };
    }
  }
  return awaitOpening(host, vault, attempt, shares, dropped);
}

/** A node that has just joined unseals once it has the cluster's data; any other one at once. */
async function awaitOpening(
  host: NodeHost,
  vault: VaultClient,
  attempt: Attempt,
  shares: string[],
  dropped: number,
): Promise<UnsealOutcome> {
  let died = false;
  const last = await host.pollVault(
    `${host.node.name} to unseal with ${shares.length} shares`,
    attempt,
    async () => {
      const status = await vault.sealStatus().catch((error: unknown) => {
        died ||= isCutOff(error);
        throw error;
      });
      return !status.sealed || !status.initialized || died ? status : null;
    },
    { intervalMs: RESTART_SEEN_MS },
  );
  if (!last.initialized) return notJoined(host);
  if (last.sealed) {
    throw new DrError('ServiceFailed', `Vault on ${host.node.name} stopped while it was being unsealed.`, {
      where: host.node.name,
      advice: `The shares are given again. If it repeats, read Vault's log on ${host.node.name}.`,
    });
  }
  return { state: 'unsealed', problem: null, dropped };
}

function notJoined({ node }: NodeHost): UnsealOutcome {
  return { state: 'not joined', problem: `${node.name} was restarted before it was unsealed.`, dropped: 0 };
}

async function openAll(host: NodeHost, run: string, shares: string[]): Promise<string[]> {
  return Promise.all(shares.map((share) => openShare(host.node.runtimeDir, run, share)));
}
