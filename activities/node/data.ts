import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LeftOver } from '../../src/contract/host';
import type { RunClaim } from '../../src/contract/recovery';
import type { NodeInput } from '../../src/contract/step-input/node';
import { identityProblem } from '../../src/contract/node-identity';
import { DrError } from '../../src/contract/failures';
import { WORKFLOW } from '../../src/contract/names';
import type { ServiceDriver } from '../../src/host/service/service-driver';
import type { Attempt } from '../../src/host/run/attempt';
import {
  blankDataDirectory,
  JOIN_BEGUN,
  readMarker,
  removeDiscarded,
  setAsideDataDirectory,
} from '../../src/host/data/data-directory';
import { listKeptConsul, removeKeptConsul } from '../../src/host/data/kept-consul';
import { readRaftStorage } from '../../src/vault/storage/raft-storage';
import { endRecoveryServer } from '../../src/host/service/recovery-server';
import { proveStopped } from '../../src/host/service/service';
import {
  copyAside,
  deleteDataDirectory,
  listLeftOvers,
  type PutBack,
  putBackDataDirectory,
  removeLeftOvers,
} from '../../src/host/data/set-aside';
import { forgetUnfinished, noteUnfinished, unfinishedNotes } from '../../src/host/run/unfinished';
import { assertNoneHalfMoved, forgetSettled } from '../../src/host/data/unfinished-runs';
import { assertClaim } from '../../src/host/run/claim';
import { ownWorkflow } from '../caller';
import type { NodeHost } from './context';
import { endLeftMigration, undoMigration } from './migrate';
import { liftEarlierFence } from './quiet';

const DAY_MS = 86_400_000;

/** Stops Vault and proves it: process gone, ports closed. */
export async function stopNode(host: NodeHost, input: { claim: RunClaim }): Promise<void> {
  await host.stepWithHeartbeats(input.claim, { kind: 'stop' }, async (attempt) => {
    await endRecoveryServer(host.node.stateDir, attempt);
    await stopAndProve(host, host.driver, attempt);
    await liftEarlierFence(host, input.claim.run, attempt);
  });
}

/**
 * @param input `otherCluster`: somebody has confirmed that data of another cluster may be set aside
 * @returns where the data directory is now; null if there was none, or it was deleted.
 */
export async function setAsideData(host: NodeHost, input: NodeInput<'setAsideData'>): Promise<string | null> {
  const { claim, how, otherCluster } = input;
  const { staged = null, lost = null, layout = 'beside' } = input;
  const { dataDir } = host.node;
  return host.stepWithHeartbeats(
    claim,
    { kind: 'set aside', how, otherCluster, layout, staged, lost },
    async (attempt) => {
      if (how === 'delete') assertMayDelete(host);
      await proveStopped(host.node, host.driver);
      // From here on the host is as if that run had been rolled back.
      if (lost !== null) await putBackLost(host, lost, attempt);
      await assertNoneHalfMoved(host.node, claim.run);
      if (!otherCluster) await assertOwnData(host, claim.run);
      if (how === 'rename') {
        await noteOwnRun(host, claim.run);
        const aside = await setAsideDataDirectory(dataDir, claim.run, attempt, layout);
        await forgetSettled(host.node, claim.run);
        return aside;
      }
      await deleteDataDirectory(dataDir, claim.run, attempt, layout);
      await removeDiscarded(dataDir, claim.run, attempt);
      return null;
    },
  );
}

/** For data without another copy. @returns where the copy is. */
export async function copyDataAside(host: NodeHost, input: { claim: RunClaim }): Promise<string> {
  const { claim } = input;
  return host.stepWithHeartbeats(claim, { kind: 'copy aside' }, async (attempt) => {
    await proveStopped(host.node, host.driver);
    await assertNoneHalfMoved(host.node, claim.run);
    await assertOwnData(host, claim.run);
    await noteOwnRun(host, claim.run);
    return copyAside(host.node.dataDir, claim.run, attempt);
  });
}

/**
 * Puts back what the run has set aside; the data written by the run is kept next to it.
 * @param input `lost`: a run that never ended; what it set aside is older than both of them
 */
export async function putBackData(host: NodeHost, input: NodeInput<'putBackData'>): Promise<PutBack> {
  const { claim, lost = null } = input;
  return host.stepWithHeartbeats(claim, { kind: 'put back', lost }, async (attempt) => {
    await proveStopped(host.node, host.driver);
    await endLeftMigration(host);
    const before = lost === null ? 'untouched' : await putBackLost(host, lost, attempt);
    const own = await putBackDataDirectory(host.node.dataDir, claim.run, attempt);
    await undoMigration(host, claim.run, attempt);
    await forgetUnfinished(host.node.stateDir, claim.run);
    return own === 'untouched' ? before : own;
  });
}

