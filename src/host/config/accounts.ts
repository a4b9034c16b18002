import { readFile } from 'node:fs/promises';

type Database = 'passwd' | 'group';

/** Name of a user or group in the files of this host; empty when they don't know it. */
export async function nameOfId(database: Database, id: number): Promise<string> {
  return (await accounts(database)).find((account) => account.id === id)?.name ?? '';
}

export async function idOfName(database: Database, name: string): Promise<number | undefined> {
  return (await accounts(database)).find((account) => account.name === name)?.id;
}

/** Both files have the name first and the number third. */
async function accounts(database: Database): Promise<{ name: string; id: number }[]> {
  const text = await readFile(`/etc/${database}`, 'utf8').catch(() => '');
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([name, , id]) => name && /^\d+$/.test(id ?? ''))
    .map(([name = '', , id]) => ({ name, id: Number(id) }));
}
