import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { type ProgramResult, runProgram } from '../../src/lab/run-program';

const PATHS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const ENVIRONMENT = {
  PATH: PATHS.join(':'),
  HOME: '/root',
  LC_ALL: 'C',
};

/** Of a command in which no word has a blank. */
export function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** Runs a program of this machine to its end. */
export async function run(
  command: readonly [string, ...string[]],
  { input = '', environment = {} }: { input?: string; environment?: Record<string, string> } = {},
): Promise<ProgramResult> {
  const [program, ...args] = command;
  return runProgram(program, args, { ...ENVIRONMENT, ...environment }, input);
}

/** @returns its standard output @throws Error with what it said, when its exit status is another than 0. */
export async function must(command: readonly [string, ...string[]], input = ''): Promise<string> {
  const result = await run(command, { input });
  return outputOf(command.join(' '), result);
}

export function outputOf(what: string, { code, stdout, stderr }: ProgramResult): string {
  if (code === 0) return stdout;
  throw new Error(`${what}: exit status ${code}: ${(stderr + stdout).trim().slice(-2_000)}`);
}

export function isInstalled(program: string): boolean {
  return PATHS.some((path) => {
    try {
      accessSync(join(path, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
