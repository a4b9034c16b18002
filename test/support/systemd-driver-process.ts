import { readFileSync } from 'node:fs';
import type { HostedNode } from '../../src/config/schema';
import type * as Service from '../../src/host/service/service';
import type { Cut } from '../../src/host/service/unit-fence';
import { compiled } from '../../src/lab/project-root';

// Compiled: systemd starts a file that lies beside it.
const { createServiceDriver } = require(compiled('src/host/service/service.js')) as typeof Service;

/** A process on a host with systemd, which does with a unit what an agent would do. */
export interface DriverOrder {
  node: Pick<HostedNode, 'name' | 'stateDir' | 'service'>;
  do: 'start' | 'stop' | 'status' | 'check' | 'settle' | 'serverStart' | 'quietProblem' | 'fence' | 'placedBy' | 'lift';
  /** With `quietProblem` and `fence`. */
  cut?: Cut;
  /** The run that places a fence. */
  run?: string;
  /** Runs that are over. */
  over?: string[];
}

export interface DriverAnswer {
  result?: unknown;
  failed?: { code: string; message: string; advice?: string };
  /** What was reported meanwhile. */
  waits: string[];
}

async function obey({
  node,
  do: verb,
  over = [],
  cut = { reach: [], targets: [] },
  run = 'none',
}: DriverOrder): Promise<DriverAnswer> {
  const driver = createServiceDriver(node as HostedNode);
  const waits: string[] = [];
  const fence = { assertCurrent: () => undefined, onWait: (what: string) => void waits.push(what) };
  try {
    const result = await {
      start: () => driver.start(fence),
      stop: () => driver.stop(fence),
      status: () => driver.status(),
      check: () => driver.check?.(),
      settle: () => driver.settle?.(async (run) => over.includes(run)),
      quietProblem: () => driver.quiet?.problem(cut),
      fence: () => driver.quiet?.place(run, cut, fence),
      placedBy: () => driver.quiet?.placedBy(),
      lift: () => driver.quiet?.lift(fence),
      serverStart: () => driver.serverStart?.('/opt/vault/data'),
    }[verb]();
    return { result, waits };
  } catch (error) {
    const { code, message, advice } = error as Error & NonNullable<DriverAnswer['failed']>;
    return { failed: { code, message, advice }, waits } as DriverAnswer;
  }
}

void obey(JSON.parse(readFileSync(0, 'utf8')) as DriverOrder).then((answer) =>
  process.stdout.write(JSON.stringify(answer)),
);
