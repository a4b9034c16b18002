import { formatCount, formatNumber } from '../contract/format';
import type { Manifest } from '../contract/generation';
import { type ConsulContent, methodOf } from '../contract/method';
import type { LiveView } from '../contract/plan';
import { acceptable, type Finding } from './findings';

/** Where a cluster stores that a backup is restored into. */
export type Storage = 'raft' | 'file' | 'consul';

export function storageOf({ content }: Pick<Manifest, 'content'>): Storage {
  if (content === undefined) return 'raft';
  return content.method === 'consul' ? 'consul' : content.storage;
}

/** In place a leader takes a Raft snapshot in; anything else replaces the storage below Vaults that serve. */
export function inPlaceMethodFindings(manifest: Pick<Manifest, 'content'>): Finding[] {
  const method = methodOf(manifest);
  if (method === 'raft') return [];
  return [
    {
      code: 'in-place-method',
      text: `a backup by the method '${method}' can't be restored in place: omit --in-place, and the nodes are stopped for it`,
    },
  ];
}

/** Whether Consul takes a snapshot in. */
export function consulReachFindings({ consul }: Pick<LiveView, 'consul'>): Finding[] {
  if (consul === undefined || consul.problem !== null) {
    return [
      { code: 'consul-unreachable', text: `Consul can't be asked: ${consul?.problem ?? 'it is not configured'}` },
    ];
  }
  if (consul.leader !== null) return [];
  return [
    {
      code: 'consul-no-leader',
      text: 'Consul has no leader, and without one no snapshot can be restored: bring its quorum back first',
    },
  ];
}

/** Whether Consul can be restored, and can still be reached afterwards. */
export function consulFindings({ content, imported }: Manifest, { leader, consul }: LiveView): Finding[] {
  if (content?.method !== 'consul') return [];
  const findings = consulReachFindings({ consul });
  if (consul === undefined || consul.problem !== null) return findings;
  if (consul.path !== content.path) {
    findings.push({
      code: 'consul-path',
      text: `Vault's keys are below ${content.path} in the backup, but \`consul.path\` is ${consul.path}`,
    });
  }
  if (leader === null && consul.holdsVault === true) {
    findings.push(
      acceptable(
        'lose-newer-data',
        "Consul serves and still holds Vault's data, newer than this backup: if the Vaults are only stopped or sealed, start and unseal them, and nothing is lost",
      ),
    );
  }
  if (imported !== undefined) {
    findings.push(
      acceptable(
        'consul-token',
        `the restore brings back the ACL tokens of the imported snapshot, and nobody knows whether the configured one (${consul.accessor ?? 'none'}) is among them`,
      ),
    );
  } else if (content.accessor !== consul.accessor) {
    findings.push(
      acceptable(
        'consul-token',
        `the restore brings back the ACL tokens of ${content.accessor === null ? 'a Consul without ACLs' : 'the backup'}, made with the token ${content.accessor ?? 'none'}; the configured one (${consul.accessor ?? 'none'}) may not exist afterwards`,
      ),
    );
  }
  return findings;
}

/** What a restore does to others who keep something in Consul. */
export function consulWarnings({ content }: Manifest, { consul }: LiveView): string[] {
  if (content?.method !== 'consul') return [];
  const { all = 0, healthy = 0 } = consul?.servers ?? {};
  return [
    ...(healthy < all ? [`${healthy} of ${all} Consul servers are healthy`] : []),
    `everything in Consul goes back to the time of the backup, not only Vault's keys: ${othersOf(content)}. Other applications lose what they have written there since`,
    "Vault's own ACL token for Consul must be one of the backup: a token that was created or rotated since stops working, and Vault can't start with it",
  ];
}

const MOST_NAMED = 12;

function othersOf({ others }: Pick<ConsulContent, 'others'>): string {
  const counted = Object.entries(others).filter(([, count]) => count > 0);
  if (counted.length === 0) return 'the backup holds nothing else';
  const named = counted.slice(0, MOST_NAMED).map(([kind, count]) => `${kind} ${formatNumber(count)}`);
  const more = counted.length - named.length;
  return [...named, ...(more > 0 ? [formatCount(more, 'other kind')] : [])].join(', ');
}
