import { type ChaosLab, startChaosLab } from '../chaos/chaos-lab';
import type { Reference } from '../chaos/instants';
import { chooseFew, everythingMatrix, fullMatrix } from '../chaos/matrix';
import { measure, runCase } from '../chaos/run-case';
import { scenarioNamed, SCENARIOS } from '../chaos/scenarios';
import { runZombie, type ZombieCase, zombieCases } from '../chaos/zombies';

const SEED = 1;
/** A restore takes as long as everything else together. */
const SLOW = new Map([
  ['restore', 1],
  ['rollback', 1],
]);
/** Of a restore on an idle machine: the instant need not be exact. */
const USUAL: Reference = {
  milliseconds: 15_000,
  activities: new Map([['installSnapshot', 8_000]]),
  begins: new Map(),
};

/**
 * A few cases: each victim once, in a backup, a restore or a roll-back, and one frozen agent. `test/long/chaos-kinds.test.ts`
 * has the other kinds of runs, and `npm run test:chaos` all cases.
 */
describe('a run, when something is killed in it,', () => {
  const matrix = fullMatrix(
    SCENARIOS.filter(({ name }) => name === 'backup' || SLOW.has(name)),
    SEED,
  );
  const cases = [
    ...chooseFew(matrix, SEED, SLOW),
    // The power of the whole site.
    ...everythingMatrix(SCENARIOS, SEED).filter(({ id }) => id === 'restore/joinNode/middle/everything'),
  ];
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

  it('changes nothing through an agent that was frozen inside the install, until the run was given up', async () => {
    const [item] = zombieCases('^zombie/installSnapshot/0.15/.*/abandoned$') as [ZombieCase];

    const { met, acts, problems } = await runZombie(chaos, item, USUAL);

    expect(problems).toEqual([]);
    expect(acts).toEqual([]);
    expect(met).toBe(true);
  }, 180_000);
});
