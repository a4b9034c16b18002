import { defineQuery, isCancellation, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { DrillChoice } from '../src/contract/drill';
import { rollCallInput } from '../src/contract/input';
import { MESSAGE, PROGRESS_QUERY } from '../src/contract/names';
import { notice } from '../src/contract/notice';
import type { RollCallProgress, RollCallReport, RollCallResult } from '../src/contract/roll-call';
import { holdersNotProven, rollCallFailed } from '../src/contract/voice/roll-call-text';
import { beginSandboxRun } from './run/begin-sandbox-run';
import { Incoming } from './run/incoming';
import { recordRequester } from './run/journal';
import { ending, parseOrFail, problemOf } from './run/problems';
import { SandboxRun } from './run/sandbox-run';
import { SandboxState } from './run/sandbox-state';
import { CLUSTER_ATTRIBUTE, GENERATION_ATTRIBUTE } from './run/search-attributes';
import { controller } from './run/steps';

/**
 * Finds out which key holders still have their shares, and unseals nothing but a sandbox: choose, prepare, shares, try.
 * Input: `{"cluster":"prod"}`. It waits for as many shares as the seal has, or for as long as it may.
 */
export async function rollCall(raw: unknown): Promise<RollCallReport> {
  const input = parseOrFail(rollCallInput, raw, '{"cluster":"prod"}');
  const { cluster, requestedBy, waitMinutes } = input;
  const { claim, journal, begun } = beginSandboxRun('roll-call', input);
  const { run, startedAt } = claim;
  const state = new SandboxState<RollCallProgress>({ ...begun, kind: 'roll-call' });
  const { progress } = state;
  const sandbox = new SandboxRun(state, journal);
  setHandler(defineQuery<RollCallProgress>(PROGRESS_QUERY), () => progress, {
    description: 'How far the roll-call is',
  });
  const incoming = new Incoming(journal, sandbox.ceremony);
  incoming.takeShares();
  incoming.refuseOthers([MESSAGE.submitShare], () => []);
  upsertSearchAttributes([{ key: CLUSTER_ATTRIBUTE, value: cluster }]);
  state.enter('choose');
  recordRequester(journal, requestedBy, input.identity);

  try {
    const chosen = await controller.chooseForDrill({ cluster, generation: 'latest' });
    progress.generation = chosen.generation;
    upsertSearchAttributes([{ key: GENERATION_ATTRIBUTE, value: chosen.generation }]);
    journal.warnings.push(...chosen.problems.map(({ repository, problem }) => `${repository}: ${problem}`));

    state.enter('prepare');
    await sandbox.prepare();
    const result = await judge(chosen);

    state.enter('record');
    const { generation, repository, holders, standing, marked } = result;
    if (marked.length === 0) {
      journal.warnings.push(notice('roll-call-not-kept', 'No repository keeps the result of this roll-call.'));
    }
    const notProved = standing.enough ? null : notice('holders-not-proven', holdersNotProven(standing));
    const details = { generation, repository, host: sandbox.host, holders, proven: standing.proven };
    if (notProved === null) {
      journal.record('done', 'success', 'vault-dr', details);
      if (chosen.isTold)
        journal.notify('roll-call succeeded', `The roll-call of ${cluster} has proved what it should.`);
    } else {
      journal.record('done', 'failure', 'vault-dr', { ...details, problem: notProved });
      journal.notify('roll-call failed', rollCallFailed(progress, notProved));
    }
    const finishedAt = new Date().toISOString();
    const { host } = sandbox;
    return { ...result, cluster, run, requestedBy, startedAt, finishedAt, host, notProved, warnings: journal.warnings };
  } catch (error) {
    if (isCancellation(error)) {
      journal.record('cancelled', 'info', 'vault-dr', {});
      throw error;
    }
    const failed = problemOf(error, 'the roll-call', 'Fix the cause, and repeat the roll-call.');
    const { code, problem, advice, where } = failed;
    journal.record('done', 'failure', 'vault-dr', { code, problem, generation: progress.generation });
    journal.notify('roll-call failed', rollCallFailed(progress, `${problem} ${advice}`));
    throw ending({ code, problem: `The roll-call of '${cluster}' failed: ${problem}`, advice, where }, error);
  } finally {
    await sandbox.end();
    await Promise.all([journal.written(), journal.told()]);
  }

  async function judge({
    generation,
    manifestSha256,
    repositories,
    seal,
    recovery,
  }: DrillChoice): Promise<RollCallResult> {
    const { secretShares } = recovery ?? seal;
    for (;;) {
      state.enter('shares');
      await sandbox.shares(secretShares, Date.now() + waitMinutes * 60_000);
      sandbox.sets.hold();
      const { submitted } = sandbox.sets;
      state.enter('try');
      const backup = { generation, manifestSha256, repositories };
      const judged = await sandbox.on((steps) => steps.tryShares({ claim, ...backup, submitted }));
      // Otherwise the holders are asked again.
      if (judged === null) continue;
      // Those that were being checked when the time was over.
      const late = sandbox.sets.submitted.slice(submitted.length).map(({ holder }) => holder);
      if (late.length > 0) journal.warnings.push(`The share of ${late.join(', ')} came too late to be tried.`);
      return judged.done;
    }
  }
}
