import { heartbeat } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { BeatInterceptor } from '../../../src/temporal/beat-interceptor';

const HOUR_MS = 3_600_000;

/** What is beaten while a step of a minute lasts. */
async function beatsOf(
  info: { heartbeatTimeoutMs?: number; startToCloseTimeoutMs: number; heartbeatDetails?: unknown },
  atOnce: () => void = () => undefined,
): Promise<unknown[]> {
  const environment = new MockActivityEnvironment(info);
  const beats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => beats.push(details));
  const running = environment.run(() =>
    new BeatInterceptor().execute({ args: [], headers: {} }, async () => {
      atOnce();
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }),
  );
  await jest.advanceTimersByTimeAsync(60_000);
  await running;
  const whileItRan = beats.length;
  await jest.advanceTimersByTimeAsync(60_000);
  expect(beats).toHaveLength(whileItRan);
  return beats;
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('a short step beats as long as it lasts, though it says nothing', async () => {
  const beats = await beatsOf({ heartbeatTimeoutMs: 5_000, startToCloseTimeoutMs: 60_000 });

  expect(beats.length).toBeGreaterThan(60_000 / 5_000);
});

test('a long step beats with what it has said last, and no longer when it stands still', async () => {
  const beats = await beatsOf({ heartbeatTimeoutMs: 10_000, startToCloseTimeoutMs: HOUR_MS }, () =>
    heartbeat({ bytes: 5 }),
  );

  expect(new Set(beats)).toEqual(new Set([{ bytes: 5 }]));
  expect(beats.length * 1_500).toBeGreaterThan(15_000);
  expect(beats.length * 1_500).toBeLessThan(25_000);
});

test('what the attempt before has said is kept until this one says something', async () => {
  const info = { heartbeatTimeoutMs: 10_000, startToCloseTimeoutMs: HOUR_MS, heartbeatDetails: { uploadId: 'u1' } };

  expect(await beatsOf(info)).toContainEqual({ uploadId: 'u1' });
});

test('a step of which no beat is wanted does not beat', async () => {
  expect(await beatsOf({ startToCloseTimeoutMs: 60_000 })).toEqual([]);
});
