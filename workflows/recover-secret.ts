import {
  condition,
  defineQuery,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { approveInput, recoverSecretInput } from '../src/contract/input';
import { MESSAGE, PROGRESS_QUERY } from '../src/contract/names';
import { notice } from '../src/contract/notice';
import type { SecretChoice, SecretProgress, SecretReport, SecretsRead, SecretStep } from '../src/contract/secret-run';
import {
  describeSecretRun,
  secretApprovalWanted,
  secretSharesWanted,
  tooFewForSecrets,
} from '../src/contract/voice/secret-run-text';
import { type Approvable, Approvals, signedAmong } from './run/approvals';
import { beginSandboxRun } from './run/begin-sandbox-run';
import { Incoming } from './run/incoming';
import { ending, parseOrFail, problemOf } from './run/problems';
import { SandboxRun } from './run/sandbox-run';
import { sandboxRunDetails } from './run/sandbox-run-details';
import { CLUSTER_ATTRIBUTE, GENERATION_ATTRIBUTE } from './run/search-attributes';
import { controller } from './run/steps';

const EXAMPLE = '{"cluster":"prod","paths":["secret/app/db"],"recipients":["age1…"]}';

/**
 * Reads single secrets out of a backup in a sandbox, for people who may have them, and changes nothing: choose, approve,
 * prepare, shares, read. Input: `{"cluster":"prod","paths":["secret/app/db"],"recipients":["age1…"]}`. Its result is
 * ciphertext; what was read has been in the memory of one step, and nowhere else.
 */
export async function recoverSecret(raw: unknown): Promise<SecretReport> {
  const input = parseOrFail(recoverSecretInput, raw, EXAMPLE);
  const { cluster, requestedBy, waitMinutes, ...wanted } = input;
  const { claim, journal, begun } = beginSandboxRun('recover', input);
  const { run, startedAt } = claim;
  const state = new SecretState({
    ...begun,
    kind: 'recover',
    plan: null,
    planHash: null,
    planValidUntil: null,
    capturedAt: null,
    clusterId: null,
    approvals: [],
  });
  const { progress } = state;
  const sandbox = new SandboxRun(state, journal, () => secretSharesWanted(progress));
  const approvals = new Approvals(state, journal);
  setHandler(defineQuery<SecretProgress>(PROGRESS_QUERY), () => progress, { description: 'How far the run is' });
  const incoming = new Incoming(journal, sandbox.ceremony);
  incoming.takeShares();
  incoming.take(
    MESSAGE.approve,
    approveInput,
    '{"approver":"your name","planHash":"…","signature":"…"}',
    'Approve what is read for whom, by its hash; it must be signed',
    (approval, by) => approvals.take(approval, by),
  );
  incoming.refuseOthers([MESSAGE.submitShare, MESSAGE.approve], () => [progress.planHash]);
  upsertSearchAttributes([{ key: CLUSTER_ATTRIBUTE, value: cluster }]);
  state.enter('choose');
  let humanMs = 0;

  try {
    const chosen = await controller.chooseForRecover({ cluster, ...wanted });
    const until = Date.now() + waitMinutes * 60_000;
    show(chosen, until);
    await approved(until);
    state.enter('prepare');
    await sandbox.prepare();
    const read = await readWithShares(chosen, until);

    state.enter('record');
    journal.record('done', 'success', 'vault-dr', { ...asked(), host: sandbox.host, found: read.paths });
    return reportOf(chosen, read);
  } catch (error) {
    if (isCancellation(error)) {
      journal.record('cancelled', 'info', 'vault-dr', asked());
      throw error;
    }
    const { code, problem, advice, where } = problemOf(error, 'the reading', 'Fix the cause, and ask for it again.');
    journal.record('done', 'failure', 'vault-dr', { ...asked(), code, problem });
    throw ending({ code, problem: `Nothing of '${cluster}' was brought back: ${problem}`, advice, where }, error);
  } finally {
    await sandbox.end();
    await Promise.all([journal.written(), journal.told()]);
  }

  function show({ plan, planHash, capturedAt, clusterId, problems }: SecretChoice, until: number): void {
    const { generation } = plan;
    const planValidUntil = new Date(until).toISOString();
    Object.assign(progress, { plan, planHash, planValidUntil, generation, capturedAt, clusterId });
    upsertSearchAttributes([{ key: GENERATION_ATTRIBUTE, value: generation }]);
    journal.warnings.push(...problems.map(({ repository, problem }) => `${repository}: ${problem}`));
    journal.record('planned', 'info', requestedBy, { ...asked(), planHash });
  }

  /** Names and keys, no values. */
  function asked(): Record<string, unknown> {
    const { generation, paths, versions, deleted, recipients } = progress.plan ?? wanted;
    return { generation, paths, versions, deleted, recipients };
  }

  async function approved(until: number): Promise<void> {
    state.enter('approve');
    journal.notify('approval wanted', secretApprovalWanted(progress));
    const before = Date.now();
    const isApproved = () => progress.approvals.length >= (progress.plan?.approvals ?? Infinity);
    const inTime = await condition(isApproved, Math.max(1, until - before), { summary: 'waiting for approval' });
    humanMs += Date.now() - before;
    if (inTime) return;
    throw ending({
      code: 'NotApproved',
      problem: `${progress.approvals.length} of ${progress.plan?.approvals} approvals came in time.`,
      advice: 'Ask for it again when the approvers have time; --wait says for how long it waits.',
    });
  }

  async function readWithShares(chosen: SecretChoice, until: number): Promise<SecretsRead> {
    const { plan, repositories, sharesNeeded } = chosen;
    for (;;) {
      state.enter('shares');
      const shares = await sandbox.shares(sharesNeeded, until);
      if (shares === null) {
        throw ending({
          code: 'ShareRefused',
          problem: notice('recover-without-shares', tooFewForSecrets(progress)),
          advice: 'Ask for it again when the key holders have time; --wait says for how long it waits.',
        });
      }
      state.enter('read');
      const consent = { requestedBy, expires: progress.planValidUntil!, approvals: signedAmong(progress.approvals) };
      try {
        const read = await sandbox.on((steps) =>
          steps.readFromBackup({ claim, plan, ...consent, repositories, shares }),
        );
        if (read === null) continue;
        sandbox.sets.opened(shares);
        return read.done;
      } catch (error) {
        const { code, problem } = problemOf(error, 'the reading');
        if (code !== 'SharesDoNotOpen') throw error;
        sandbox.sets.didNotOpen(shares, problem);
      }
    }
  }

  function reportOf({ plan, planHash }: SecretChoice, read: SecretsRead): SecretReport {
    const finishedAt = new Date().toISOString();
    const humanSeconds = (humanMs + sandbox.humanMs) / 1_000;
    const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000;
    return {
      ...read,
      cluster,
      run,
      requestedBy,
      startedAt,
      finishedAt,
      plan,
      planHash,
      approvals: progress.approvals,
      host: sandbox.host,
      machineSeconds: seconds - humanSeconds,
      humanSeconds,
      warnings: journal.warnings,
    };
  }
}

/** The state of such a run, as shown to people. */
class SecretState implements Approvable {
  constructor(readonly progress: SecretProgress) {}

  get phaseName(): string {
    return this.progress.step;
  }

  get takesApprovals(): boolean {
    return this.progress.step === 'approve';
  }

  get approveCommand(): string {
    return `vault-dr approve --cluster ${this.progress.cluster} --recover`;
  }

  enter(step: SecretStep): void {
    this.progress.step = step;
    this.show();
  }

  show(): void {
    setCurrentDetails(sandboxRunDetails(describeSecretRun(this.progress)));
  }
}
