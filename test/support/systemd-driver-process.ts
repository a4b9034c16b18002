import { readFileSync } from 'node:fs';
import { createServiceDriver } from '../../src/host/service/service';
import type { HostedNode } from '../../src/config/schema';

/** A process on a host with systemd, which does with a unit what an agent would do. */
export interface DriverOrder {
  node: Pick<HostedNode, 'name' | 'stateDir' | 'service'>;
  do: 'start' | 'stop' | 'status' | 'check' | 'settle' | 'serverStart';
  /** Runs that are over. */
  over?: string[];
}

export interface DriverAnswer {
  result?: unknown;
  failed?: { code: string; message: string; advice?: string };
  /** What was reported meanwhile. */
  waits: string[];
}

async function obey({ node, do: verb, over = [] }: DriverOrder): Promise<DriverAnswer> {
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
