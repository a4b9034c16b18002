// For a process of its own: runs the program from its sources, and writes what it has loaded to the file LOADED_MODULES.
// Usage: node -r typescript-hook.js loaded-modules.js MAIN ARGUMENTS…
const { writeFileSync } = require('node:fs');

const before = new Set(Object.keys(require.cache));
process.argv.splice(1, 1);
process.on('exit', () => {
  const loaded = Object.keys(require.cache).filter((file) => !before.has(file));
  writeFileSync(process.env['LOADED_MODULES'], JSON.stringify(loaded));
});
require(process.argv[1]);
