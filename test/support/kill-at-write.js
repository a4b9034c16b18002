// Loaded before the program: kills it, as a power cut would, right before the write of the number that the environment gives.
// Writes are what changes files, and requests that may change something in Vault.
const fs = require('node:fs/promises');
const https = require('node:https');

const at = Number(process.env.VAULT_DR_TEST_KILL_AT);
let writes = 0;

function count() {
  if (++writes === at) process.kill(process.pid, 'SIGKILL');
}

for (const name of ['mkdir', 'open', 'link', 'rename', 'chmod', 'chown', 'rm', 'writeFile']) {
  const real = fs[name];
  fs[name] = (...args) => {
    // Only the files of the set-up: the check of a repository makes others, which are not kept.
    const isOurs = String(args[0]).includes('/etc') && !(name === 'open' && args[1] === 'r');
    if (isOurs) count();
    return real(...args);
  };
}

const request = https.request;
https.request = (url, options, done) => {
  if (options.method !== 'GET') count();
  return request(url, options, done);
};
