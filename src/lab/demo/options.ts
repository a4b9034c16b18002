import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

export interface DemoOptions {
  /** The lab runs on after the demo. */
  keep: boolean;
  /** Absolute path of the JSON report, if one is wanted. */
  report: string | undefined;
}

/** @throws CommanderError after it has said what is wrong and how to use the demo. */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const command = new Command('npm run demo --')
    .description('Loses a real Vault cluster and restores it, on this machine. Takes about two minutes.')
    .option('--keep', 'leave the cluster, Temporal and its UI running afterwards')
    .option('--report <file>', 'write times and checks to this file, as JSON', writableFile)
    .addHelpText(
      'after',
      '\nExample:\n  $ npm run demo -- --keep --report demo.json\n\nExit codes: 0 every check passed · 1 a check failed · 2 usage',
    )
    .showHelpAfterError()
    .exitOverride();
  const { keep = false, report } = command.parse(args, { from: 'user' }).opts<Partial<DemoOptions>>();
  return { keep, report };
}

/** Known before the demo starts, not after its two minutes. */
function writableFile(value: string): string {
  const file = resolve(value);
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch {
    throw new InvalidArgumentError(`${dirname(file)} is not a writable directory.`);
  }
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw new InvalidArgumentError(`${file} is a directory.`);
  return file;
}
