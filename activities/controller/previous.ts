import type { BackupPlan } from '../../src/contract/backup';
import type { GenerationCopy } from '../../src/contract/generation';
import { readNewest } from '../../src/repository/generations';
import { cancellation } from '../heartbeat';
import type { Controller } from './context';
import { notice } from '../../src/contract/notice';

/** An unreachable repository must not delay the backup. */
const LOOK_UP_TIMEOUT_MS = 30_000;

/**
 * The newest generation in the repositories that answer in time. A chain with a gap is better than no backup, but a
 * backup that was not compared must say so.
 */
export async function findPrevious(
  controller: Controller,
  plan: Pick<BackupPlan, 'cluster' | 'repositories'>,
): Promise<{ previous: GenerationCopy | null; warnings: string[] }> {
  const publicKey = await controller.publicKey();
  const problems: string[] = [];
  const found = await Promise.all(
    plan.repositories.map(async (name) => {
      const timeout = AbortSignal.timeout(LOOK_UP_TIMEOUT_MS);
      const signal = AbortSignal.any([cancellation(), timeout]);
      try {
        return await readNewest(await controller.repository(name), plan.cluster, publicKey, { signal });
      } catch (error) {
        cancellation().throwIfAborted();
        const late = `did not answer within ${LOOK_UP_TIMEOUT_MS / 1_000} s.`;
        problems.push(`${name}: ${timeout.aborted ? late : (error as Error).message}`);
        return null;
      }
    }),
  );
  const [previous = null] = found
    .filter((copy) => copy !== null)
    .toSorted((left, right) => (left.generation < right.generation ? 1 : -1));
  if (previous !== null || problems.length === 0) return { previous, warnings: [] };
  const warning = notice(
    'previous-not-compared',
    `the generation before this one could not be looked up, so the two were not compared: ${problems.join(' ')}`,
  );
  return { previous, warnings: [warning] };
}
