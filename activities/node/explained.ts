import { DrError, isDrError } from '../../src/contract/failures';
import type { NodeHost } from './context';
import { knownFromLog } from './known-from-log';

/** Adds a known Vault log message to the error of a step that timed out. */
export function explained<I, O>(
  host: NodeHost,
  step: (host: NodeHost, input: I) => Promise<O>,
): (input: I) => Promise<O> {
  return async (input) => {
    const began = new Date();
    try {
      return await step(host, input);
    } catch (error) {
      if (!isDrError(error) || error.code !== 'NotYet') throw error;
      const known = await knownFromLog(host.driver, began);
      if (!known) throw error;
      throw new DrError(error.code, `${error.message} Vault's log says: ${known.means}`, {
        advice: known.advice,
        where: host.node.name,
        cause: error,
        retryable: error.retryable,
      });
    }
  };
}
