// Preloaded into a command: says at its end how much memory it has taken and how many modules it has loaded.
const { writeFileSync } = require('node:fs');

process.on('exit', () => {
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  writeFileSync(process.env['BENCH_PEAK'], JSON.stringify({ peakMiB, modules: Object.keys(require.cache).length - 1 }));
});
