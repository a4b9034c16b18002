import type { Command } from 'commander';
import { operatorInput, parseInput, rollBackRunInput } from '../contract/input';
import { MESSAGE } from '../contract/names';
import { send } from './decisions';
import { verb } from './program';
import { type RecoveryOptions, startAndFollow, withRecovery } from './restore';

const EXAMPLE = 'vault-dr roll-back --cluster prod';

export function rollBackCommand(): Command {
  const command = verb(
    'roll-back',
    'Put the previous data back and start the old cluster',
    `${EXAMPLE}\n${EXAMPLE} --of 01a20752-189b-7247-a8d0-708bed2469e6`,
  )
    .option('--of <run>', 'a run that Temporal lost; its id is in the plan of a restore')
    .action((options: RecoveryOptions & { of?: string }) => {
      const { cluster, as: requestedBy, accept, of: run } = options;
      if (run === undefined) return send(options, MESSAGE.rollBack, operatorInput, { operator: requestedBy }, EXAMPLE);
      const input = parseInput(rollBackRunInput, { cluster, run, requestedBy, accept }, `${EXAMPLE} --of RUN`);
      const summary = `Roll-back of the lost run ${run} of ${cluster}`;
      return startAndFollow(options, { workflow: 'rollBackRun', cluster, input, summary });
    });
  return withRecovery(command);
}
