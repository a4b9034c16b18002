import { heartbeat } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { HeartbeatInterceptor } from '../../../src/temporal/heartbeat-interceptor';

const HOUR_MS = 3_600_000;

/** What is beaten while a step of a minute lasts. */
async function heartbeatsOf(
  info: { heartbeatTimeoutMs?: number; startToCloseTimeoutMs: number; heartbeatDetails?: unknown },
  atOnce: () => void = () => undefined,
): Promise<unknown[]> {
  const environment = new MockActivityEnvironment(info);
  const heartbeats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => heartbeats.push(details));
  const running = environment.run(() =>
    new HeartbeatInterceptor().execute({ args: [], headers: {} }, async () => {
      atOnce();
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }),
  );
  await jest.advanceTimersByTimeAsync(60_000);
  await running;
  const whileItRan = heartbeats.length;
  await jest.advanceTimersByTimeAsync(60_000);
  expect(heartbeats).toHaveLength(whileItRan);
  return heartbeats;
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('a short step sends heartbeats as long as it lasts, though it reports nothing', async () => {
  const heartbeats = await heartbeatsOf({ heartbeatTimeoutMs: 5_000, startToCloseTimeoutMs: 60_000 });

  expect(heartbeats.length).toBeGreaterThan(60_000 / 5_000);
});

test('a long step sends heartbeats with its last report, and none when it stalls', async () => {
  const heartbeats = await heartbeatsOf({ heartbeatTimeoutMs: 10_000, startToCloseTimeoutMs: HOUR_MS }, () =>
    heartbeat({ bytes: 5 }),
  );

  expect(new Set(heartbeats)).toEqual(new Set([{ bytes: 5 }]));
  expect(heartbeats.length * 1_500).toBeGreaterThan(15_000);
  expect(heartbeats.length * 1_500).toBeLessThan(25_000);
});

test('what the attempt before has said is kept until this one says something', async () => {
  const info = { heartbeatTimeoutMs: 10_000, startToCloseTimeoutMs: HOUR_MS, heartbeatDetails: { uploadId: 'u1' } };

  expect(await heartbeatsOf(info)).toContainEqual({ uploadId: 'u1' });
});

test('a step without a heartbeat time-out sends no heartbeat', async () => {
  expect(await heartbeatsOf({ startToCloseTimeoutMs: 60_000 })).toEqual([]);
});
