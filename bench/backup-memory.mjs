// Peak memory of the controller during a backup, by size of the data. Usage: npm run bench:memory -- 64 1024 (MiB)
// Starts a lab, so it needs what `npm run demo` installs and a compiled project.
import { createRequire } from 'node:module';
import { fill, forgetPeak, MIB, resident } from './shared.mjs';

const require = createRequire(import.meta.url);
const { startLab } = require('../dist/src/lab/lab.js');

const sizes = process.argv.slice(2).map(Number);
if (sizes.length === 0 || sizes.some((size) => !(size > 0))) {
  console.error('usage: node bench/backup-memory.mjs MIB [MIB…]');
  process.exit(2);
}

for (const size of sizes) {
  const lab = await startLab({ nodes: 1 });
  try {
    await fill(lab, 'vault-1', size * MIB);
    const idle = resident(lab.controller.pid);
    forgetPeak(lab.controller.pid);
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
