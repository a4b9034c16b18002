import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { PRIORITY } from '../../../src/contract/names';
import { BackupTurnInterceptor } from '../../../src/temporal/backup-turn-interceptor';
import { Turns } from '../../../src/temporal/turns';

const INPUT = { args: [], headers: {} };

/** A step of a run, as its worker does it. */
function step(turns: Turns, run: string, activityType: string, info: object = {}) {
  const environment = new MockActivityEnvironment(
    {
      activityType,
      workflowType: 'backUpCluster',
      workflowExecution: { workflowId: `backup-${run}`, runId: run },
      priority: PRIORITY.backup,
      ...info,
    },
    { logger: new DefaultLogger('ERROR') },
  );
  const beats: unknown[] = [];
  environment.on('heartbeat', (details) => beats.push(details));
  const result = environment.run(() => new BackupTurnInterceptor(turns).execute(INPUT, () => Promise.resolve('done')));
  return { result, beats, cancel: () => environment.cancel() };
}

it('a backup that must wait says for what, keeps its retries, and is not logged as an error', async () => {
  const turns = new Turns(1);
  await expect(step(turns, 'a', 'planBackup').result).resolves.toBe('done');

  const waits = step(turns, 'b', 'planBackup');
  const failed = waits.result.catch((error: unknown) => error);
  waits.cancel();

  expect(await failed).toMatchObject({
    message: 'It waits for its turn. Backups under way on this controller: 1; waiting: 1.',
    type: 'NotYet',
    nonRetryable: false,
    nextRetryDelay: 5_000,
    category: 'BENIGN',
  });
  expect(waits.beats).toEqual(['waits for its turn; backups under way on this controller: 1']);
});

it.each(['closeBackup', 'discardStaging'])('its last step %s ends its turn, also one that fails', async (last) => {
  const turns = new Turns(1);
  await step(turns, 'a', 'planBackup').result;
  const next = step(turns, 'b', 'planBackup');
  await step(turns, 'a', last).result;

  await expect(next.result).resolves.toBe('done');
  expect(turns.underWay.map(({ runId }) => runId)).toEqual(['b']);
});

it.each([
  ['the backup that a recovery makes', { priority: PRIORITY.recovery }],
  ['a recovery', { workflowType: 'restoreCluster', priority: PRIORITY.recovery }],
  ['a copy of a node', { workflowType: 'copyNode' }],
])('%s never waits, and takes no turn', async (_, info) => {
  const turns = new Turns(1);
  await step(turns, 'a', 'planBackup').result;

  await expect(step(turns, 'b', 'planBackup', info).result).resolves.toBe('done');
  expect(turns.underWay.map(({ runId }) => runId)).toEqual(['a']);
});

it('what is tried within a decision waits for nothing, and keeps its place in the order', async () => {
  const turns = new Turns(1);
  const local = { isLocal: true, priority: undefined };
  await expect(step(turns, 'a', 'planBackup', local).result).resolves.toBe('done');

  await expect(step(turns, 'b', 'planBackup', local).result).rejects.toMatchObject({ type: 'NotYet' });
  const [later, first] = ['c', 'b'].map((run) => step(turns, run, 'planBackup').result);
  turns.end({ runId: 'a' });

  await expect(first).resolves.toBe('done');
  turns.end({ runId: 'b' });
  await expect(later).resolves.toBe('done');
});

it('a step within a decision takes no turn, as a recovery may ask for it', async () => {
  const turns = new Turns(1);
  const local = { isLocal: true, priority: undefined };

  await expect(step(turns, 'a', 'checkHealth', local).result).resolves.toBe('done');
  expect(turns.underWay).toEqual([]);
});

it('a backup from before the controller started counts from its next step on', async () => {
  const turns = new Turns(1);
  await step(turns, 'a', 'captureSnapshot').result;

  expect(turns.underWay.map(({ runId }) => runId)).toEqual(['a']);
});
