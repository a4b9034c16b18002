import type { Command } from 'commander';
import { asksForJson, checkDocument } from './cli-documents';

export interface VerbResult {
  out: string;
  notes: string;
  exitCode: typeof process.exitCode;
}

/** Runs a verb in this process, and hears what it says. */
export async function runVerb(command: Command, args: readonly string[]): Promise<VerbResult> {
  process.exitCode = undefined;
  let [out, notes] = ['', ''];
  const stdout = jest.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += String(text))));
  const stderr = jest.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((notes += String(text))));
  try {
    await command.parseAsync(args, { from: 'user' });
    if (asksForJson(args)) checkDocument(wordsOf(command, args), out);
    return { out, notes, exitCode: process.exitCode };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

/** A family is run by what stands below it. */
function wordsOf(command: Command, args: readonly string[]): string[] {
  return [command.name(), ...args];
}