/** Repeatable, also when this run has set aside meanwhile what was put back. */
async function putBackLost(host: NodeHost, lost: string, attempt: Attempt): Promise<PutBack> {
  const { node } = host;
  const result = await putBackDataDirectory(node.dataDir, lost, attempt);
  await undoMigration(host, lost, attempt);
  await forgetUnfinished(node.stateDir, lost);
  return result;
}

/** A rebuild has no way back: the others serve, and the data set aside may be what broke the node. */
async function noteOwnRun({ node }: NodeHost, run: string): Promise<void> {
  if (ownWorkflow() === WORKFLOW.rebuildNode) return;
  const { startedAt } = await assertClaim(node.stateDir, node.name, run);
  await noteUnfinished(node.stateDir, { run, startedAt });
}

/** Stops a node that could not join, and removes the data written by this run. */
export async function blankNode(host: NodeHost, input: { claim: RunClaim }): Promise<void> {
  await host.stepWithHeartbeats(input.claim, { kind: 'blank' }, async (attempt) => {
    await stopAndProve(host, host.driver, attempt);
    await blankDataDirectory(host.node.dataDir, input.claim.run, attempt);
    await rm(join(await host.runDirectory(input.claim.run), JOIN_BEGUN), { force: true });
    await removeDiscarded(host.node.dataDir, input.claim.run, attempt);
  });
}

/** What an earlier run left on this host. Changes nothing. */
export async function lookForLeftOvers({ node }: NodeHost, input: { of: string }): Promise<LeftOver[]> {
  const found = await leftOversOf(node, input.of);
  const isUnfinished = (await unfinishedNotes(node.stateDir)).some(({ run }) => run === input.of);
  return found.map((item) => (isUnfinished && item.setAsideAt !== null ? { ...item, isOriginal: true } : item));
}

/** Deletes what an earlier run left on this host. @returns what was deleted. */
export async function removeSetAsideData(host: NodeHost, input: { claim: RunClaim; of: string }): Promise<LeftOver[]> {
  const { dataDir, stateDir } = host.node;
  // Of a run that never ended it is the original data.
  const isUnfinished = (await unfinishedNotes(stateDir)).some(({ run }) => run === input.of);
  const isYoung = isUnfinished || (await leftOversOf(host.node, input.of)).some((item) => isInGrace(item, host));
  return host.stepWithHeartbeats(input.claim, { kind: 'remove', of: input.of, isYoung }, async (attempt) => {
    const removed = await removeLeftOvers(dataDir, input.of, attempt);
    removed.push(...(await removeKeptConsul(stateDir, input.of, attempt)));
    await forgetUnfinished(stateDir, input.of);
    return removed;
  });
}

async function leftOversOf({ dataDir, stateDir }: NodeHost['node'], run: string): Promise<LeftOver[]> {
  return [...(await listLeftOvers(dataDir, run)), ...(await listKeptConsul(stateDir, run))];
}

/** Data written and rolled back by a run may be deleted at once. */
function isInGrace({ setAsideAt }: LeftOver, { deps }: NodeHost): boolean {
  if (setAsideAt === null) return false;
  // Also if the time can't be parsed.
  return !(Date.now() >= Date.parse(setAsideAt) + deps.cluster.restore.graceDays * DAY_MS);
}

async function stopAndProve(host: NodeHost, driver: ServiceDriver, attempt: Attempt): Promise<void> {
  await driver.stop(attempt);
  await proveStopped(host.node, driver);
}

/** Deletes without a way back, so only this host's own configuration can allow it. */
function assertMayDelete({ node, deps }: NodeHost): void {
  if (deps.cluster.restore.setAside === 'delete') return;
  throw new DrError(
    'InvalidConfiguration',
    `${node.name}: the configuration of this host does not allow old data to be deleted.`,
    {
      notice: 'host-configuration-differs',
      where: node.name,
      advice:
        'Nothing was changed. It has restore.setAside: rename, but the controller has `delete`: make both the same, restart the agent, and resume.',
    },
  );
}

/** The last check before data is moved: whose is it? */
async function assertOwnData(host: NodeHost, run: string): Promise<void> {
  const { node, deps } = host;
  if ((await readMarker(node.dataDir)) === run) return;
  const storage = await readRaftStorage(node.dataDir);
  const nodes = deps.cluster.nodes.map((item) => ({ ...item, nodeId: item.nodeId ?? item.name }));
  const problem = storage && identityProblem(storage, { ...node, nodeId: node.nodeId ?? node.name }, nodes);
  if (!problem) return;
  throw new DrError('NodeUnsafe', `${node.name}: ${node.dataDir} ${problem}. It was not touched.`, {
    where: node.name,
    advice:
      'Check that this is the right host and the right dataDir. Correct the configuration, or move that directory away by hand; then resume.',
  });
}
