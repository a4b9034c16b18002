import { formatTime } from '../contract/format';
import type { Import, Manifest } from '../contract/generation';
import type { LiveView, RecoverySettings } from '../contract/plan';
import { acceptable, type Finding } from './findings';

/*
 * Only the contents of an imported snapshot are certain. When it was taken, by which server and from which cluster is
 * reported as unknown, and people must accept whatever depends on it.
 */

/** What depends on facts that an imported backup doesn't have. */
export function importFindings(
  { imported, serverVersion, clusterId }: Manifest,
  { cluster, source }: RecoverySettings,
  live: LiveView,
): Finding[] {
  if (imported === undefined) return [];
  const findings: Finding[] = [];
  if (serverVersion === null) {
    findings.push(
      acceptable(
        'version',
        'the imported snapshot does not say which server version made it: the nodes must not run an older one',
      ),
    );
  }
  if (clusterId === null && live.clusterId !== null && cluster === source) {
    findings.push(
      acceptable(
        'other-cluster',
        `the imported snapshot does not say which cluster it is from, and ${cluster} is running (cluster id ${live.clusterId}): it may be from another one`,
      ),
    );
  }
  return findings;
}

/** What is unknown, and where the rest comes from. */
export function importWarnings(manifest: Manifest): string[] {
  const { imported, serverVersion } = manifest;
  if (imported === undefined) return [];
  return [
    `${imported.by} imported this backup from ${imported.from} at ${imported.at}; vault-dr did not make it`,
    ...timeWarning(imported, manifest.capturedAt),
    ...(imported.serverVersionBy === 'snapshot'
      ? [`its version (${serverVersion}) is the newest that ran on this data, according to the snapshot itself`]
      : []),
    ...(imported.serverVersionBy === 'operator'
      ? [`its version (${serverVersion}) is as stated by ${imported.by}`]
      : []),
    'unknown, because it was imported: cluster id and name, the login that made it, a canary, configuration files. The restored data is compared with its peers, seal and key counts',
  ];
}

function timeWarning({ capturedAtBy, by }: Import, capturedAt: string): string[] {
  switch (capturedAtBy) {
    case 'operator':
      return [`its time (${formatTime(capturedAt)}) is as stated by ${by}`];
    case 'name':
      return [
        `time of capture unknown: the file name says ${formatTime(capturedAt)}; if that is wrong, so is the stated loss`,
      ];
    case 'file':
      return [
        `time of capture unknown: the file was last written ${formatTime(capturedAt)}, so the snapshot is not newer, and more may be lost than stated here`,
      ];
  }
}
