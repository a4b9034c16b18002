import { AttemptGate } from '../../../src/host/attempt';

const never = new AbortController().signal;

test('the newest attempt goes on; the one before it is told and may do nothing more', () => {
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
  const later = gate.begin(new AbortController().signal, '2026-11-23T05:00:00Z');

  const begin = () => gate.begin(new AbortController().signal, '2026-11-23T04:00:00Z');

  expect(begin).toThrow(/A newer attempt at vault-1/);
  expect(() => later.assertCurrent()).not.toThrow();
});
