import { CommanderError } from 'commander';
import { style } from '../terminal';
import { program } from './commands';
import type * as Errors from './errors';
import { firstScreen } from './first-screen';
import { note, printJson } from './output';
import { EXIT } from './program';
import { leaveOutLanguages } from '../temporal/lean-modules';

async function main(args: string[]): Promise<void> {
  // The reader has closed the pipe, like `head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  if (args.length === 0) {
    note(firstScreen());
    process.exitCode = EXIT.usage;
    return;
  }
  leaveOutLanguages();
  try {
    await program().parseAsync(args, { from: 'user' });
  } catch (error) {
    // Help and version are thrown as well.
    if (error instanceof CommanderError && error.exitCode === 0) return;
    // Loaded only on failure.
    const { failureDocument, failureOf, failureText } = require('./errors') as typeof Errors;
    const failure = failureOf(error);
    if (failure === null) return;
    process.exitCode = failure.exitCode;
    if (wantsJson(args)) printJson('error', failureDocument(failure));
    // Commander has printed its own already.
    else if (!(error instanceof CommanderError)) note(style('red', failureText(failure), process.stderr));
  }
}

function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  // What follows belongs to a command that is run.
  const own = end === -1 ? args : args.slice(0, end);
  return own.some(
    (argument, at) =>
      argument === '--json' || argument === '--output=json' || (argument === '--output' && own[at + 1] === 'json'),
  );
}

void main(process.argv.slice(2));
