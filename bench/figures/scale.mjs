// One controller and many clusters that are all due at once: growth of time and memory. Simulated Vaults, real Temporal.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(import.meta.url);

/** With which the server orders by priority: see temporal-config/README.md. */
const ORDERED = [
  'matching.useNewMatcher=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
];

export const usesLab = false;

export async function measure({ clusters, say }) {
  const { measureFleet } = require('../../dist/test/support/simulated-fleet.js');
  const rows = [];
  for (const count of clusters) {
    const figures = await onServerThatOrders((temporal, directory) => measureFleet(temporal, directory, count));
    say(JSON.stringify(figures));
    rows.push(...rowsOf(figures));
  }
  return rows;
}

/** @param use of a Temporal server and an empty directory */
export async function onServerThatOrders(use) {
  const { ensureServers } = require('../../dist/src/lab/servers/servers.js');
  const { SEARCH_ATTRIBUTES } = require('../../dist/src/contract/names.js');
  const { TestWorkflowEnvironment } = require('@temporalio/testing');
  const { temporal: path } = await ensureServers({ names: ['temporal'] });
  const directory = mkdtempSync(join(tmpdir(), 'vault-dr-bench-'));
  const extraArgs = SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]);
  extraArgs.push(...ORDERED.flatMap((value) => ['--dynamic-config-value', value]));
  const executable = { type: 'existing-path', path };
  const temporal = await TestWorkflowEnvironment.createLocal({ server: { executable, extraArgs } });
  try {
    return await use(temporal, directory);
  } finally {
    await temporal.teardown();
    rmSync(directory, { recursive: true, force: true });
  }
}

function rowsOf({ clusters, failed, seconds, cpuSeconds, idleMiB, peakMiB, mostAtOnce, recoverySeconds }) {
  const of = clusters === 1 ? 'a backup of 1 cluster' : `backups of ${clusters} clusters`;
  return [
    { figure: `${of}, failed`, unit: 'runs', target: 0, values: [failed] },
    { figure: `${of}, at a time`, unit: 'snapshots', target: 8, values: [mostAtOnce] },
    { figure: `${of}, each`, unit: 's', values: [seconds / clusters] },
    { figure: `${of}, the controller for each`, unit: 'CPU s', values: [cpuSeconds / clusters] },
    { figure: `${of}, the controller before`, unit: 'MiB', target: 130, values: [idleMiB] },
    { figure: `${of}, peak of the controller`, unit: 'MiB', target: 180, values: [peakMiB] },
    { figure: `${of}, until a recovery begins`, unit: 's', values: [recoverySeconds] },
  ];
}
