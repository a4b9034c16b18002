import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { workflowBundle } from '../support/workflow-bundle';
import {
  earlierHistories,
  type History,
  measure,
  readable,
  readHistory,
  recordedHistories,
  scrub,
  workflowIdOf,
} from './history';
import { SHAPES } from './shapes';

/** Above this Temporal warns of each payload. */
const PAYLOAD_LIMIT = 256 * 1024;
/** Temporal warns from 10240 events on; a run of a small cluster should be far from it. */
const EVENT_LIMIT = 1_000;
const HISTORY_LIMIT = 2 * 1024 * 1024;

/**
 * Runs that began under an older version continue under this one. Each recorded history, one for every shape of run, must be
 * what the workflows of today would have done. Where a change is meant and no run is under way anywhere, record new ones:
 * `npm run record:histories`. Where runs are, keep the old way with `patched()`.
 */
describe('the workflows of today', () => {
  let bundle: { code: string };

  beforeAll(async () => {
    // One replay is meant to fail: its warnings would hide the results.
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
    });
    bundle = await workflowBundle(new DefaultLogger('ERROR'));
  }, 180_000);

  const replay = (history: History) =>
    Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowIdOf(history));

  it.each(SHAPES.map(({ name }) => name))('continue with a run of the shape: %s', async (name) => {
    await expect(replay(await readHistory(name))).resolves.toBeUndefined();
  });

  it('continue with runs that began before approvals were signed', async () => {
    const earlier = await earlierHistories();
    for (const name of earlier) {
      await expect(replay(await readHistory(name)).then(() => name)).resolves.toBe(name);
    }
    expect(earlier).toHaveLength(12);
  }, 60_000);

  it('are distinguished from workflows that do something else', async () => {
    const changed = await readHistory('restore');
    const stop = changed.events.find(
      (event) => event.activityTaskScheduledEventAttributes?.activityType.name === 'stopNode',
    );
    if (!stop?.activityTaskScheduledEventAttributes) throw new Error('the restore stops no node');
    stop.activityTaskScheduledEventAttributes.activityType.name = 'setAsideData';

    await expect(replay(changed)).rejects.toMatchObject({
      name: 'DeterminismViolationError',
      message: expect.stringContaining('stopNode'),
    });
  });
});

describe('recorded histories', () => {
  it('are there for every shape and for nothing else', async () => {
    expect(await recordedHistories()).toEqual(SHAPES.map(({ name }) => name).sort());
  });

  it('are short, and their payloads small enough for Temporal', async () => {
    for (const { name } of SHAPES) {
      const { events, bytes, largestPayload, largestIn } = measure(await readHistory(name));
      process.stdout.write(
        `${name}: ${events} events, ${bytes} bytes, largest payload ${largestPayload} bytes in ${largestIn}\n`,
      );
      expect({ name, largestPayload: largestPayload < PAYLOAD_LIMIT }).toEqual({ name, largestPayload: true });
      expect({ name, events: events > 10 && events < EVENT_LIMIT }).toEqual({ name, events: true });
      expect({ name, bytes: bytes < HISTORY_LIMIT }).toEqual({ name, bytes: true });
    }
  });

  it('hold nothing of the machine that they were recorded on, and no secret', async () => {
    for (const { name } of SHAPES) {
      const text = readable(await readHistory(name));

      expect({ name, machine: text.match(/\/(tmp|root|work|dev\/shm|Users)\/[^\s"]*/)?.[0] }).toEqual({ name });
      expect({ name, secret: text.match(/AGE-SECRET-KEY|hvs\.|PRIVATE KEY|"root_token"/)?.[0] }).toEqual({ name });
    }
  });

  it('are scrubbed alike in the open and in payloads', async () => {
    const original = await readHistory('restore');

    const scrubbed = scrub(original, new Map([['restore-lab', 'restore-elsewhere']]));

    expect(readable(original)).toContain('restore-lab');
    expect(readable(scrubbed)).not.toContain('restore-lab');
    expect(scrub(scrubbed, new Map([['restore-elsewhere', 'restore-lab']]))).toEqual(original);
  });
});
