import type { ManifestDraft } from '../../contract/generation';
import type { SnapshotSummary } from './snapshot-archive';

type Facts = Pick<ManifestDraft, 'raft' | 'seal' | 'recovery' | 'archive' | 'keys' | 'leases' | 'reach'>;
type Summary = Pick<SnapshotSummary, 'raft' | 'seal' | 'recoveryConfig' | 'archive' | 'keys' | 'leases' | 'reach'>;

/** The facts of a manifest that come from the archive. */
export function manifestFacts({ raft, seal, recoveryConfig, archive, keys, leases, reach }: Summary): Facts {
  return { raft, seal, recovery: recoveryConfig, archive, keys, leases, reach };
}
