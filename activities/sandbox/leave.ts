import { log } from '@temporalio/activity';
import { leaveMark } from '../../src/repository/keep/leave-mark';
import type { Repository } from '../../src/repository/types';
import type { SandboxHost } from './context';

/** Nobody should wait longer for a bucket at the end. */
const MARK_TIMEOUT_MS = 30_000;

type Left = Parameters<typeof leaveMark>[2];

/** This host signs what it has seen itself. A repository that is down changes nothing about that. @returns which have it */
export async function leave(host: SandboxHost, mark: Left, aborted: AbortSignal): Promise<string[]> {
  const signal = AbortSignal.any([aborted, AbortSignal.timeout(MARK_TIMEOUT_MS)]);
  try {
    const those = await repositoriesOf(host, mark.cluster);
    return await leaveMark(host.config, those, mark, (why) => log.warn(why), { signal });
  } catch (error) {
    log.warn(`No mark was left: ${(error as Error).message}`);
    return [];
  }
}

/** Those that this host reaches. */
export async function repositoriesOf(host: SandboxHost, cluster: string): Promise<Repository[]> {
  const names = host.cluster(cluster).repositories;
  const repositories = await Promise.all(names.map((name) => host.repository(name)));
  return repositories.filter((one) => one !== null);
}
