import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from 'commander';
import { backupCommand, backupsCommand } from '../../../src/cli/verbs/backups';
import { approveCommand, unsealCommand } from '../../../src/cli/verbs/holders';
import {
  abortCommand,
  restoreCommand,
  resumeCommand,
  skipNodeCommand,
  statusCommand,
} from '../../../src/cli/verbs/recover';
import { agentCommand, workerCommand } from '../../../src/cli/verbs/run';
import { labCommand, scheduleCommand } from '../../../src/cli/verbs/set-up';

const HOOK = join(__dirname, '../../support/typescript-hook.js');
const MAIN = join(__dirname, '../../../src/cli/main.ts');

/** The whole program, in a process of its own. */
function vaultDr(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['-r', HOOK, MAIN, ...args], (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

const SINGLE = [
  backupCommand,
  restoreCommand,
  approveCommand,
  unsealCommand,
  statusCommand,
  resumeCommand,
  skipNodeCommand,
  abortCommand,
  workerCommand,
  agentCommand,
].map((make) => make());
const NESTED = [backupsCommand, scheduleCommand, labCommand].flatMap((make) => [...make().commands]);

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => void (text += part) });
  command.outputHelp();
  return text;
}

test.each([...SINGLE, ...NESTED].map((command) => [command.name(), command] as const))(
  'the help of %s has an example and every option explained',
  (_name, command) => {
    expect(helpOf(command)).toMatch(/\nExamples?:\n {2}\$ vault-dr /);
    expect(command.options.filter((option) => !option.description)).toEqual([]);
  },
);

test.each(
  [...SINGLE, ...NESTED]
    .filter((command) => !['worker', 'agent'].includes(command.name()))
    .map((command) => [command.name(), command] as const),
)('%s can answer in JSON', (_name, command) => {
  expect(command.options.map((option) => option.long)).toContain('--json');
});

test('usage, configuration and input: each mistake has its status, at once', async () => {
  const [usage, configuration, input] = await Promise.all([
    vaultDr('schedule', 'apply', '--cluster', 'prod', '--every', 'often'),
    vaultDr('backups', 'list', '--cluster', 'prod', '--config', '/does/not/exist.yaml', '--output', 'json'),
    vaultDr('restore', '--cluster', 'prod', '--backup', 'newest'),
  ]);

  expect(usage).toMatchObject({ exitCode: 2, stdout: '' });
  expect(usage.stderr).toContain('It must be a whole number and a unit, such as 90s, 30m, 6h or 1d.');
  expect(configuration.exitCode).toBe(3);
  expect(JSON.parse(configuration.stdout)).toMatchObject({
    exitCode: 3,
    error: { code: 'InvalidConfiguration', message: expect.stringContaining('/does/not/exist.yaml') },
  });
  expect(input).toMatchObject({ exitCode: 2, stdout: '' });
  expect(input.stderr).toContain('generation: is not a generation id');
});
