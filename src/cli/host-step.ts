import { hardenProcess } from '../process-hardening';
import { serveRequest } from '../ssh/host-step';
import { agreeOnStateFormat } from '../temporal/state-format';

export async function runHostStep({
  config,
  cluster,
  node,
}: {
  config: string;
  cluster: string;
  node: string;
}): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  // A controller that is gone is noticed by the step, which then comes to a safe point.
  process.stdout.removeAllListeners('error');
  await hardenProcess((message) => process.stderr.write(`${message}\n`));
  const { stdin: input, stdout: output } = process;
  await serveRequest({
    configFile: config,
    cluster,
    node,
    input,
    output,
    openState: agreeOnStateFormat,
    stop: stop.signal,
  });
  await new Promise<void>((resolve) => output.write('', () => resolve()));
  // Whatever still runs here is over, and so is its hold of this node.
  process.exit();
}
