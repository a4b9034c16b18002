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
