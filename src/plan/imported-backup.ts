import type { Import, Manifest } from '../contract/generation';
import type { LiveView, RecoverySettings } from '../contract/plan';
import type { Finding } from './findings';

/*
 * Of a snapshot that others made, vault-dr knows what stands in it. What only somebody knows who was there (when, by which server, of
 * which cluster) is said to be unknown, and whatever hangs on it is for people to accept.
 */

/** What hangs on facts that an imported backup doesn't have. */
export function importFindings(
  { imported, serverVersion, clusterId }: Manifest,
  { cluster, source }: RecoverySettings,
  live: LiveView,
): Finding[] {
  if (imported === undefined) return [];
  const findings: Finding[] = [];
  if (serverVersion === null) {
    findings.push({
      text: 'which version of the server made the imported snapshot is not known: the nodes must not run an older one',
      accept: 'version',
    });
  }
  if (clusterId === null && live.clusterId !== null && cluster === source) {
    findings.push({
      text: `the imported snapshot does not say of which cluster it is, and ${cluster} runs (cluster id ${live.clusterId}): that it is of this one is not known`,
      accept: 'other-cluster',
    });
  }
  return findings;
}

/** What is not known, and where the rest comes from. */
export function importWarnings(manifest: Manifest): string[] {
  const { imported, serverVersion } = manifest;
  if (imported === undefined) return [];
  return [
    `${imported.by} imported this backup from ${imported.from} at ${imported.at}; vault-dr did not make it`,
    ...timeWarning(imported, manifest.capturedAt),
    ...(imported.serverVersionBy === 'snapshot'
      ? [`its version is the newest one that had run on its data (${serverVersion}), by the snapshot itself`]
      : []),
    ...(imported.serverVersionBy === 'operator' ? [`its version (${serverVersion}) is what ${imported.by} said`] : []),
    'not known, since it was imported: cluster id and name, which login made it, a canary, configuration files. What is restored is compared with its peers, seal and numbers of keys',
  ];
}

function timeWarning({ capturedAtBy, by }: Import, capturedAt: string): string[] {
  switch (capturedAtBy) {
    case 'operator':
      return [`when it was captured (${capturedAt}) is what ${by} said`];
    case 'name':
      return [
        `not known: when it was captured. The name of its file says ${capturedAt}; if that is wrong, so is what will be lost`,
      ];
    case 'file':
      return [
        `not known: when it was captured. Its file was last written ${capturedAt}, so not later than that: more may be lost than is said here`,
      ];
  }
}
