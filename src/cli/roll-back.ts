import { operatorInput, parseInput, rollBackRunInput } from '../contract/input';
import { MESSAGE } from '../contract/names';
import { send } from './decisions';
import { type RecoveryOptions, startAndFollow } from './restore';

const EXAMPLE = 'vault-dr roll-back --cluster prod';

export function runRollBack(options: RecoveryOptions & { of?: string }): Promise<void> {
  const { cluster, as: requestedBy, accept, of: run } = options;
  if (run === undefined) return send(options, MESSAGE.rollBack, operatorInput, { operator: requestedBy }, EXAMPLE);
  const input = parseInput(rollBackRunInput, { cluster, run, requestedBy, accept }, `${EXAMPLE} --of RUN`);
  const summary = `Roll-back of the lost run ${run} of ${cluster}`;
  return startAndFollow(options, { workflow: 'rollBackRun', cluster, input, summary });
}
