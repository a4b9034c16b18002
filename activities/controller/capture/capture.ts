import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterHealth, StagedGeneration } from '../../../src/contract/backup';
import { DrError, type FailureCode, isDrError, withoutRetry } from '../../../src/contract/failures';
import type { ControllerInput } from '../../../src/contract/step-input/controller';
import { toDiskError } from '../../../src/files/disk-error';
import { privateDirectory } from '../../../src/files/files';
import { attempt, withHeartbeats } from '../../heartbeat';
import { BUNDLES_DIRECTORY, takeHanded } from '../bundles';
import { confirmBackup } from '../confirm';
import type { Controller } from '../context';
import { CAPTURES } from './attempts';
import type { Captured } from './captured';
import { captureConsul } from './consul';
import { describeCapture } from './describe';
import { captureRaft } from './raft';

const CAPTURES_BY = { raft: captureRaft, consul: captureConsul, filesystem: captureFiles };

const NOT_WHOLE: readonly FailureCode[] = ['SnapshotIncomplete', 'SnapshotCorrupt'];

/** A controller has no data directory: the agent of a node makes that archive. */
function captureFiles(): Promise<Captured> {
  throw new DrError('InvalidConfiguration', 'A copy of files is made on a node, not by the controller.', {
    advice: 'The configuration may have changed meanwhile. Start the backup again.',
  });
}

type CaptureInput = ControllerInput<'captureSnapshot'>;

/**
 * Captures from the leader's own address in one pass: socket → verify → encrypt → staging file. A generation exists
 * only after the whole archive was verified; a truncated, empty or error body leaves nothing behind.
 */
export async function captureSnapshot(controller: Controller, input: CaptureInput): Promise<StagedGeneration> {
  const plan = confirmBackup(controller, input.plan);
  const staging = await controller.stagingDirectory(plan.cluster, input.run);
  try {
    return await captureTo(controller, staging, { ...input, plan });
  } catch (error) {
    throw toDiskError(error, staging);
  }
}

async function captureTo(controller: Controller, staging: string, input: CaptureInput): Promise<StagedGeneration> {
  const { plan, health, run } = input;
  const runDirectory = await privateDirectory(staging);
  // Left by an earlier attempt. If that one is still writing, it fails because its directory is gone.
  for (const name of await readdir(runDirectory)) {
    if (name !== BUNDLES_DIRECTORY) await rm(join(runDirectory, name), { recursive: true, force: true });
  }
  const directory = await privateDirectory(runDirectory, randomBytes(4).toString('hex'));
  try {
    const captured = await CAPTURES_BY[plan.method ?? 'raft'](controller, plan, directory);
    const { bundles, problems } = await takeHanded(controller, plan.cluster, runDirectory, directory, input);
    const warnings = [
      ...health.warnings,
      ...movedLeadership(health, captured.leader),
      ...captured.warnings,
      ...problems,
    ];
    return await withHeartbeats('write the manifest', () =>
      describeCapture(controller, plan, { ...captured, bundles, warnings }, run, directory),
    );
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    // A connection may break once. If it breaks every time, somebody has to look into it.
    if (attempt() < CAPTURES || !isDrError(error) || !NOT_WHOLE.includes(error.code)) throw error;
    throw withoutRetry(error, `${error.message} It was tried ${attempt()} times.`);
  }
}

/** The backup is good, but a leader that changed meanwhile is worth a warning. */
function movedLeadership(health: ClusterHealth, { leader, nodes }: Captured['leader']): string[] {
  if (leader.node === health.leader) return [];
  const problem = nodes.find(({ node }) => node === health.leader)?.problem ?? null;
  const why = problem === null ? '' : `: ${problem}`;
  return [`the leadership moved from ${health.leader} to ${leader.node} during the backup${why}`];
}
