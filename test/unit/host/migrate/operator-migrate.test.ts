import { spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { processIdentity } from '../../../../src/files/process-identity';
import { endMigration, resetMigration, runMigration } from '../../../../src/host/migrate/operator-migrate';
import { SourceStorage } from '../../../../src/host/migrate/source';
import { eventually } from '../../../support/vault-node';
import { useDirectory } from '../../../support/temporary';

const TOKEN = '5e0b1c1e-token-of-consul';
// Registered before the directory, and so run before that is removed.
afterEach(async () => {
  // Whatever happened, neither the configuration with the token nor the note of a program is left.
  const left = [...(await readdir(inTest('data'))), ...(await readdir(inTest('state')))];
  if (left.length > 0) throw new Error(`${left.join(', ')} is left`);
});

const inTest = useDirectory();
const settings = new Map([
  ['address', '127.0.0.1:8500'],
  ['token', TOKEN],
  ['path', 'vault"}\nstorage_destination "raft" { path = "/etc" }\n${file("/etc/passwd")}'],
]);

function attempt() {
  const controller = new AbortController();
  const { signal } = controller;
  return { controller, attempt: { signal, assertCurrent: () => signal.throwIfAborted() } };
}

/** A program in the place of Vault, because what is tested is how it is run, killed, and what it sees. */
async function runOf(script: string) {
  const program = inTest('vault');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  return {
    source: new SourceStorage('consul', settings, { CONSUL_HTTP_SSL: 'true' }),
    program: { command: [program], options: [], environment: { SECRET_OF_THE_SERVICE: 'x' } },
    dataDir: inTest('data'),
    stateDir: inTest('state'),
    nodeId: 'vault-1',
    clusterAddress: 'vault-1.example.com:8201',
  };
}

/** What it was given: its words, its configuration and the mode of that, its environment. */
const NOTING = `
for word in "$@"; do case "$word" in -config=*) file="\${word#-config=}";; esac; done
echo "$@" > "${'$'}(dirname "$0")/words"; cat "$file" > "$(dirname "$0")/config"; stat -c %a "$file" > "$(dirname "$0")/mode"
env > "$(dirname "$0")/env"`;

beforeEach(async () => {
  for (const name of ['data', 'state']) await mkdir(inTest(name), { mode: 0o700 });
});

describe('the program that migrates', () => {
  it('gets its configuration in a file that is gone afterwards, in which no setting becomes anything else', async () => {
    const run = await runOf(`${NOTING}\necho 'copied key: path=a' >&2\necho 'copied key: path=b' >&2`);
    const seen: number[] = [];

    expect(await runMigration(run, attempt().attempt, (keys) => seen.push(keys))).toBe(2);

    expect(seen).toEqual([1, 2]);
    expect(JSON.parse(await readFile(inTest('config'), 'utf8'))).toEqual({
      cluster_addr: 'https://vault-1.example.com:8201',
      storage_source: { consul: Object.fromEntries(settings) },
      storage_destination: { raft: { path: inTest('data'), node_id: 'vault-1' } },
    });
    expect((await readFile(inTest('mode'), 'utf8')).trim()).toBe('600');
    expect(await readFile(inTest('words'), 'utf8')).not.toContain(TOKEN);
    const environment = await readFile(inTest('env'), 'utf8');
    expect(environment).toContain('CONSUL_HTTP_SSL=true');
    expect(environment).not.toContain('SECRET_OF_THE_SERVICE');
  });

  it('takes the lock off with -reset', async () => {
    await resetMigration(await runOf(NOTING), attempt().attempt);

    expect(await readFile(inTest('words'), 'utf8')).toMatch(/^operator migrate -config=\S+ -reset\n$/);
  });

  it('that fails is quoted without the token', async () => {
    const run = await runOf(`echo 'Error migrating: 403 denied for token ${TOKEN}' >&2; exit 2`);

    const failed = await runMigration(run, attempt().attempt, () => undefined).catch((error: Error) => error);

    expect(failed).toMatchObject({ code: 'ServiceFailed', message: expect.stringContaining('403 denied for token …') });
    expect(String(failed)).not.toContain(TOKEN);
  });

  it('dies with the attempt that a newer one has replaced', async () => {
    const { controller, attempt: current } = attempt();
    const run = await runOf(`echo $$ > "$(dirname "$0")/pid"\nexec sleep 600`);

    const running = runMigration(run, current, () => undefined);
    const pid = await eventually('it runs', async () => Number(await readFile(inTest('pid'), 'utf8')) || null);
    expect(await readdir(inTest('state'))).toEqual(['migrate.pid']);
    controller.abort(new Error('overtaken'));

    await expect(running).rejects.toThrow('overtaken');
    expect(await processIdentity(pid)).toBeNull();
  });

  it('of an agent that was killed is ended by the next one', async () => {
    const orphan = spawn('sleep', ['600'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => orphan.on('exit', resolve));
    await writeFile(inTest('state', 'migrate.pid'), `${await processIdentity(orphan.pid!)}\n`, { mode: 0o600 });

    await endMigration(inTest('state'));

    await ended;
    expect(orphan.signalCode).toBe('SIGKILL');
  });

  it('is not taken for another process that has its id now', async () => {
    const other = spawn('sleep', ['600'], { stdio: 'ignore' });
    const identity = (await processIdentity(other.pid!))!.replace(/\d+$/, (start) => String(Number(start) - 1));
    await writeFile(inTest('state', 'migrate.pid'), `${identity}\n`, { mode: 0o600 });

    await endMigration(inTest('state'));

    expect(await processIdentity(other.pid!)).not.toBeNull();
    other.kill('SIGKILL');
  });
});
