import type { RetentionPolicy } from '../contract/backup';
import { isDrError } from '../contract/failures';
import type { GenerationCopy } from '../contract/generation';
import type { RepositoryView } from './keep/chain';
import { replicateGeneration } from './generations';
import { worthAdding } from './keep/retention';
import type { Repository, TransferOptions } from './types';

export interface RepairPlace {
  repository: Repository;
  view: Pick<RepositoryView, 'copies' | 'unreadable'>;
}

export interface Repair {
  generation: string;
  repository: string;
  /** `in the way`: damaged files stay in place; nothing is ever overwritten. */
  outcome: 'added' | 'in the way' | 'failed';
  problem: string | null;
}

/**
 * Copies a generation to each repository that lacks it and would keep it, and completes copies that lack files.
 * @param good repositories whose copy was just read end to end.
 * @param damaged repositories whose copy was found damaged.
 */
export async function repairGeneration(
  copy: GenerationCopy,
  good: readonly string[],
  damaged: readonly string[],
  places: readonly RepairPlace[],
  policy: { retention: RetentionPolicy; pinned: ReadonlySet<string>; now: Date },
  publicKeyPem: string,
  options: TransferOptions = {},
): Promise<Repair[]> {
  const source = places.find(({ repository }) => good.includes(repository.name));
  if (!source) return [];
  const repairs: Repair[] = [];
  for (const { repository, view } of places) {
    if (good.includes(repository.name)) continue;
    const offered = { copies: [copy], unreadable: [] };
    const wanted = worthAdding(offered, view, policy.retention, policy.now, policy.pinned).length > 0;
    if (!wanted && !damaged.includes(repository.name)) continue;
    const place = { generation: copy.generation, repository: repository.name };
    try {
      const { cluster } = copy.manifest;
      await replicateGeneration(source.repository, repository, cluster, copy.generation, publicKeyPem, options);
      repairs.push({ ...place, outcome: 'added', problem: null });
    } catch (error) {
      if (!isDrError(error)) throw error;
      const outcome = error.code === 'RepositoryConflict' || error.code === 'CopyDamaged' ? 'in the way' : 'failed';
      repairs.push({ ...place, outcome, problem: error.message });
    }
  }
  return repairs;
}
