import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MEMORY_ENVIRONMENT } from '../process-memory';
import type { LabLayout, LabNode } from './layout';
import { createProcess, inTests, type LabProcess } from './processes';
import { compiled } from './project-root';

/** The worker on the shared task queue. */
export function createController(
  layout: Pick<LabLayout, 'directory' | 'configFile'>,
  environment: Record<string, string>,
  name = 'controller',
): LabProcess {
  return createProductProcess(layout, name, ['worker', '--config', layout.configFile], environment);
}

/** The agent of one node; it starts the Vault of that node. */
export function createAgent(
  layout: LabLayout,
  cluster: string,
  node: LabNode,
  environment: Record<string, string>,
): LabProcess {
  const args = ['agent', '--config', layout.configFile, '--cluster', cluster, '--node', node.name];
  return createProductProcess(layout, node.name, args, environment, node.through);
}

/**
 * As its units start it, in tests without their memory settings. It says that it polls by writing the file that
 * VAULT_DR_READY_FILE names.
 */
function createProductProcess(
  layout: Pick<LabLayout, 'directory'>,
  name: string,
  args: string[],
  environment: Record<string, string>,
  through: string[] = [],
): LabProcess {
  const readyFile = join(layout.directory, 'ready', name);
  return createProcess({
    name,
    command: [process.execPath, compiled('src/cli/main.js'), ...args],
    through,
    // They cost a seventh more work, and in tests dozens of processes live for minutes only.
    environment: { ...(inTests() ? {} : MEMORY_ENVIRONMENT), ...environment, VAULT_DR_READY_FILE: readyFile },
    logFile: join(layout.directory, 'logs', `${name}.log`),
    prepare: () => rm(readyFile, { force: true }),
    isReady: () =>
      access(readyFile).then(
        () => true,
        () => false,
      ),
  });
}
