import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import type { Lab } from '../../src/lab/lab';

/** What an operator prepares on each host before a migration: the configuration with Raft, beside the present one. */
export async function prepareMigration(lab: Lab): Promise<void> {
  const config = parseDocument(await readFile(lab.configFile, 'utf8'));
  for (const [index, { name, dataDir, vaultConfigFile }] of lab.nodes.entries()) {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const present = await readFile(vaultConfigFile, 'utf8');
    const raft = [
      'storage "raft" {',
      `  path = "${dataDir}"`,
      `  node_id = "${name}"`,
      '  performance_multiplier = 1',
      '  autopilot_reconcile_interval = "1s"',
      '  autopilot_update_interval = "500ms"',
      '}',
    ].join('\n');
    await writeFile(`${vaultConfigFile}.raft`, present.replace(/storage "(consul|file)" \{[^}]*\}/, raft));
    config.setIn(['clusters', 'lab', 'nodes', index, 'migration'], {
      configFiles: { [vaultConfigFile]: `${vaultConfigFile}.raft` },
    });
  }
  await writeFile(lab.configFile, config.toString());
  for (const process of [lab.controller, ...Object.values(lab.agents)]) {
    await process.stop();
    await process.start();
  }
}
