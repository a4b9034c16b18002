import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecoveryReport } from '../../../../src/contract/recovery';
import { attemptsOf, controllersOf, type RunHistory } from '../../../../src/lab/demo/history';
import { parseDemoOptions } from '../../../../src/lab/demo/options';
import { demoReport, type Measurements, noMeasurements } from '../../../../src/lab/demo/report';
import { findInLab, findInText, shareNeedles, withPayloads } from '../../../../src/lab/demo/share-search';

describe('the search for shares', () => {
  const shares = [0, 1].map(() => randomBytes(33).toString('base64')) as [string, string];
  const needles = shareNeedles(shares);

  test.each([
    { form: 'as printed', leak: (share: string) => share },
    { form: 'in hexadecimal', leak: (share: string) => Buffer.from(share, 'base64').toString('hex') },
    { form: 'in upper case', leak: (share: string) => Buffer.from(share, 'base64').toString('hex').toUpperCase() },
    { form: 'as bytes', leak: (share: string) => Buffer.from(share, 'base64') },
  ])('finds one $form, also across the pieces in which a file is read', async ({ leak }) => {
    const directory = await mkdtemp(join(tmpdir(), 'vault-dr-test-'));
    try {
      await mkdir(join(directory, 'logs'));
      const before = Buffer.alloc(1024 * 1024 - 10, 'x');
      await writeFile(
        join(directory, 'logs', 'some.log'),
        Buffer.concat([before, Buffer.from(leak(shares[1])), before]),
      );
      await writeFile(join(directory, 'clean'), before);
      await writeFile(join(directory, 'lab.json'), JSON.stringify(shares));

      const { files, found } = await findInLab(directory, needles);

      expect(found).toEqual([{ needle: 'share 2', file: join(directory, 'logs', 'some.log') }]);
      expect(files).toBe(2);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('finds one inside a payload of a history', () => {
    const payload = Buffer.from(JSON.stringify({ holder: 'eve', share: shares[0] })).toString('base64');
    const history = JSON.stringify({ payloads: [{ metadata: {}, data: payload }] }, null, 2);

    expect(findInText(history, needles)).toEqual([]);
    expect(findInText(withPayloads(history), needles)).toEqual(['share 1']);
  });
});

test('a history tells how often a step was tried and who worked on the run', () => {
  // Only the fields that count; a real one comes from the server in the end-to-end test.
  const history = {
    events: [
      { eventId: 5, activityTaskScheduledEventAttributes: { activityType: { name: 'stopNode' } } },
      { eventId: 6, activityTaskScheduledEventAttributes: { activityType: { name: 'installSnapshot' } } },
      { eventId: 7, activityTaskStartedEventAttributes: { scheduledEventId: 5, attempt: 4 } },
      { eventId: 8, activityTaskStartedEventAttributes: { scheduledEventId: 6, attempt: 2 } },
      { eventId: 9, workflowTaskCompletedEventAttributes: { identity: 'first' } },
      { eventId: 10, workflowTaskCompletedEventAttributes: { identity: 'second' } },
      { eventId: 11, workflowTaskCompletedEventAttributes: { identity: 'first' } },
    ],
  } as unknown as RunHistory;

  expect(attemptsOf(history, 'installSnapshot')).toBe(2);
  expect(attemptsOf(history, 'unsealNode')).toBe(0);
  expect(controllersOf(history)).toEqual(['first', 'second']);
});

describe('the report', () => {
  const restore = { rtoMachineSeconds: 28.90712, rtoHumanSeconds: 12.1494 } as RecoveryReport;
  const good: Measurements = {
    steps: [{ name: 'back up', seconds: 2.5424242, humanSeconds: 0 }],
    checks: [{ name: 'voters', ok: true, detail: 'three' }],
    restore,
    rpoSeconds: 1.36111,
    problem: null,
  };

  test('has the numbers in seconds, to the millisecond', () => {
    expect(demoReport(good)).toEqual({
      ok: true,
      rtoMachineSeconds: 28.907,
      rtoHumanSeconds: 12.149,
      rpoSeconds: 1.361,
      steps: [{ name: 'back up', seconds: 2.542 }],
      checks: [{ name: 'voters', ok: true }],
    });
  });

  test.each([
    { what: 'a check failed', change: { checks: [...good.checks, { name: 'copies', ok: false, detail: '' }] } },
    { what: 'nothing was checked', change: { checks: [] } },
    { what: 'the demo broke off', change: { problem: 'no disk' } },
  ])('is not ok when $what', ({ change }) => {
    expect(demoReport({ ...good, ...change }).ok).toBe(false);
  });

  test('of a demo that did not get far has no numbers', () => {
    expect(demoReport({ ...noMeasurements(), problem: 'no disk' })).toEqual({
      ok: false,
      rtoMachineSeconds: null,
      rtoHumanSeconds: null,
      rpoSeconds: null,
      steps: [],
      checks: [],
    });
  });
});

test('options', () => {
  expect(parseDemoOptions([])).toEqual({ keep: false, report: undefined });
  expect(parseDemoOptions(['--keep', '--report', 'demo.json'])).toEqual({
    keep: true,
    report: join(process.cwd(), 'demo.json'),
  });
});
