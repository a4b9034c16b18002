import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { SurveyTurnInterceptor } from '../../../src/temporal/survey-turn-interceptor';
import { Turns } from '../../../src/temporal/turns';

const INPUT = { args: [], headers: {} };

/** A step of an evaluation that ends when it is released. */
function step(turns: Turns, run: string, activityType = 'surveyBackups') {
  const environment = new MockActivityEnvironment(
    {
      activityType,
      workflowType: 'evaluateReadiness',
      workflowExecution: { workflowId: `readiness-${run}`, runId: run },
    },
    { logger: new DefaultLogger('ERROR') },
  );
  const beats: unknown[] = [];
  environment.on('heartbeat', (details) => beats.push(details));
  let release: (error?: Error) => void = () => undefined;
  const work = new Promise<unknown>((resolve, reject) => {
    release = (error) => (error ? reject(error) : resolve('done'));
  });
  let begun = false;
  const next = () => {
    begun = true;
    return work;
  };
  const result = environment.run(() => new SurveyTurnInterceptor(turns).execute(INPUT, next)) as Promise<unknown>;
  result.catch(() => undefined);
  return { result, beats, release, hasBegun: () => begun, cancel: () => environment.cancel() };
}

const soon = () => new Promise((resolve) => setImmediate(resolve));

it('no more backups are read at a time than may be; whoever waits begins when another one has ended', async () => {
  const turns = new Turns(2);
  const [one, two, three] = ['a', 'b', 'c'].map((run) => step(turns, run)) as [Step, Step, Step];
  await soon();
  expect([one, two, three].map((item) => item.hasBegun())).toEqual([true, true, false]);
  expect(three.beats).toEqual(['waits for its turn; evaluations under way on this controller: 2']);

  // Also one that fails makes room.
  one.release(new Error('no answer'));
  await expect(one.result).rejects.toThrow('no answer');
  await soon();

  expect(three.hasBegun()).toBe(true);
  two.release();
  three.release();
  expect(await Promise.all([two.result, three.result])).toEqual(['done', 'done']);
  expect(turns.underWay).toEqual([]);
});

it('one that has waited for long gives its slot back, and is tried again', async () => {
  const turns = new Turns(1);
  const first = step(turns, 'a');
  await soon();
  const second = step(turns, 'b');
  await soon();
  second.cancel();

  await expect(second.result).rejects.toMatchObject({
    type: 'NotYet',
    message: 'It waits for its turn. Evaluations under way on this controller: 1; waiting: 1.',
    nextRetryDelay: 5_000,
    category: 'BENIGN',
  });
  first.release();
  await first.result;
});

it('other steps wait for nothing', async () => {
  const turns = new Turns(1);
  const survey = step(turns, 'a');
  await soon();
  const other = step(turns, 'b', 'judgeReadiness');
  other.release();

  expect(await other.result).toBe('done');
  survey.release();
  await survey.result;
});

type Step = ReturnType<typeof step>;
