// One controller that evaluates many clusters on schedule. Simulated Vaults and agents, real Temporal.
import { createRequire } from 'node:module';
import { onServerThatOrders } from './scale.mjs';

const require = createRequire(import.meta.url);

/** Half of the default, so that the figures have room. */
const EVERY_MS = 15 * 60_000;
const ROUNDS = 2;

export const usesLab = false;

export async function measure({ clusters, say }) {
  const { measureEvaluations } = require('../../dist/test/support/evaluated-fleet.js');
  const rows = [];
  for (const count of clusters) {
    // A few would take as long as a thousand.
    const everyMs = Math.min(EVERY_MS, Math.max(20_000, count * 1_000));
    const figures = await onServerThatOrders((temporal, directory) =>
      measureEvaluations(temporal, directory, { clusters: count, everyMs, rounds: ROUNDS }),
    );
    say(JSON.stringify(figures));
    rows.push(...rowsOf(figures));
  }
  return rows;
}

function rowsOf({ clusters, everySeconds, failed, mostAtOnce, mostEvents, cpuSeconds, memoryMiB, ...rest }) {
  const of = `evaluations of ${clusters} clusters, one each ${everySeconds} s`;
  return [
    { figure: `${of}, failed`, unit: 'runs', target: 0, values: [failed] },
    { figure: `${of}, clusters without`, unit: 'clusters', target: 0, values: [clusters - rest.evaluatedClusters] },
    { figure: `${of}, at a time`, unit: 'runs', values: [mostAtOnce] },
    { figure: `${of}, most in a tenth of the time`, unit: 'times a tenth', values: [rest.unevenness] },
    { figure: `${of}, events`, unit: 'events', target: 30, values: [mostEvents] },
    { figure: `${of}, the controller for each`, unit: 'CPU s', values: [cpuSeconds] },
    { figure: `${of}, the controller after each round`, unit: 'MiB', target: 260, values: memoryMiB },
    { figure: `${of}, until a recovery begins`, unit: 's', values: [rest.recoverySeconds] },
  ];
}
