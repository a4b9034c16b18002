import type { WorkerOptions } from '@temporalio/worker';

/**
 * How a worker survives a flood of messages. The SDK ends an activation by force after five seconds, in which thousands
 * of messages that came at once may not be through; Node doesn't survive that ("async hook stack has become corrupted",
 * measured with
 * @temporalio/worker 1.24.0), and with the controller all of its clusters would stand still. So it is given its time:
 * Temporal gives the task to whoever asks next when it takes too long. The SDK has the option and does not declare it.
 */
export const WORKFLOW_LIMITS = { isolateExecutionTimeout: '5 minutes' } as Partial<WorkerOptions>;
