import { AttemptGate } from '../../../../src/host/run/attempt';

const never = new AbortController().signal;

test('the newest attempt continues; the one before it is aborted and may do nothing more', () => {
  const gate = new AttemptGate('vault-1');

  const older = gate.begin(never);
  older.assertCurrent();
  const newer = gate.begin(never);

  expect(older.signal.aborted).toBe(true);
  expect(() => older.assertCurrent()).toThrow(expect.objectContaining({ code: 'NodeFenced', where: 'vault-1' }));
  expect(newer.signal.aborted).toBe(false);
  expect(() => newer.assertCurrent()).not.toThrow();
});

test('a cancelled attempt may do nothing more, and says why', () => {
  const cancellation = new AbortController();
  const attempt = new AttemptGate('vault-1').begin(cancellation.signal);

  cancellation.abort(new Error('cancelled by the run'));

  expect(() => attempt.assertCurrent()).toThrow('cancelled by the run');
  expect(attempt.signal.aborted).toBe(true);
});

test('the attempts of one node leave those of another alone', () => {
  const first = new AttemptGate('vault-1').begin(never);

  new AttemptGate('vault-2').begin(never);

  expect(() => first.assertCurrent()).not.toThrow();
});

test('an attempt of an earlier run is refused, and leaves that of the later one alone', () => {
  const gate = new AttemptGate('vault-1');
  const later = gate.begin(never, { order: '2026-11-23T05:00:00Z' });

  const begin = () => gate.begin(never, { order: '2026-11-23T04:00:00Z' });

  // Where Temporal still wants it, it is asked for again, and is the newest by then.
  expect(begin).toThrow(expect.objectContaining({ code: 'NodeFenced', retryable: true, where: 'vault-1' }));
  expect(() => later.assertCurrent()).not.toThrow();
});

describe('an attempt whose process was frozen', () => {
  let time = 1_000;
  const gate = () => new AttemptGate('vault-1', () => time);

  it('may do nothing more when that was longer than its lease, and says so', () => {
    const attempt = gate().begin(never, { leaseMs: 5_000 });
    attempt.assertCurrent();

    time += 5_001;

    expect(() => attempt.assertCurrent()).toThrow(
      expect.objectContaining({ code: 'NodeFenced', retryable: true, where: 'vault-1' }),
    );
    expect(attempt.signal.aborted).toBe(true);
    expect(() => attempt.assertCurrent()).toThrow('was frozen for 5 s');
  });

  it('continues when it was shorter, however often', () => {
    const attempt = gate().begin(never, { leaseMs: 5_000 });

    for (let times = 0; times < 5; times++) {
      time += 4_999;
      expect(() => attempt.assertCurrent()).not.toThrow();
    }
  });

  it('is noticed without being asked, so that what it waits for ends too', async () => {
    const attempt = gate().begin(never, { leaseMs: 5_000 });

    time += 60_000;
    await new Promise((resolve) => attempt.signal.addEventListener('abort', resolve));

    expect((attempt.signal.reason as Error).message).toContain('was frozen for 1 min 0 s');
  });

  it('is of no concern to the attempt that begins afterwards', () => {
    const shared = gate();
    const frozen = shared.begin(never, { leaseMs: 5_000 });

    time += 60_000;
    const next = shared.begin(never, { leaseMs: 5_000 });

    expect(() => frozen.assertCurrent()).toThrow('was frozen');
    expect(() => next.assertCurrent()).not.toThrow();
  });
});
