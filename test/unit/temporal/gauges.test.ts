import type { Sample } from '../../../src/metrics/families';
import { Gauges } from '../../../src/temporal/metrics/gauges';

it('make what is no longer there NaN, which fits no comparison, and bring it back', () => {
  // The SDK keeps each set of labels until the process ends; this one does the same.
  const served = new Map<string, number>();
  const gauges = new Gauges({
    createGauge: (name) => ({ set: (value, tags) => served.set(`${name} ${JSON.stringify(tags)}`, value) }),
  });
  const phase = (name: string): Sample => ({
    name: 'vault_dr_recovery_phase',
    labels: { cluster: 'prod', phase: name },
    value: 1,
  });
  const stage = 'vault_dr_recovery_phase {"cluster":"prod","phase":"stage"}';
  const stop = 'vault_dr_recovery_phase {"cluster":"prod","phase":"stop"}';

  gauges.set([phase('stage')]);
  gauges.set([phase('stop')]);
  expect([...served]).toEqual([
    [stage, NaN],
    [stop, 1],
  ]);
  gauges.set([phase('stage')]);
  expect([...served]).toEqual([
    [stage, 1],
    [stop, NaN],
  ]);
});
