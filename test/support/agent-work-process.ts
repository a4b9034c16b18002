import { execFile } from 'node:child_process';
import { stat, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { HostedNode } from '../../src/config/schema';
import { blankDataDirectory, setAsideDataDirectory } from '../../src/host/data/data-directory';
import { copyAside, putBackDataDirectory, removeLeftOvers } from '../../src/host/data/set-aside';
import { createServiceDriver } from '../../src/host/service/service';

/** What an agent does to a host, and what it should not be able to do, within the limits of its unit. By step: `ok`, or why not. */
const RUN = '01a20e44-4ffd-79d7-a62f-52f6f5151414';
const EARLIER = '01a20e44-4ffd-79d7-a62f-52f6f5151413';
const DATA = '/opt/vault/data';
const attempt = { signal: new AbortController().signal, assertCurrent: () => undefined };
const node = {
  name: 'vault-1',
  stateDir: '/var/lib/vault-dr',
  service: { driver: 'systemd', unit: 'vault', timeoutSeconds: 30 },
};
const driver = createServiceDriver(node as HostedNode);

const STEPS: Record<string, () => Promise<unknown>> = {
  'read the configuration': () => readFile('/etc/vault.d/vault.hcl'),
  'read the data': () => readFile(`${DATA}/vault.db`),
  'stop Vault': () => driver.stop(attempt),
  'copy the data': () => copyAside(DATA, EARLIER, attempt),
  'remove the copy': () => removeLeftOvers(DATA, EARLIER, attempt),
  'set the data aside': () => setAsideDataDirectory(DATA, RUN, attempt),
  'give the new directory to its owner': async () => {
    const [now, before] = await Promise.all([stat(DATA), stat(`${DATA}.pre-restore-${RUN}`)]);
    if (now.uid !== before.uid || now.mode !== before.mode)
      throw new Error(
        `it belongs to ${now.uid}, mode ${now.mode.toString(8)}, not ${before.uid}, ${before.mode.toString(8)}`,
      );
  },
  'start Vault': () => driver.start(attempt),
  'stop it again': () => driver.stop(attempt),
  'put a fence around Vault': async () => {
    if (process.geteuid?.() === 0) return driver.quiet?.place(RUN, { reach: [], targets: [] }, attempt);
    const problem = await driver.quiet?.problem({ reach: [], targets: [] });
    if (!problem?.includes('root')) throw new Error(`who is not root hears: ${problem}`);
  },
  'take the fence away': async () => driver.quiet?.lift(attempt),
  'empty the new directory': () => blankDataDirectory(DATA, RUN, attempt),
  'put the data back': () => putBackDataDirectory(DATA, RUN, attempt),
  'start it again': () => driver.start(attempt),
  'keep a note': () => writeFile('/var/lib/vault-dr/note', ''),
  'keep a secret in memory': () => writeFile('/run/vault-dr/secret', ''),
  'not: write to /etc': () => writeFile('/etc/vault-dr-was-here', ''),
  'not: write to /usr': () => writeFile('/usr/vault-dr-was-here', ''),
  'not: write beside the data of others': () => writeFile('/opt/vault-dr-was-here', ''),
  'not: mount': () => promisify(execFile)('mount', ['-t', 'tmpfs', 'none', '/opt/vault/data']),
  'not: see memory of Vault': async () => {
    const { stdout } = await promisify(execFile)('systemctl', ['show', '--property=MainPID', '--value', 'vault']);
    await readFile(`/proc/${stdout.trim()}/environ`);
  },
};

async function work(): Promise<void> {
  const results: Record<string, string> = {};
  for (const [name, step] of Object.entries(STEPS)) {
    results[name] = await step().then(
      () => 'ok',
      (error: NodeJS.ErrnoException) => `${error.code ?? ''} ${error.message}`.slice(0, 200),
    );
  }
  await writeFile('/var/lib/vault-dr/results.json', JSON.stringify(results));
}

void work();
