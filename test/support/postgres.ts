import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/processes';
import { type ProgramResult, runProgram } from '../../src/lab/run-program';
import { freePort } from './vault-node';

/** As root its server does not run; `nobody` is on every system. */
const NOBODY = 65_534;
const OWNER = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
const SUPERUSER = 'vault';

export const POSTGRES_PROGRAMS = newestPrograms();

/** A PostgreSQL of this machine's own package, for one test. */
export interface Postgres {
  port: number;
  superuser: { name: string; password: string };
  /** Runs SQL as the superuser. @returns its answer, a row per line */
  sql(text: string): Promise<string>;
  logsIn(user: string, password: string): Promise<boolean>;
  /** What it holds, as files. */
  keepCopy(): Promise<void>;
  /** Holds again what it held then. */
  putBack(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<Postgres> {
  // Not in a lab's directory, which nobody else may enter.
  const directory = await mkdtemp(join(tmpdir(), 'vault-dr-postgres-'));
  await chmod(directory, 0o700);
  if (OWNER.uid !== undefined) await chown(directory, OWNER.uid, OWNER.gid);
  const [data, copy] = [join(directory, 'data'), join(directory, 'copy')];
  const password = 'of-the-superuser';
  const port = await freePort();
  await writeFile(join(directory, 'password'), password);
  if (OWNER.uid !== undefined) await chown(join(directory, 'password'), OWNER.uid, OWNER.gid);
  const how = ['--auth=scram-sha-256', `--pwfile=${join(directory, 'password')}`, '--no-sync', '--locale=C'];
  succeeded('initdb', await programAs('initdb', ['-D', data, `--username=${SUPERUSER}`, ...how]));

  let server: ReturnType<typeof spawn> | undefined;
  await start();
  return {
    port,
    superuser: { name: SUPERUSER, password },
    sql: async (text) => succeeded(text, await psql(SUPERUSER, password, text)),
    async logsIn(user, own) {
      const { code, stderr } = await psql(user, own, 'SELECT 1');
      // Anything else is no answer to the question.
      if (code === 0 || /authentication failed|does not exist/.test(stderr)) return code === 0;
      throw new Error(stderr);
    },
    async keepCopy() {
      await end();
      await copied(data, copy);
      await start();
    },
    async putBack() {
      await end();
      await rm(data, { recursive: true });
      await copied(copy, data);
      await start();
    },
    async stop() {
      await end();
      await rm(directory, { recursive: true, force: true });
    },
  };

  async function start(): Promise<void> {
    const options = [
      `listen_addresses=127.0.0.1`,
      `port=${port}`,
      'unix_socket_directories=',
      'fsync=off',
      'shared_buffers=16MB',
    ];
    const started = spawn(
      join(POSTGRES_PROGRAMS!, 'postgres'),
      ['-D', data, ...options.flatMap((one) => ['-c', one])],
      {
        ...OWNER,
        stdio: 'ignore',
        env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      },
    );
    server = started;
    await waitFor('PostgreSQL answers', async () => (await psql(SUPERUSER, password, 'SELECT 1')).code === 0, {
      timeoutMs: 30_000,
      giveUp: () => (started.exitCode === null ? undefined : `it ended with ${started.exitCode}`),
    });
  }

  /** At once, and whoever is connected loses the connection. */
  async function end(): Promise<void> {
    const running = server;
    if (running === undefined || running.exitCode !== null) return;
    const exited = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGINT');
    await exited;
  }

  function psql(user: string, own: string, text: string): Promise<ProgramResult> {
    const where = ['-h', '127.0.0.1', '-p', String(port), '-U', user, '-d', 'postgres'];
    return runProgram(
      join(POSTGRES_PROGRAMS!, 'psql'),
      [...where, '-w', '-X', '-A', '-t', '-f', '-'],
      {
        PATH: process.env['PATH'] ?? '',
        PGPASSWORD: own,
        PGCONNECT_TIMEOUT: '10',
        LC_ALL: 'C',
      },
      text,
    );
  }

  async function programAs(name: string, args: string[]): Promise<ProgramResult> {
    const asOwner =
      OWNER.uid === undefined ? [] : ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
    const [program = '', ...all] = [...asOwner, join(POSTGRES_PROGRAMS!, name), ...args];
    return runProgram(program, all, { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' });
  }
}

/** With its owner, whoever that is. */
async function copied(from: string, to: string): Promise<void> {
  succeeded('cp', await runProgram('cp', ['-a', from, to], { PATH: process.env['PATH'] ?? '' }));
}

function succeeded(what: string, { code, stdout, stderr }: ProgramResult): string {
  if (code === 0) return stdout.trim();
  throw new Error(`${what}: exit status ${code}: ${stderr.trim().slice(-2_000)}`);
}

/** The directory of the newest version that is installed; null without any. */
function newestPrograms(): string | null {
  const root = '/usr/lib/postgresql';
  try {
    const [newest] = readdirSync(root).toSorted((left, right) => Number(right) - Number(left));
    return newest === undefined ? null : join(root, newest, 'bin');
  } catch {
    return null;
  }
}
