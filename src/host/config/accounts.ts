import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

type Database = 'passwd' | 'group';

interface Account {
  name: string;
  id: number;
}

const run = promisify(execFile);
/** getent waits for a directory service that is away, and some of them for minutes. */
const TIMEOUT_MS = 5_000;
/** Hundreds of files have the same few owners: a service that is away must not be waited for at each of them. */
const REMEMBERED_MS = 60_000;
/** Of getent: there is no such account. */
const NOT_FOUND = 2;

const remembered = new Map<string, { since: number; accounts: Promise<Account[]> }>();

/** Name of a user or group as this host knows it, from a directory service too; empty when it doesn't. */
export async function nameOfId(database: Database, id: number): Promise<string> {
  return (await accountsFor(database, String(id))).find((account) => account.id === id)?.name ?? '';
}

export async function idOfName(database: Database, name: string): Promise<number | undefined> {
  if (name === '') return undefined;
  return (await accountsFor(database, name)).find((account) => account.name === name)?.id;
}

/** The entries for a name or number, which getent does not distinguish: it may contain more than requested. */
function accountsFor(database: Database, key: string): Promise<Account[]> {
  const now = performance.now();
  const known = remembered.get(`${database} ${key}`);
  if (known && now - known.since < REMEMBERED_MS) return known.accounts;
  const accounts = ask(database, key).then(parse);
  remembered.set(`${database} ${key}`, { since: now, accounts });
  return accounts;
}

/** Where getent is missing or does not answer, the host's own files may still know it. */
async function ask(database: Database, key: string): Promise<string> {
  return (await getent(database, key)) ?? (await readFile(`/etc/${database}`, 'utf8').catch(() => ''));
}

/** @returns null when it can't be asked. */
async function getent(database: Database, key: string): Promise<string | null> {
  // It would be taken for an option; and a `--` before it, by getent of musl, for the key.
  if (key.startsWith('-')) return null;
  try {
    // SIGKILL: one that hangs in a file system would not end for less.
    return (await run('getent', [database, key], { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' })).stdout;
  } catch (error) {
    return (error as { code?: unknown }).code === NOT_FOUND ? '' : null;
  }
}

/** Lines of both databases have the name first and the number third. */
function parse(text: string): Account[] {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([name, , id]) => name && /^\d+$/.test(id ?? ''))
    .map(([name = '', , id]) => ({ name, id: Number(id) }));
}
