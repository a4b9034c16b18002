import { Command } from 'commander';
import { VERSION } from '../version';
import { auditCommand } from './audit';
import { backupCommand } from './backup';
import { bundleCommand } from './bundle';
import { generationsCommand } from './generations';
import { inspectCommand } from './inspect';
import { labCommand } from './lab';
import { approveCommand } from './approve';
import { abortCommand, resumeCommand, skipNodeCommand } from './decisions';
import { reportCommand } from './report';
import { repositoryCommand } from './repository';
import { rebuildNodeCommand, recoverQuorumCommand, removeSetAsideCommand, restoreCommand } from './restore';
import { rollBackCommand } from './roll-back';
import { scheduleCommand } from './schedule';
import { statusCommand } from './status';
import { temporalCommand } from './temporal';
import { unsealCommand } from './unseal';
import { agentCommand, agentKeyCommand, workerCommand } from './worker';

/** Every command; wrong usage throws. */
export function program(): Command {
  const root = new Command('vault-dr')
    .description('Disaster recovery for HashiCorp Vault and OpenBao, as durable Temporal workflows')
    .version(VERSION)
    .showHelpAfterError('(see --help)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done · 1 failed · 2 usage · 3 configuration · 4 Temporal unreachable · 5 refused · 6 damaged copies · 130 interrupted',
    );
  for (const command of [
    workerCommand(),
    agentCommand(),
    agentKeyCommand(),
    backupCommand(),
    restoreCommand(),
    rebuildNodeCommand(),
    recoverQuorumCommand(),
    approveCommand(),
    unsealCommand(),
    statusCommand(),
    resumeCommand(),
    skipNodeCommand(),
    rollBackCommand(),
    abortCommand(),
    reportCommand(),
    removeSetAsideCommand(),
    generationsCommand(),
    repositoryCommand(),
    inspectCommand(),
    auditCommand(),
    bundleCommand(),
    scheduleCommand(),
    temporalCommand(),
    labCommand(),
  ]) {
    root.addCommand(command);
  }
  return exitByThrowing(root);
}

/** Commander's own exit status for wrong usage is 1; ours is 2, and it must reach one place. */
function exitByThrowing(command: Command): Command {
  command.exitOverride();
  for (const child of command.commands) exitByThrowing(child);
  return command;
}
