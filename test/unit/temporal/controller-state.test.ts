import { readFile, stat } from 'node:fs/promises';
import { holdControllerState } from '../../../src/temporal/controller-state';
import { useDirectory } from '../../support/temporary';

describe('the directory of a controller', () => {
  const inTest = useDirectory();
  const never = new AbortController().signal;
  const quiet = () => undefined;

  it('is made for its owner alone, and gives an id that lasts', async () => {
    const held = await holdControllerState(inTest('state'), quiet, never);
    await held.release();
    const again = await holdControllerState(inTest('state'), quiet, never);
    await again.release();

    expect(held.id).toMatch(/^[0-9a-f]{8}$/);
    expect(again.id).toBe(held.id);
    expect(await readFile(inTest('state', 'controller-id'), 'utf8')).toBe(`${held.id}\n`);
    expect((await stat(inTest('state'))).mode & 0o777).toBe(0o700);
  });

  it('is not shared: a second controller waits, says what it needs, and starts when the first has ended', async () => {
    const first = await holdControllerState(inTest('state'), quiet, never);
    const said: string[] = [];
    const waiting = holdControllerState(
      inTest('state'),
      (message) => {
        said.push(message);
        void first.release();
      },
      never,
    );

    const second = await waiting;

    expect(said).toEqual([
      `Another controller (pid ${process.pid}) is using ${inTest('state')} (a second controller needs a stateDir of its own); waiting for it to end.`,
    ]);
    expect(second.id).toBe(first.id);
    await second.release();
  });

  it('is given up by one that is stopped while it waits', async () => {
    const first = await holdControllerState(inTest('state'), quiet, never);
    const stop = new AbortController();
    const waiting = holdControllerState(inTest('state'), () => stop.abort(), stop.signal);

    await expect(waiting).rejects.toMatchObject({ code: 'Aborted' });
    await first.release();
  });
});
