import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Lab } from '../../../src/lab/lab';
import { QUIET } from '../workflow-environment';
import type { ForgedCall, Outcome } from './calls';

const TASK_QUEUE = 'attacker';
/** One answer of a workflow must not become larger than what Temporal takes. */
const CALLS_AT_ONCE = 25;

/** A run of the attacker's own, under whatever name. */
export interface ForgedRun {
  readonly workflowId: string;
  readonly runId: string;
  /** Asks for all of them. @returns what became of each, in their order */
  ask(calls: readonly ForgedCall[]): Promise<Outcome[]>;
  end(): Promise<void>;
}

export interface Attacker {
  readonly client: Client;
  pose(workflowType: string, workflowId: string): Promise<ForgedRun>;
  stop(): Promise<void>;
}

/** Somebody who may write to the namespace of the lab: a worker and a workflow on a task queue of their own. */
export async function startAttacker(lab: Lab): Promise<Attacker> {
  // Refusals and floods are what is wanted: the warnings of them would hide the results.
  const telemetryOptions = { logging: { forward: {}, filter: 'ERROR' as const } };
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions });
  const { address } = lab.temporal;
  const [connection, own, bundle] = await Promise.all([
    NativeConnection.connect({ address }),
    // Histories of floods are large.
    Connection.connect({ address, channelArgs: { 'grpc.max_receive_message_length': -1 } }),
    bundleWorkflowCode({ workflowsPath: require.resolve('./workflows'), logger: QUIET }),
  ]);
  const worker = await Worker.create({ connection, taskQueue: TASK_QUEUE, workflowBundle: bundle });
  const running = worker.run();
  const client = new Client({ connection: own });

  return {
    client,
    async pose(workflowType, workflowId) {
      const handle = await client.workflow.start(workflowType, { workflowId, taskQueue: TASK_QUEUE });
      return {
        workflowId,
        runId: handle.firstExecutionRunId,
        async ask(calls) {
          const outcomes: Outcome[] = [];
          for (let at = 0; at < calls.length; at += CALLS_AT_ONCE) {
            const some = calls.slice(at, at + CALLS_AT_ONCE);
            outcomes.push(...(await handle.executeUpdate<Outcome[], [ForgedCall[]]>('ask', { args: [some] })));
          }
          return outcomes;
        },
        async end() {
          await handle.signal('leave');
          await handle.result();
        },
      };
    },
    async stop() {
      worker.shutdown();
      await running;
      await connection.close();
      await own.close();
    },
  };
}
