import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import type { Lab } from '../../src/lab/lab';
import { createProcess, type LabProcess } from '../../src/lab/processes';
import { PROJECT_ROOT } from '../../src/lab/project-root';

const run = promisify(execFile);
export const PROGRAM = join(PROJECT_ROOT, 'bin/vault-dr.js');

export interface InitResult {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** `vault-dr init` at the cluster of a lab, with all that it writes below the directory of the test. */
export function initIn(lab: () => Lab, inTest: (...segments: string[]) => string) {
  /** Flags that every call needs. */
  async function flags(): Promise<string[]> {
    const { tls } = parse(await readFile(lab().configFile, 'utf8')).clusters.lab;
    const cluster = ['--address', lab().nodes[0]!.address, '--ca-file', tls.caFile];
    const places = ['--config', inTest('etc/vault-dr.yaml'), '--repository', inTest('backups')];
    return [...cluster, ...places, '--state-dir', inTest('state'), '--approver', `bob=${lab().approverKeys.bob}.pub`];
  }

  async function init(more: string[], env: Record<string, string> = {}): Promise<InitResult> {
    const all = { PATH: process.env['PATH'], HOME: inTest('home'), VAULT_TOKEN: lab().rootToken, ...env };
    return run(process.execPath, [PROGRAM, 'init', ...(await flags()), ...more], {
      env: all as NodeJS.ProcessEnv,
    }).then(
      ({ stdout, stderr }) => ({ code: 0, signal: null, stdout, stderr }),
      (error: InitResult) => error,
    );
  }

  /**
   * A controller with what was written.
   * @param namespace of its own: the lab's controller polls in the other one, under the name of this host
   */
  async function startController(namespace: string): Promise<{ controller: LabProcess; env: Record<string, string> }> {
    await lab().temporalCli(['operator', 'namespace', 'create', '--namespace', namespace]);
    const own = { VAULT_DR_CONFIG: inTest('etc/vault-dr.yaml'), VAULT_DR_READY_FILE: inTest('ready') };
    const env = { ...lab().env, ...own, TEMPORAL_NAMESPACE: namespace };
    const controller = createProcess({
      name: 'controller',
      command: [process.execPath, PROGRAM, 'worker'],
      environment: env,
      logFile: inTest('controller.log'),
      isReady: () =>
        access(inTest('ready')).then(
          () => true,
          () => false,
        ),
    });
    await controller.start();
    return { controller, env };
  }

  return { flags, init, startController };
}
