import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupStops } from '../../../../src/host/run/backup-stop';
import type { ServiceDriver } from '../../../../src/host/service/service-driver';
import { useDirectory } from '../../../support/temporary';

const RUN = '019ab3c4-0000-7000-8000-000000000001';
const OTHER = '019ab3c4-0000-7000-8000-000000000002';
const STOP = { run: RUN, at: '2026-11-27T02:30:00.000Z', deadline: '2026-11-27T02:50:00.000Z' };
const BEFORE = Date.parse('2026-11-27T02:40:00Z');
const AFTER = Date.parse('2026-11-27T02:50:00Z');

const open = () => Promise.resolve(false);
const over = () => Promise.resolve(true);
const unreachable = () => Promise.reject(new Error('Temporal is down'));

describe('a node that was stopped for a backup', () => {
  const directory = useDirectory();
  let starts: number;

  /** Another one on the same host is what an agent is after a restart. */
  function agent(): BackupStops {
    const driver = {
      start: async () => {
        starts++;
      },
    } as unknown as ServiceDriver;
    return new BackupStops({ name: 'vault-1', stateDir: directory() }, driver);
  }

  beforeEach(() => {
    starts = 0;
  });

  it('is started again by its run, once', async () => {
    const stops = agent();
    await stops.begin(STOP);

    expect(await stops.end(RUN)).toBe(true);
    expect(await stops.end(RUN)).toBe(false);
    expect(starts).toBe(1);
    expect(stops.last()).toEqual({ ...STOP, over: true });
  });

  it('is not started by another run', async () => {
    const stops = agent();
    await stops.begin(STOP);

    expect(await stops.end(OTHER)).toBe(false);
    expect(starts).toBe(0);
  });

  it('keeps the time and the deadline of its first stop when the step is repeated', async () => {
    await agent().begin(STOP);
    const again = { ...STOP, at: '2026-11-27T02:31:00.000Z', deadline: '2026-11-27T02:59:00.000Z' };

    expect(await agent().begin(again)).toEqual({ ...STOP, over: false });
  });

  it.each([
    ['its run continues', open, BEFORE, []],
    ['its run is over', over, BEFORE, [RUN]],
    ['Temporal does not answer', unreachable, BEFORE, []],
    ['Temporal does not answer and the deadline has passed', unreachable, AFTER, [RUN]],
    ['its run continues and the deadline has passed', open, AFTER, [RUN]],
  ])('is looked at by an agent that was killed: %s', async (_what, isOver, now, started) => {
    await agent().begin(STOP);

    expect(await agent().settle(isOver, now)).toEqual(started);
    expect(starts).toBe(started.length);
  });

  it('is not started while its data is read', async () => {
    const stops = agent();
    await stops.begin(STOP);
    let whileReading: string[] | undefined;
    await stops.reading(async () => {
      whileReading = await stops.settle(over, AFTER);
    });

    expect(whileReading).toEqual([]);
    expect(await stops.settle(over, AFTER)).toEqual([RUN]);
  });

  it('is started once by whoever comes first', async () => {
    const stops = agent();
    await stops.begin(STOP);

    const ended = await Promise.all([stops.end(RUN), stops.settle(over, AFTER), stops.end()]);

    expect(starts).toBe(1);
    expect(ended.filter((item) => item === true || (Array.isArray(item) && item.length > 0))).toHaveLength(1);
  });

  it('is noted as stopped until it was really started', async () => {
    const failing = new BackupStops({ name: 'vault-1', stateDir: directory() }, {
      start: () => Promise.reject(new Error('no such unit')),
    } as unknown as ServiceDriver);
    await failing.begin(STOP);

    await expect(failing.end(RUN)).rejects.toThrow('no such unit');
    expect(await agent().settle(over, BEFORE)).toEqual([RUN]);
  });

  it('is nobody’s business when there is no note, and a note that can not be read is said', async () => {
    expect(await agent().settle(over, AFTER)).toEqual([]);
    await writeFile(join(directory(), 'backup-stop.json'), '{"run":1}', { mode: 0o600 });
    expect(() => agent().last()).toThrow("can't be read");
  });
});
