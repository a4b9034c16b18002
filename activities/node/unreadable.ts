import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../src/config/schema';
import type { NodeReport } from '../../src/contract/host';

/** A share whose server is gone never answers, and the report must not wait for it. */
const ANSWER_MS = 3_000;
/** One question for each path, because each that hangs keeps a thread for as long. */
const asked = new Map<string, Promise<string | null>>();

/** Directories of backups that this host does not have, or may not read: another host's, or a share that is not mounted. */
export async function unreadableDirectories(
  { clusters, repositories }: Pick<Config, 'clusters' | 'repositories'>,
  open: (path: string) => Promise<{ close(): Promise<void> }> = opendir,
): Promise<NonNullable<NodeReport['unreadable']>> {
  const pairs = Object.entries(clusters).flatMap(([cluster, { repositories: names }]) =>
    names.flatMap((repository) => {
      const config = repositories[repository];
      return config?.type === 'directory' ? [{ cluster, repository, path: join(config.path, cluster) }] : [];
    }),
  );
  const found = await Promise.all(
    pairs.map(async ({ path, ...pair }) => {
      const problem = await whyUnreadable(path, open);
      return problem === null ? [] : [{ ...pair, problem }];
    }),
  );
  return found.flat();
}

async function whyUnreadable(path: string, open: (path: string) => Promise<{ close(): Promise<void> }>) {
  const answer = asked.get(path) ?? ask(path, open);
  asked.set(path, answer);
  void answer.finally(() => asked.delete(path));
  const late = new AbortController();
  const silence = sleep(ANSWER_MS, `${path} does not answer`, { signal: late.signal }).catch(() => null);
  try {
    return await Promise.race([answer, silence]);
  } finally {
    late.abort();
  }
}

async function ask(path: string, open: (path: string) => Promise<{ close(): Promise<void> }>): Promise<string | null> {
  try {
    await (await open(path)).close();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
