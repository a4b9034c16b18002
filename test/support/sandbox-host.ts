import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Lab } from '../../src/lab/lab';
import type { RawConfig } from './lab-view';

/**
 * From here on the lab's controller takes drills, and holders know its host.
 * @param more of `sandbox` in the configuration
 * @returns undoes that
 */
export async function makeSandboxHost(
  lab: Lab,
  more: Partial<RawConfig['sandbox']> = {},
): Promise<() => Promise<void>> {
  const original = await readFile(lab.configFile, 'utf8');
  const config = parse(original) as RawConfig;
  const { service } = config.clusters['lab']!.nodes[0]!;
  const [program] = (service as { command: string[] }).command;
  config.sandbox = {
    name: 'lab-host',
    program: program!,
    writable: [lab.directory],
    runtimeDir: join(lab.directory, 'sandbox-run'),
    ...more,
  };
  await writeFile(lab.configFile, stringify(config));
  const { stdout } = await lab.cli(['sandbox-key']);
  config.sandboxHosts = (parse(stdout) as Pick<RawConfig, 'sandboxHosts'>).sandboxHosts;
  await reconfigure(stringify(config));
  return () => reconfigure(original);

  async function reconfigure(text: string): Promise<void> {
    await writeFile(lab.configFile, text);
    await lab.controller.stop();
    await lab.controller.start();
  }
}
