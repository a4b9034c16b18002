import { execFile } from 'node:child_process';
import type { ServiceConfig } from '../../config/schema';
import { DrError } from '../../contract/failures';
import { passedEnvironment } from '../../child-environment';
import type { Fence, ServiceDriver } from './service-driver';

type CommandConfig = Extract<ServiceConfig, { driver: 'command' }>;

/** Runs the operator's own commands, as `systemctl stop vault`. */
export function createCommandDriver(config: CommandConfig): ServiceDriver {
  const timeoutMs = config.timeoutSeconds * 1_000;
  return {
    async status() {
      const { exitCode, output } = await run(config.status, timeoutMs);
      if (exitCode === 0) return 'running';
      if (exitCode === 3) return 'stopped';
      throw failed(config.status, exitCode, output);
    },
    start: (fence) => expectSuccess(config.start, timeoutMs, fence),
    stop: (fence) => expectSuccess(config.stop, timeoutMs, fence),
    async recentLog() {
      if (!config.log) return null;
      const { exitCode, stdout } = await run(config.log, timeoutMs);
      return exitCode === 0 ? stdout : null;
    },
  };
}

async function expectSuccess(command: string[], timeoutMs: number, fence?: Fence): Promise<void> {
  fence?.assertCurrent();
  const { exitCode, output } = await run(command, timeoutMs);
  if (exitCode !== 0) throw failed(command, exitCode, output);
}

function run(
  command: string[],
  timeoutMs: number,
): Promise<{ exitCode: number | string; output: string; stdout: string }> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    // SIGKILL: a command that ignores SIGTERM would never come back.
    execFile(
      program,
      args,
      { timeout: timeoutMs, killSignal: 'SIGKILL', env: passedEnvironment() },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : (error.code ?? (error.killed ? 'time-out' : 'signal'));
        resolve({ exitCode, output: `${stdout}${stderr}`.trim().slice(-500), stdout });
      },
    );
  });
}

function failed(command: string[], exitCode: number | string, output: string): DrError {
  return new DrError(
    'ServiceFailed',
    `\`${command.join(' ')}\` ended with ${exitCode}${output ? `: ${output}` : '.'}`,
    {
      advice: 'Run the command on that host as the agent’s user to see why.',
    },
  );
}
