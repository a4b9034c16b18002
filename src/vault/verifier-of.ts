import type { Manifest } from '../contract/generation';
import { DataArchiveVerifier } from './archive/data-archive';
import type { ArchiveVerifier } from './snapshot/archive-verifier';
import { ConsulSnapshotVerifier } from './snapshot/consul/consul-archive';
import { SnapshotVerifier, type SnapshotSummary } from './snapshot/snapshot-archive';

/** Verifies the archive of a backup, whatever its method. */
export function verifierOf({ content }: Pick<Manifest, 'content'>): ArchiveVerifier<Omit<SnapshotSummary, 'archive'>> {
  switch (content?.method) {
    case undefined:
      return new SnapshotVerifier();
    case 'filesystem':
      return new DataArchiveVerifier();
    case 'consul':
      return new ConsulSnapshotVerifier({ prefix: content.path });
  }
}
