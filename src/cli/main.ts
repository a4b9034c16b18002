import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { Command, CommanderError } from 'commander';
import { type FailureCode, isDrError } from '../contract/failures';
import { VERSION } from '../version';
import { backupCommand } from './backup';
import { generationsCommand } from './generations';
import { labCommand } from './lab';
import { abortCommand, approveCommand, resumeCommand, skipNodeCommand } from './messages';
import { note, style } from './output';
import { EXIT } from './program';
import { restoreCommand } from './restore';
import { scheduleCommand } from './schedule';
import { statusCommand } from './status';
import { unsealCommand } from './unseal';
import { agentCommand, workerCommand } from './worker';

const EXIT_BY_CODE: Partial<Record<FailureCode, number>> = {
  InvalidInput: EXIT.usage,
  InvalidConfiguration: EXIT.configuration,
  UnknownCluster: EXIT.configuration,
  TemporalUnreachable: EXIT.temporal,
  AlreadyRunning: EXIT.refused,
  NoSuchRun: EXIT.refused,
  PlanRefused: EXIT.refused,
  CopyDamaged: EXIT.damaged,
  SignatureInvalid: EXIT.damaged,
};

function program(): Command {
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
    backupCommand(),
    restoreCommand(),
    approveCommand(),
    unsealCommand(),
    statusCommand(),
    resumeCommand(),
    skipNodeCommand(),
    abortCommand(),
    generationsCommand(),
    scheduleCommand(),
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

function explain(error: unknown): { exitCode: number; text: string } {
  if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage, text: '' };
  const cause =
    error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError ? error.cause : error;
  const code = isDrError(cause) ? cause.code : ((cause as { type?: FailureCode } | undefined)?.type ?? 'Internal');
  const advice = isDrError(cause) && cause.advice ? `\n${cause.advice}` : '';
  const message = cause instanceof Error ? cause.message : String(cause);
  return { exitCode: EXIT_BY_CODE[code] ?? EXIT.failed, text: `${message}${advice}` };
}

async function main(): Promise<void> {
  try {
    await program().parseAsync(process.argv);
  } catch (error) {
    const { exitCode, text } = explain(error);
    if (process.argv.includes('--json') && text !== '')
      process.stdout.write(`${JSON.stringify({ error: text, exitCode })}\n`);
    else if (text !== '') note(style('red', text, process.stderr));
    process.exitCode = exitCode;
  }
}

void main();
