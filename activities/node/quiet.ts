import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DrError } from '../../src/contract/failures';
import type { RunClaim } from '../../src/contract/recovery';
import { writeFileAtomically } from '../../src/files/atomic-file';
import { readOwnFile } from '../../src/files/own-files';
import type { Attempt } from '../../src/host/run/attempt';
import { cutOf } from '../../src/host/service/cut';
import { proveStopped } from '../../src/host/service/service';
import type { QuietFence } from '../../src/host/service/service-driver';
import type { NodeHost } from './context';

/** In the directory of the run: its Vault runs behind the fence only. */
const QUIET = 'quiet';

/** @returns why this host can't keep its Vault behind a fence; null if it can. Changes nothing of Vault. */
export async function proveQuiet(host: NodeHost): Promise<string | null> {
  const { node, driver, deps } = host;
  if (!driver.quiet) return `the driver '${node.service.driver}' of ${node.name} has no fence: systemd has`;
  const problem = await driver.quiet.problem(await cutOf(deps.cluster, deps.config.sandbox));
  return problem === null ? null : `${node.name}: ${problem}`;
}

/** Before anything is installed: from here on every start of Vault on this host is behind the fence, and proves it. */
export async function beginQuiet(host: NodeHost, run: string, attempt: Attempt): Promise<void> {
  attempt.assertCurrent();
  await writeFileAtomically(join(await host.runDirectory(run), QUIET), `${new Date().toISOString()}\n`);
  await keepQuiet(host, run, attempt);
}

/**
 * Before shares are given: somebody may have removed the fence. Then Vault is stopped first, because only a start proves one.
 * @returns whether it is stopped
 */
export async function keepQuiet(host: NodeHost, run: string, attempt: Attempt): Promise<boolean> {
  if (readOwnFile(join(await host.runDirectory(run), QUIET)) === null) return false;
  const quiet = fenceOf(host);
  const isPlaced = (await quiet.placedBy()) === run;
  if (!isPlaced) {
    await host.driver.stop(attempt);
    await proveStopped(host.node, host.driver);
  }
  // Also if it is there: an agent that was killed may not have had systemd read it.
  await quiet.place(run, await cutOf(host.deps.cluster, host.deps.config.sandbox), attempt);
  return !isPlaced;
}

/** Lets clients and the other nodes reach this host's Vault, and Vault everything else, at once. */
export async function liftFence(host: NodeHost, input: { claim: RunClaim }): Promise<void> {
  await host.retry(input.claim, { kind: 'lift the fence' }, async (attempt) => {
    // First, or what has to unseal it meanwhile would put it back.
    await rm(join(await host.runDirectory(input.claim.run), QUIET), { force: true });
    await host.driver.quiet?.lift(attempt);
  });
}

/** What a run left behind that was cancelled or lost: another one needs the network. */
export async function liftEarlierFence(host: NodeHost, run: string, attempt: Attempt): Promise<void> {
  const by = (await host.driver.quiet?.placedBy()) ?? null;
  if (by !== null && by !== run) await host.driver.quiet?.lift(attempt, by);
}

function fenceOf({ node, driver }: NodeHost): QuietFence {
  if (driver.quiet) return driver.quiet;
  throw new DrError('InvalidConfiguration', `The driver '${node.service.driver}' of ${node.name} has no fence.`, {
    where: node.name,
    advice: 'Roll back, and restore without --quiet, or let systemd run Vault there.',
  });
}
