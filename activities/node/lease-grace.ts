import { join } from 'node:path';
import { DrError, isDrError } from '../../src/contract/failures';
import { formatCount } from '../../src/contract/format';
import { notice } from '../../src/contract/notice';
import type { LeaseOutcome } from '../../src/contract/recovery';
import type { NodeInput } from '../../src/contract/step-input/node';
import { writeFileAtomically } from '../../src/files/atomic-file';
import { readOwnFile } from '../../src/files/own-files';
import type { Attempt } from '../../src/host/run/attempt';
import { openShare } from '../../src/host/run/run-identity';
import { readServer } from '../../src/host/service/read-server';
import { endRecoveryServer, type RecoveryServer, withRecoveryServer } from '../../src/host/service/recovery-server';
import { proveStopped } from '../../src/host/service/service';
import { localEndpoint } from '../../src/vault/connect-node';
import { changeLeases, type LeaseChanges } from '../../src/vault/lease-grace';
import { loadLimitMs } from '../../src/vault/load-limits';
import { RecoveryMode } from '../../src/vault/recovery-mode';
import type { Report } from '../heartbeat';
import type { NodeHost } from './context';

/** In the directory of the run: what was changed. */
const DONE = 'leases-extended';
const NOTHING: Omit<LeaseOutcome, 'state'> = { problem: null, byMount: {}, left: 0, skipped: 0 };

/**
 * Gives leases a later end before their Vault serves, so that those that ended since the backup can be renewed. Repeatable:
 * what an attempt before has changed is left as it is. Whatever happens, the node runs normally afterwards, and is sealed.
 */
export async function extendLeases(host: NodeHost, input: NodeInput<'extendLeases'>): Promise<LeaseOutcome> {
  const { claim, minutes } = input;
  const action = { kind: 'extend leases', minutes } as const;
  return host.stepWithHeartbeats(claim, action, async (attempt, report) => {
    const doneFile = join(await host.runDirectory(claim.run), DONE);
    await endRecoveryServer(host.node.stateDir, attempt);
    const done = readOwnFile(doneFile);
    if (done !== null) {
      await host.driver.start(attempt);
      return JSON.parse(done) as LeaseOutcome;
    }
    const shares = await Promise.all(input.shares.map((share) => openShare(host.node.runtimeDir, claim.run, share)));
    if (await isUnsealed(host)) return { state: 'unsealed', ...NOTHING };
    try {
      const { byMount, left, irrevocable, skipped } = await change(host, attempt, { shares, minutes, report });
      const outcome: LeaseOutcome = { state: 'extended', problem: null, byMount, left: left + irrevocable, skipped };
      attempt.assertCurrent();
      await writeFileAtomically(doneFile, `${JSON.stringify(outcome)}\n`);
      return outcome;
    } catch (error) {
      attempt.signal.throwIfAborted();
      if (!isDrError(error)) throw error;
      if (error.code === 'SharesDoNotOpen') return { state: 'wrong shares', ...NOTHING, problem: error.message };
      throw withWayOn(host, error);
    } finally {
      await startAgain(host, attempt);
    }
  });
}

interface Change {
  shares: readonly string[];
  minutes: number;
  report: Report;
}

async function change(host: NodeHost, attempt: Attempt, { shares, minutes, report }: Change): Promise<LeaseChanges> {
  const { node, deps, driver } = host;
  const { server } = await readServer(host);
  const found = await programOf(host);
  await driver.stop(attempt);
  await proveStopped(node, driver);
  const { signal } = attempt;
  const recovery = new RecoveryMode(await localEndpoint(deps.cluster, node, server), { signal });
  try {
    return await withRecoveryServer(
      found,
      { fence: attempt, signal, withinMs: loadLimitMs(0) },
      () => recovery.isUp(),
      async () => {
        report('open the storage with the shares');
        const storage = await recovery.open(shares);
        attempt.assertCurrent();
        try {
          const until = new Date(Date.now() + minutes * 60_000);
          const onChange = (looked: number) => report(formatCount(looked, 'lease'));
          return await changeLeases(storage, { do: 'extend', until }, { signal, onChange });
        } finally {
          storage.close();
        }
      },
    );
  } finally {
    recovery.close();
  }
}

async function programOf({ node, driver }: NodeHost): Promise<RecoveryServer> {
  const program = (await driver.programRun?.(node.dataDir)) ?? null;
  if (program !== null) return { program, dataDir: node.dataDir, stateDir: node.stateDir };
  throw new DrError('ServiceFailed', `How Vault on ${node.name} is started can't be seen.`, { retryable: false });
}

/** By somebody else: what has ended is revoked by now. */
async function isUnsealed(host: NodeHost): Promise<boolean> {
  try {
    return await host.withVault(async (vault) => !(await vault.sealStatus()).sealed);
  } catch (error) {
    if (!isDrError(error) || error.code !== 'VaultUnavailable') throw error;
    return false;
  }
}

async function startAgain(host: NodeHost, attempt: Attempt): Promise<void> {
  await host.driver.start(attempt);
  await host.withVault((vault) => host.waitForVault(vault, attempt));
}

function withWayOn({ node }: NodeHost, error: DrError): DrError {
  const message = notice('lease-grace-failed', `The leases could not be given a later end: ${error.message}`);
  return new DrError(error.code, message, {
    where: node.name,
    advice: `To try again, resume. To continue without it, unseal ${node.name} by hand with the original shares, then resume: leases that have ended are then revoked.`,
    cause: error,
    retryable: error.retryable,
  });
}
