import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface ProgramResult {
  /** 128 and more when a signal ended it, as in a shell. */
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, whatever its exit status. */
export async function runProgram(
  program: string,
  args: string[],
  environment: Record<string, string>,
  input = '',
): Promise<ProgramResult> {
  const child = spawn(program, args, { env: environment });
  const ended = once(child, 'close') as Promise<[number | null]>;
  // A program that does not read its input may be gone before all of it is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code: code ?? 128, stdout, stderr };
}
