import { type ChaosLab, startChaosLab } from '../chaos/chaos-lab';
import type { Reference } from '../chaos/instants';
import { chooseFew, fullMatrix } from '../chaos/matrix';
import { measure, runCase } from '../chaos/run-case';
import { type Scenario, SCENARIOS } from '../chaos/scenarios';

const SEED = 1;
/** Two restores take as long as everything else together. */
const SLOW = new Map([
  ['restore', 1],
  ['late-shares', 1],
]);

/** A few cases of the kill matrix: each victim once, each kind of run at least once. `npm run test:chaos` runs all of it. */
describe('a run, when something is killed in it,', () => {
  const cases = chooseFew(fullMatrix(SCENARIOS, SEED), SEED, SLOW);
  let chaos: ChaosLab;
  let backup: Reference;

  beforeAll(async () => {
    chaos = await startChaosLab();
    // Two, so that there is a generation to catch up and one to restore.
    backup = await measure(chaos, SCENARIOS[0] as Scenario, 2);
  }, 180_000);
  afterAll(() => chaos?.stop(), 30_000);

  it.each(cases.map((item) => [item.id, item] as const))(
    'ends well by itself and leaves nothing: %s',
    async (_id, item) => {
      const scenario = SCENARIOS.find(({ name }) => name === item.scenario) as Scenario;

      const result = await runCase(chaos, scenario, item, scenario.slow ? undefined : backup);

      expect(result.problems).toEqual([]);
      expect(result.outcome).toBe('passed');
      expect(result.met).not.toBe('');
    },
    180_000,
  );
});
