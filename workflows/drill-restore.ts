import { defineQuery, isCancellation, patched, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { DrillChoice, DrillProgress, DrillReport, DrillResult } from '../src/contract/drill';
import { drillInput } from '../src/contract/input';
import { MESSAGE, PROGRESS_QUERY } from '../src/contract/names';
import { notice } from '../src/contract/notice';
import { drillFailed, tooFewShares } from '../src/contract/voice/sandbox-run-text';
import { beginSandboxRun } from './run/begin-sandbox-run';
import { Incoming } from './run/incoming';
import { recordRequester } from './run/journal';
import { ending, parseOrFail, problemOf } from './run/problems';
import { SandboxRun } from './run/sandbox-run';
import { SandboxState } from './run/sandbox-state';
import { CLUSTER_ATTRIBUTE, GENERATION_ATTRIBUTE } from './run/search-attributes';
import { controller } from './run/steps';

/**
 * Rehearses a restore of a cluster in a sandbox, and changes nothing: choose, prepare, shares, rehearse. Input:
 * `{"cluster":"prod"}`. What is started for it lives in one step, so a run that is killed anywhere leaves nothing.
 */
export async function drillRestore(raw: unknown): Promise<DrillReport> {
  const input = parseOrFail(drillInput, raw, '{"cluster":"prod"}');
  const { cluster, requestedBy } = input;
  const { claim, journal, begun } = beginSandboxRun('drill', input);
  const { run, startedAt } = claim;
  const state = new SandboxState<DrillProgress>(begun);
  const { progress } = state;
  const sandbox = new SandboxRun(state, journal);
  setHandler(defineQuery<DrillProgress>(PROGRESS_QUERY), () => progress, { description: 'How far the drill is' });
  const incoming = new Incoming(journal, sandbox.ceremony);
  incoming.takeShares();
  incoming.refuseOthers([MESSAGE.submitShare], () => []);
  upsertSearchAttributes([{ key: CLUSTER_ATTRIBUTE, value: cluster }]);
  state.enter('choose');
  recordRequester(journal, requestedBy, input.identity);

  try {
    const { generation, from } = input;
    const chosen = await controller.chooseForDrill({
      cluster,
      ...(generation === undefined ? {} : { generation }),
      ...(from === undefined ? {} : { from }),
    });
    progress.generation = chosen.generation;
    upsertSearchAttributes([{ key: GENERATION_ATTRIBUTE, value: chosen.generation }]);
    journal.warnings.push(...chosen.problems.map(({ repository, problem }) => `${repository}: ${problem}`));

    state.enter('prepare');
    await sandbox.prepare();
    const { result, notProved } = await rehearse(chosen);

    state.enter('record');
    const report = reportOf(result, notProved);
    const { level, repository, phases } = result;
    const details = { generation: result.generation, repository, level, host: sandbox.host, phases };
    if (notProved === null) {
      journal.record('done', 'success', 'vault-dr', details);
      if (chosen.isTold) journal.notify('drill succeeded', `The drill of ${cluster} has proved what it should.`);
    } else {
      journal.record('done', 'failure', 'vault-dr', { ...details, problem: notProved });
      journal.notify('drill failed', drillFailed(progress, notProved));
    }
    return report;
  } catch (error) {
    if (isCancellation(error)) {
      journal.record('cancelled', 'info', 'vault-dr', {});
      throw error;
    }
    const { code, problem, advice, where } = problemOf(error, 'the drill', 'Fix the cause, and repeat the drill.');
    journal.record('done', 'failure', 'vault-dr', { code, problem, generation: progress.generation });
    journal.notify('drill failed', drillFailed(progress, `${problem} ${advice}`));
    throw ending({ code, problem: `The drill of '${cluster}' failed: ${problem}`, advice, where }, error);
  } finally {
    await sandbox.end();
    await Promise.all([journal.written(), journal.told()]);
  }

  /** With the shares, if they are wanted and come; otherwise it proves what it can without. */
  async function rehearse({ generation, manifestSha256, repositories, seal }: DrillChoice): Promise<Rehearsed> {
    let until: number | null = null;
    let wanted = input.unseal && seal.type === 'shamir';
    let notProved: string | null = null;
    const judgesSets = wanted && patched('drill-judges-sets');
    for (;;) {
      if (wanted) state.enter('shares');
      until ??= Date.now() + input.waitMinutes * 60_000;
      const next = wanted ? await sandbox.shares(seal.secretThreshold, until) : null;
      const shares = next && judgesSets ? [...sandbox.sets.envelopes] : next;
      if (wanted && shares === null) {
        notProved = notice('drill-not-unsealed', tooFewShares(progress));
        wanted = false;
        sandbox.closeShares();
      }
      state.enter('rehearse');
      const backup = { generation, manifestSha256, repositories };
      try {
        const rehearsed = await sandbox.on((steps) => steps.rehearse({ claim, ...backup, shares }));
        if (rehearsed === null) continue;
        const { done } = rehearsed;
        if (shares !== null && done.shares && judgesSets) sandbox.sets.judged(shares, done.shares);
        else if (shares !== null) sandbox.sets.opened(shares);
        return { result: done, notProved };
      } catch (error) {
        const { code, problem } = problemOf(error, 'the drill');
        if (shares === null || code !== 'SharesDoNotOpen') throw error;
        sandbox.sets.didNotOpen(shares, problem);
      }
    }
  }

  function reportOf(result: DrillResult, notProved: string | null): DrillReport {
    const finishedAt = new Date().toISOString();
    const humanSeconds = sandbox.humanMs / 1_000;
    const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000;
    return {
      ...result,
      cluster,
      run,
      requestedBy,
      startedAt,
      finishedAt,
      host: sandbox.host,
      machineSeconds: seconds - humanSeconds,
      humanSeconds,
      notProved,
      warnings: journal.warnings,
    };
  }
}

interface Rehearsed {
  result: DrillResult;
  notProved: string | null;
}
