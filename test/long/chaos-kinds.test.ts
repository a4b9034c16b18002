import { type ChaosLab, startChaosLab } from '../chaos/chaos-lab';
import type { Reference } from '../chaos/instants';
import { chooseFew, fullMatrix } from '../chaos/matrix';
import { measure, runCase } from '../chaos/run-case';
import { scenarioNamed, SCENARIOS } from '../chaos/scenarios';

const SEED = 1;
/** A restore takes as long as everything else together. */
const SLOW = new Map([
  ['restore', 1],
  ['late-shares', 0],
  ['rollback', 1],
  ['rebuild', 0],
  ['quorum', 1],
  ['in-place', 0],
]);
/** Of a restore on an idle machine: the instant need not be exact. */
const USUAL: Reference = {
  milliseconds: 15_000,
  activities: new Map([['installSnapshot', 8_000]]),
  begins: new Map(),
};

/** Each kind of run at least once. `npm run test:chaos` runs all cases. */
describe('a run of each kind, when something is killed in it,', () => {
  const matrix = fullMatrix(SCENARIOS, SEED);
  const cases = [
    ...chooseFew(matrix, SEED, SLOW),
    // The cluster lets it in once only, and it has come back with half of what it was sent.
    ...matrix.filter(({ id }) => id === 'rebuild/logged/receiving/vault-b'),
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
});
