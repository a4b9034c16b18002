import { killsIn, SEED, USUAL } from '../chaos/few-kills';
import { chooseFew, everythingMatrix, fullMatrix } from '../chaos/matrix';
import { SCENARIOS } from '../chaos/scenarios';
import { runZombie, type ZombieCase, zombieCases } from '../chaos/zombies';

/** A restore takes as long as everything else together. */
const SLOW = new Map([
  ['restore', 1],
  ['rollback', 1],
]);

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
  const chaos = killsIn(cases);

  it('changes nothing through an agent that was frozen inside the install, until the run was given up', async () => {
    const [item] = zombieCases('^zombie/installSnapshot/0.15/.*/abandoned$') as [ZombieCase];

    const { met, acts, problems } = await runZombie(chaos(), item, USUAL);

    expect(problems).toEqual([]);
    expect(acts).toEqual([]);
    expect(met).toBe(true);
  }, 180_000);
});
