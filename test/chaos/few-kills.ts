import { type ChaosLab, startChaosLab } from './chaos-lab';
import type { Reference } from './instants';
import type { ChaosCase } from './matrix';
import { measure, runCase } from './run-case';
import { scenarioNamed } from './scenarios';

export const SEED = 1;
/** Of a restore on an idle machine: the instant need not be exact. */
export const USUAL: Reference = {
  milliseconds: 15_000,
  activities: new Map([['installSnapshot', 8_000]]),
  begins: new Map(),
};

/** Those cases as tests of their own, in one lab. @returns a function that answers with it in tests */
export function killsIn(cases: readonly ChaosCase[]): () => ChaosLab {
  let chaos: ChaosLab;
  let backup: Reference;

  beforeAll(async () => {
    chaos = await startChaosLab();
    // Two, so that there is a generation to catch up and one to restore.
    backup = await measure(chaos, scenarioNamed('backup'), 2);
  }, 180_000);
  afterAll(() => chaos?.stop(), 30_000);

  it.each(cases.map((item) => [item.id, item] as const))(
    'ends well by itself and leaves nothing: %s',
    async (_id, item) => {
      const scenario = scenarioNamed(item.scenario);

      const result = await runCase(chaos, scenario, item, scenario.slow ? USUAL : backup);

      expect(result.problems).toEqual([]);
      expect(result.outcome).toBe('passed');
      expect(result.met).not.toBe('');
    },
    180_000,
  );
  return () => chaos;
}
