import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

type Database = 'passwd' | 'group';

interface Account {
  name: string;
  id: number;
}

const run = promisify(execFile);
/** getent waits for an unreachable directory service, sometimes for minutes. */
const TIMEOUT_MS = 5_000;
/** Hundreds of files have the same few owners: an unreachable service must not delay each of them. */
const REMEMBERED_MS = 60_000;
/** Exit status of getent: no such account. */
const NOT_FOUND = 2;

const remembered = new Map<string, { since: number; accounts: Promise<Account[]> }>();

/** Name of a user or group as this host knows it, also from a directory service; empty if it doesn't. */
export async function nameOfId(database: Database, id: number): Promise<string> {
  return (await accountsFor(database, String(id))).find((account) => account.id === id)?.name ?? '';
}

export async function idOfName(database: Database, name: string): Promise<number | undefined> {
  if (name === '') return undefined;
  return (await accountsFor(database, name)).find((account) => account.name === name)?.id;
}

/** The entries for a name or number, which getent does not distinguish: there may be more than requested. */
function accountsFor(database: Database, key: string): Promise<Account[]> {
  const now = performance.now();
  const known = remembered.get(`${database} ${key}`);
  if (known && now - known.since < REMEMBERED_MS) return known.accounts;
  const accounts = ask(database, key).then(parse);
  remembered.set(`${database} ${key}`, { since: now, accounts });
  return accounts;
}

/** If getent is missing or does not answer, the host's own files may still know it. */
async function ask(database: Database, key: string): Promise<string> {
  return (await getent(database, key)) ?? (await readFile(`/etc/${database}`, 'utf8').catch(() => ''));
}

/** @returns null if it can't be asked. */
async function getent(database: Database, key: string): Promise<string | null> {
  // It would be taken for an option; and the getent of musl takes a `--` before it for the key.
  if (key.startsWith('-')) return null;
  try {
    // SIGKILL, because a process that hangs in a file system ignores anything else.
    return (await run('getent', [database, key], { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' })).stdout;
  } catch (error) {
    return (error as { code?: unknown }).code === NOT_FOUND ? '' : null;
  }
}

/** In both databases the name is the first field and the number the third. */
function parse(text: string): Account[] {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([name, , id]) => name && /^\d+$/.test(id ?? ''))
    .map(([name = '', , id]) => ({ name, id: Number(id) }));
}
