import { isGone } from './problems';
import { controller, controllerAt } from './steps';

/**
 * Asks the controller that serves a directory of the cluster's backups; where it does not answer, any other one, which
 * does without that directory.
 */
export async function askServing<T>(
  servedBy: string | undefined,
  ask: (steps: typeof controller) => Promise<T>,
): Promise<T> {
  if (servedBy === undefined) return ask(controller);
  try {
    return await ask(controllerAt(servedBy));
  } catch (error) {
    if (!isGone(error)) throw error;
    return ask(controller);
  }
}
