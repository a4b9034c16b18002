// Peak memory of the controller during a backup, by size of the data. Usage: npm run bench:memory -- 64 1024 (MiB)
// Starts a lab, so it needs what `npm run demo` installs and a compiled project.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { startLab } = require('../dist/src/lab/lab.js');

const MIB = 1024 * 1024;
const VALUE_BYTES = 384 * 1024;
const AT_ONCE = 2;

const sizes = process.argv.slice(2).map(Number);
if (sizes.length === 0 || sizes.some((size) => !(size > 0))) {
  console.error('usage: node bench/backup-memory.mjs MIB [MIB…]');
  process.exit(2);
}

for (const size of sizes) {
  const lab = await startLab({ nodes: 1 });
  try {
    await fill(lab, size);
    const idle = resident(lab.controller.pid, 'VmRSS');
    writeFileSync(`/proc/${lab.controller.pid}/clear_refs`, '5');
    const started = Date.now();
    const { code, stdout, stderr } = await lab.cli(['backup', '--cluster', 'lab', '--json']);
    if (code !== 0) throw new Error(stdout + stderr);
    const seconds = (Date.now() - started) / 1_000;
    const peak = resident(lab.controller.pid, 'VmHWM');
    const stored = JSON.parse(stdout).sizeBytes / MIB;
    console.log(
      `${size} MiB of secrets: stored ${stored.toFixed(0)} MiB in two repositories in ${seconds.toFixed(1)} s; ` +
        `controller ${idle.toFixed(0)} MiB idle, ${peak.toFixed(0)} MiB at its peak`,
    );
  } finally {
    await lab.stop();
  }
}

/** Random values, which don't compress: the archive is as large as they are in base64. */
async function fill(lab, size) {
  const count = Math.ceil((size * MIB) / VALUE_BYTES);
  let next = 0;
  const work = async () => {
    while (next < count) {
      const body = { data: { value: randomBytes((VALUE_BYTES * 3) / 4).toString('base64') } };
      const { status } = await lab.vault('vault-1', 'POST', `secret/data/bench/${next++}`, { body });
      if (status >= 300) throw new Error(`writing a secret answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** MiB, of /proc/PID/status. */
function resident(pid, field) {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`${field}:\\s+(\\d+) kB`));
  return Number(line[1]) / 1024;
}
