import { killsIn, SEED } from '../chaos/few-kills';
import { chooseFew, fullMatrix } from '../chaos/matrix';
import { SCENARIOS } from '../chaos/scenarios';

/** A restore takes as long as everything else together. */
const SLOW = new Map([
  ['restore', 1],
  ['late-shares', 0],
  ['rollback', 1],
  ['rebuild', 0],
  ['quorum', 1],
  ['in-place', 0],
]);

/** Each kind of run at least once. `npm run test:chaos` runs all cases. */
describe('a run of each kind, when something is killed in it,', () => {
  const matrix = fullMatrix(SCENARIOS, SEED);
  const cases = [
    ...chooseFew(matrix, SEED, SLOW),
    // The cluster lets it in once only, and it has come back with half of what it was sent.
    ...matrix.filter(({ id }) => id === 'rebuild/logged/receiving/vault-b'),
  ];
  killsIn(cases);
});
