import { createReplayer } from '../../../../src/temporal/takeover/replayer';

describe('a process that replays', () => {
  it('may die, as of a history that eats up its memory; the next run gets another one', async () => {
    const replayer = createReplayer({}, '/bundle.js', ['-e', 'process.exit(9)']);
    const run = { workflowId: 'restore-prod', runId: 'a' };

    const answers = [await replayer.replay(run, 30_000), await replayer.replay(run, 30_000)];
    replayer.close();

    for (const { outcome } of answers) {
      expect(outcome).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('died') });
    }
  });
});
