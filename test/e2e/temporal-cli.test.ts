import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { patient } from '../../src/lab/processes';
import type { BackupResult } from '../../src/contract/backup';
import type { RecoveryReport } from '../../src/contract/recovery';
import type { Answer } from '../../src/contract/update-answers';
import { encryptArmored } from '../../src/crypto/age';
import { type DocumentedCommands, documentedCommands } from '../support/documented-commands';
import { useLab } from '../support/lab';
import { approvalIn, commandIn, temporalCli, until } from '../support/temporal-cli';

const BACKUPS = 'docs/operate/backups.md';
const RESTORE_PAGE = 'docs/operate/restore.md';
/** In the block that starts one; the block before it asks for the plan only. */
const RESTORE = `{"cluster":"prod","requestedBy":"ana"}`;
const TEMPORAL = 'temporal-config/README.md';

/** Everything can be done with Temporal's own CLI, by the commands that the pages show. */
describe('the stock temporal CLI', () => {
  const lab = useLab();
  const temporal = () => temporalCli(lab());
  let documented: DocumentedCommands;

  beforeAll(async () => {
    documented = await documentedCommands(lab());
  });

  it('makes a backup', async () => {
    const started = await documented.run(await documented.block(BACKUPS, '--type backUpCluster'));

    const backup = await temporal().resultOf<BackupResult>('backup-lab');

    expect(started.stderr).toBe('');
    expect(backup.copies.map(({ repository, check }) => `${repository} ${check}`)).toEqual([
      'local hashed',
      'offsite hashed',
    ]);
  });

  it('finds one schedule, however often vault-dr has applied it', async () => {
    const first = await lab().cli(['schedule', 'apply', '--cluster', 'lab', '--every', '12h', '--json']);
    const second = await lab().cli(['schedule', 'apply', '--cluster', 'lab', '--every', '6h', '--json']);

    const schedules = await listedSchedules();
    const { schedule } = await temporal().json<Described>('schedule', 'describe', '--schedule-id', 'backup-lab');
    const deleted = await lab().temporalCli(['schedule', 'delete', '--schedule-id', 'backup-lab']);

    expect(JSON.parse(first.stdout)).toMatchObject({ scheduleId: 'backup-lab', outcome: 'created' });
    expect(JSON.parse(second.stdout)).toMatchObject({
      scheduleId: 'backup-lab',
      outcome: 'updated',
      everySeconds: 21_600,
    });
    expect(schedules).toEqual(['backup-lab']);
    expect(schedule.spec.interval.map(({ interval }) => interval)).toEqual(['21600s']);
    expect(schedule.policies.overlapPolicy).toBe('SCHEDULE_OVERLAP_POLICY_SKIP');
    expect(deleted.code).toBe(0);
  });

  it('makes a schedule from an input file and triggers it, and the backup completes', async () => {
    const created = await documented.run(await documented.block(TEMPORAL, 'temporal schedule create'));

    const run = await until('the backup of the schedule is complete', async () => {
      const runs = await temporal().json<Listed[]>(
        'workflow',
        'list',
        '--query',
        'VaultCluster="lab" AND ExecutionStatus="Completed"',
      );
      return runs.find(({ execution }) => /^backup-lab-\d{4}-/.test(execution.workflowId)) ?? null;
    });
    const backup = await temporal().resultOf<BackupResult>(run.execution.workflowId);
    const applied = await lab().cli(['schedule', 'apply', '--cluster', 'lab', '--json']);

    expect(created.code).toBe(0);
    expect(backup.copies.map(({ repository }) => repository)).toEqual(['local', 'offsite']);
    expect(JSON.parse(applied.stdout)).toMatchObject({ outcome: 'updated' });
    expect(await listedSchedules()).toEqual(['backup-lab']);
  });

  it('registers the search attributes as often as one likes', async () => {
    const registered = await documented.run(await documented.block(TEMPORAL, 'search-attribute create'));

    expect(registered.code).toBe(0);
  });

  describe('with a restore that waits for its approval', () => {
    let hash: string;
    /** The documented command; that the cluster serves has to be accepted. */
    const ofServingCluster = async () =>
      (await documented.block(RESTORE_PAGE, RESTORE)).replace(
        '"requestedBy":"ana"',
        '"requestedBy":"ana","accept":["lose-newer-data"]',
      );

    beforeAll(async () => {
      await documented.run(await ofServingCluster());
      const { planHash } = await until('an approval is waited for', async () => {
        const now = await temporal().progress();
        return now.waitingFor === 'approval' ? now : null;
      });
      hash = planHash?.slice(0, 12) ?? '';
    });

    it('refuses to start another one', async () => {
      const before = (await temporal().progress()).run;

      const second = await documented.run(await ofServingCluster());

      expect(second.code).toBe(1);
      expect(second.stderr).toContain('already running');
      expect((await temporal().progress()).run).toBe(before);
    });

    it('shows what it waits for and the exact next commands', async () => {
      const details = await temporal().details();
      const described = await lab().temporalCli(['workflow', 'describe', '--workflow-id', 'restore-lab']);

      expect(details).toContain('### Restore of lab');
      expect(details).toContain('**waits for approval (0 of 1)**');
      expect(details).toContain(`vault-dr approve --cluster lab --plan ${hash}`);
      expect(details).toContain('| vault-1 | first |');
      expect(commandIn(details, 'approve')).toContain('--input-file approval.json');
      expect(details).toContain(`plan: ${(await temporal().progress()).planHash}`);
      expect(described.stdout).toContain('RecoveryPhase');
    });

    it('is found by its search attributes', async () => {
      const found = await until('the run is listed', async () => {
        const runs = await temporal().json<Listed[]>(
          'workflow',
          'list',
          '--query',
          'VaultCluster="lab" AND RecoveryPhase="approve"',
        );
        return runs.length > 0 ? runs : null;
      });

      expect(found.map(({ execution }) => execution.workflowId)).toEqual(['restore-lab']);
    });

    it('logs a signal whose name is mistyped, and changes nothing', async () => {
      const before = await temporal().progress();

      const sent = await temporal().message('signal', 'aprove', { approver: 'ben', planHash: hash });

      const line = await until('the audit trail has it', async () => {
        const trail = await readFile(join(lab().directory, 'controller', 'audit.jsonl'), 'utf8');
        return trail.split('\n').find((text) => text.includes('unknown signal')) ?? null;
      });
      expect(sent.code).toBe(0);
      expect(line).toContain('"name":"aprove"');
      const logged = await until('the log has it', async () => {
        const log = await readFile(join(lab().directory, 'logs', 'controller.log'), 'utf8');
        return log.split('\n').find((text) => text.includes('unknown signal')) ?? null;
      });
      expect(logged).toContain('"name":"aprove"');
      expect(await temporal().progress()).toEqual(before);
    });

    it('refuses messages that are not usable, says why, and changes nothing', async () => {
      const before = await temporal().progress();

      const answers = [
        await temporal().message('update', 'approve', { approver: 'Ana', planHash: hash }),
        await temporal().message('update', 'approve', { approver: 'ben', planHash: '0000000000' }),
        await temporal().message('update', 'approve', { approver: 'ben', planHash: hash }),
        await temporal().message('update', 'resume', { operator: 'ben' }),
      ].map(({ stdout }) => (JSON.parse(stdout) as { result: Answer }).result);
      const rejected = await temporal().message('update', 'approve', 'ben');
      const signalled = await temporal().message('signal', 'approve', { approver: 'ben' });

      expect(answers.map(({ accepted }) => accepted)).toEqual([false, false, false, false]);
      expect(answers.map((answer) => answer.message)).toEqual([
        'Ana requested this run; somebody else has to approve it.',
        `The plan's hash is ${hash}, not 0000000000. Read the plan again before you approve it.`,
        `An approval must be signed: vault-dr approve --cluster lab --plan ${hash} --as ben`,
        'Nothing is parked; the run continues by itself.',
      ]);
      expect(rejected.code).toBe(1);
      expect(rejected.stderr).toContain('Such as: {');
      expect(signalled.code).toBe(0);
      expect(await temporal().progress()).toEqual(before);
    });

    it('ends it by the command that the run shows, with no node stopped', async () => {
      const pids = await vaultPids();

      const aborted = await documented.run(commandIn(await temporal().details(), 'abort'));

      const report = await temporal().resultOf<RecoveryReport>('restore-lab');
      expect(aborted.stdout).toContain('accepted:true');
      expect(report.status).toBe('aborted');
      expect(report.rtoHumanSeconds).toBeGreaterThan(0);
      expect(await vaultPids()).toEqual(pids);
    });
  });

  it('restores the cluster, with approval and shares by update and by signal', async () => {
    const [secret] = await lab().writeSecrets(1);
    await documented.run(await documented.block(BACKUPS, '--type backUpCluster'));
    await temporal().resultOf('backup-lab');
    await lab().destroyDataDirectories();

    await documented.run(await documented.block(RESTORE_PAGE, RESTORE));
    await until('an approval is waited for', async () =>
      (await temporal().progress()).phase === 'approve' ? true : null,
    );
    const approved = await documented.run(approvalIn(await temporal().details(), 'bob', lab().approverKeys.bob));
    expect(approved.stdout).toContain('accepted:true');
    const { recipients, shares } = await until('shares are taken', async () => {
      const now = await temporal().progress();
      return now.shares !== null && now.recipients.length === 3 ? now : null;
    });
    for (const [index, share] of lab().unsealShares.slice(0, 3).entries()) {
      const envelope = await encryptArmored(
        share,
        recipients.map((item) => item.recipient),
      );
      await temporal().message(index === 2 ? 'signal' : 'update', 'submitShare', {
        holder: `holder ${index + 1}`,
        share: envelope,
      });
    }
    const report = await temporal().resultOf<RecoveryReport>('restore-lab');

    expect(shares?.required).toBe(3);
    expect(report.status).toBe('completed');
    expect(report.approvals.map(({ approver }) => approver)).toEqual(['bob']);
    expect(report.shares?.accepted.map(({ holder }) => holder)).toEqual(['holder 1', 'holder 2', 'holder 3']);
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
    expect(await lab().readSecret(secret?.path ?? '')).toBe(secret?.value);
  }, 180_000);

  it.each([
    ['no input', 'backUpCluster', 'backup-1', undefined, 'no input was given. Such as: {"cluster":"prod"}'],
    ['no input', 'restoreCluster', 'restore-lab', undefined, 'no input was given. Such as: {"cluster":"prod"'],
    ['a string', 'backUpCluster', 'backup-2', '"prod"', 'expected object, received string. Such as: {'],
    ['a list', 'restoreCluster', 'restore-lab', '["lab"]', 'expected object, received array. Such as: {'],
    ['a number for a name', 'backUpCluster', 'backup-3', '{"cluster":42}', 'cluster: must be a name in quotes'],
    ['an unknown field', 'backUpCluster', 'backup-4', '{"cluster":"lab","speed":9}', 'Unrecognized key: "speed"'],
    [
      'two mistakes',
      'restoreCluster',
      'restore-lab',
      '{"cluster":"LAB","asOf":"noon"}',
      /cluster: must be .*; asOf: must be a time/,
    ],
    ['an unknown cluster', 'backUpCluster', 'backup-nope', '{"cluster":"nope"}', "no cluster 'nope'. It has: lab."],
    [
      'another id of a backup',
      'backUpCluster',
      'my-backup',
      '{"cluster":"lab"}',
      "only a backUpCluster whose id is, or begins with, 'backup-lab' may",
    ],
    ['an unknown cluster', 'restoreCluster', 'restore-nope', '{"cluster":"nope"}', "no cluster 'nope'. It has: lab."],
    [
      'an unknown generation',
      'restoreCluster',
      'restore-lab',
      '{"cluster":"lab","generation":"20200101T000000Z-000000000001-00000000"}',
      /^Nothing was changed on 'lab'\. No backup of 'lab' was found .* The newest are: \d{8}T/,
    ],
    [
      'what is no generation',
      'restoreCluster',
      'restore-lab',
      '{"cluster":"lab","generation":"newest"}',
      'is not a generation id',
    ],
    [
      'another workflow id',
      'restoreCluster',
      'my-restore',
      '{"cluster":"lab"}',
      "must have the workflow id 'restore-lab'",
    ],
    [
      'a mistyped workflow type',
      'restoreClutser',
      'restore-lab',
      '{"cluster":"lab"}',
      'There are: backUpCluster, restoreCluster, recoverQuorum, rebuildNode, removeSetAside, rollBackRun, migrateStorage, copyNode, drillRestore, rollCall, recoverSecret, evaluateReadiness.',
    ],
  ])('ends at once with a message that says it all, given %s for %s', async (_what, type, id, input, expected) => {
    const start = [
      'workflow',
      'start',
      '--type',
      type,
      '--task-queue',
      'vault-dr',
      '--workflow-id',
      id,
      '--fail-existing',
    ];
    const started = await lab().temporalCli(input === undefined ? start : [...start, '--input', input]);

    const { code, stdout } = await lab().temporalCli(['workflow', 'result', '--workflow-id', id, '--output', 'json']);

    const { events } = await temporal().json<{ events: HistoryEvent[] }>('workflow', 'show', '--workflow-id', id);
    const seconds = (Date.parse(events.at(-1)?.eventTime ?? '') - Date.parse(events[0]?.eventTime ?? '')) / 1_000;
    expect(started.stderr).toBe('');
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as Failed).closeEvent.workflowExecutionFailedEventAttributes.failure.message).toMatch(
      expected,
    );
    // A step that ends while the run does has the server ask for the last decision once more: nothing has failed.
    const causes = events.flatMap(({ workflowTaskFailedEventAttributes: failed }) => failed?.cause ?? []);
    expect(causes.filter((cause) => cause !== 'WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND')).toEqual([]);
    expect(seconds).toBeLessThan(patient(10));
  });

  it('ends when TEMPORAL_CONFIG_FILE names a file that is not there, as the wrong Temporal might be asked', async () => {
    const { code, stderr } = await lab().cli([
      'status',
      '--cluster',
      'lab',
      '--temporal-config',
      '/nowhere/temporal.toml',
    ]);

    expect(code).toBe(3);
    expect(stderr).toContain('/nowhere/temporal.toml');
  });

  /** The list is made by visibility, which comes a moment later. */
  function listedSchedules(): Promise<string[]> {
    return until('schedules are listed', async () => {
      const schedules = await temporal().json<{ scheduleId: string }[]>('schedule', 'list');
      return schedules.length > 0 ? schedules.map(({ scheduleId }) => scheduleId) : null;
    });
  }

  function vaultPids(): Promise<(number | undefined)[]> {
    return Promise.all(lab().nodes.map(({ name }) => lab().vaultPid(name)));
  }
});

interface Listed {
  execution: { workflowId: string };
}

interface Described {
  schedule: { spec: { interval: { interval: string }[] }; policies: { overlapPolicy: string } };
}

interface HistoryEvent {
  eventType: string;
  eventTime: string;
  workflowTaskFailedEventAttributes?: { cause: string };
}

interface Failed {
  closeEvent: { workflowExecutionFailedEventAttributes: { failure: { message: string } } };
}
