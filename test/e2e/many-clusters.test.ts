import { measureEvaluations } from '../support/evaluated-fleet';
import { measureFleet } from '../support/simulated-fleet';
import { useDirectory } from '../support/temporary';
import { useWorkflowEnvironment } from '../support/workflow-environment';

const inTest = useDirectory();
const environment = useWorkflowEnvironment();

it('backs up ten clusters that are due at once, eight at a time at most, and a recovery does not wait for them', async () => {
  const { client, address } = environment().temporal;

  const figures = await measureFleet({ client, address }, inTest(), 10);

  expect(figures).toMatchObject({ clusters: 10, failed: 0 });
  expect(figures.mostAtOnce).toBeGreaterThan(1);
  expect(figures.mostAtOnce).toBeLessThanOrEqual(8);
  expect(figures.recoverySeconds).toBeGreaterThan(0);
  // With room above what was measured.
  expect(figures.peakMiB).toBeLessThan(260);
}, 300_000);

it('evaluates ten clusters on schedule, spread over the interval, and its memory does not grow', async () => {
  const figures = await measureEvaluations(environment().temporal, inTest(), {
    clusters: 10,
    everyMs: 20_000,
    rounds: 3,
  });

  process.stdout.write(`${JSON.stringify(figures)}\n`);
  expect(figures).toMatchObject({ clusters: 10, failed: 0, evaluatedClusters: 10 });
  expect(figures.mostAtOnce).toBeLessThan(10);
  expect(figures.unevenness).toBeLessThan(5);
  expect(figures.mostEvents).toBeLessThanOrEqual(30);
  expect(figures.recoverySeconds).toBeGreaterThan(0);
  const [first = 0, last = Infinity] = [figures.memoryMiB[0], figures.memoryMiB.at(-1)];
  expect(last - first).toBeLessThan(40);
}, 300_000);
