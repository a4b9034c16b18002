import type { ManifestDraft } from '../../contract/generation';
import type { SnapshotSummary } from './snapshot-archive';

type Facts = Pick<ManifestDraft, 'raft' | 'seal' | 'recovery' | 'archive' | 'keys' | 'leases' | 'reach'>;
type Summary = Pick<SnapshotSummary, 'raft' | 'seal' | 'recoveryConfig' | 'archive' | 'keys' | 'leases' | 'reach'>;

/** What a manifest says of an archive, by what was read in it. */
export function manifestFacts({ raft, seal, recoveryConfig, archive, keys, leases, reach }: Summary): Facts {
  return { raft, seal, recovery: recoveryConfig, archive, keys, leases, reach };
}
